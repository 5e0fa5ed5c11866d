"""The networks. Each takes raw uint8 crops and gives logits: preprocessing is part of the graph."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import keras
import numpy as np
from keras import layers

from ..errors import BundleError, DataError

BUILDERS: Final[dict[str, Callable[..., Any]]] = {}


def register(builder: Callable[..., Any]) -> Callable[..., Any]:
    BUILDERS[builder.__name__] = builder
    return builder


def build(arch: str, classes: int, **options: Any) -> Any:
    """Build a network by name: uint8 (N, H, W, C) -> logits float32 (N, classes).

    Raises BundleError for a name that is not in ``BUILDERS``.
    """
    if arch not in BUILDERS:
        raise BundleError(f"Unknown architecture {arch!r}: use one of {', '.join(sorted(BUILDERS))}.")
    return BUILDERS[arch](classes, **options)


def options_of(arch: str) -> dict[str, Any]:
    """What decides the shape of a network beside its classes: recorded, so that it can be built again."""
    parameters = inspect.signature(BUILDERS[arch]).parameters
    return {name: p.default for name, p in parameters.items() if name not in ("classes", "dropout", "weights")}


@register
def resnet50v2(classes: int, image_size: int = 64, dropout: float = 0.3, weights: str | None = None) -> Any:
    """ResNet50V2 (He et al. 2016, arXiv:1603.05027) on a 48x48 gray crop.

    The crop is enlarged to ``image_size`` inside the graph. ``weights="imagenet"`` downloads
    Keras's own.
    """
    crop = keras.Input((48, 48, 1), dtype="uint8", name="crop")
    # float32, whatever the policy: bfloat16 keeps 8 bits and would blur the gray levels.
    x = layers.Rescaling(1 / 127.5, offset=-1, dtype="float32", name="scale")(crop)
    x = layers.Resizing(image_size, image_size, dtype="float32", name="enlarge")(x)
    x = layers.Concatenate(dtype="float32", name="gray_to_rgb")([x, x, x])
    backbone = keras.applications.ResNet50V2(
        include_top=False, weights=weights, input_shape=(image_size, image_size, 3), pooling="avg"
    )
    x = layers.Dropout(dropout, name="dropout")(backbone(x))
    return keras.Model(crop, layers.Dense(classes, dtype="float32", name="logits")(x), name="resnet50v2")


def load_initial(model: Any, path: str | Path) -> int:
    """Start from a ``.weights.h5`` of the same network, or from an ``.npz`` whose arrays are named
    by variable path (``|`` for ``/``); arrays of another path or shape are passed over.

    Returns how many variables were set; DataError when the file does not fit.
    """
    try:
        if Path(path).suffix == ".h5":
            model.load_weights(path)
            return len(model.variables)
        variables = {variable.path: variable for variable in model.variables}
        copied = 0
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            for name in arrays.files:
                variable = variables.get(name.replace("|", "/"))
                if variable is not None and tuple(variable.shape) == arrays[name].shape:
                    variable.assign(arrays[name].astype("float32"))
                    copied += 1
    except (OSError, ValueError, TypeError, BadZipFile) as error:
        raise DataError(f"{path}: not a readable file of initial weights ({error}).") from error
    if not copied:
        raise DataError(f"{path}: no array fits a variable of {model.name}. Is it for another architecture?")
    return copied
