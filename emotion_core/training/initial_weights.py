"""What training starts from: initial weights, another bundle's network, frozen layers."""

from pathlib import Path
from typing import Any, Final
from zipfile import BadZipFile

import keras
import numpy as np

from ..errors import BundleError, TrainingError
from ..recognition.architectures import HEAD
from ..recognition.bundle import KERAS, WEIGHTS, Bundle
from ..recognition.bundle_config import CONFIG
from ..recognition.keras_network import load_network
from .widening import fed_by, widen

#: The network that is a plain chain of layers, and so can start from a narrower one.
CHAIN: Final = "custom_cnn"


def load_initial(model: Any, path: str | Path, labels: tuple[str, ...] = ()) -> int:
    """Start from a bundle's folder, from a ``.weights.h5`` of the same network, or from an ``.npz``
    whose arrays are named by variable path (``|`` for ``/``); other arrays are ignored.

    ``labels``, the classes of ``model``, are needed only for a bundle: its head is copied for the
    labels that both share. A custom CNN may be wider than the bundle's. Returns how many variables
    were set; TrainingError when nothing fits.
    """
    path = Path(path)
    if (path / CONFIG).is_file():
        return _from_bundle(model, Bundle.open(path), labels)
    try:
        if path.suffix == ".h5":
            model.load_weights(path)
            return len(model.variables)
        variables = {variable.path: variable for variable in model.variables}
        copied = 0
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            for name in arrays.files:
                variable = variables.get(name.replace("|", "/"))
                if variable is not None and tuple(variable.shape) == arrays[name].shape:
                    variable.assign(arrays[name].astype("float32"))
                    copied += 1
    except (OSError, ValueError, TypeError, BadZipFile) as error:
        raise TrainingError(f"{path}: not a readable file of initial weights ({error}).") from error
    if not copied:
        raise TrainingError(f"{path}: no array fits a variable of {model.name}. Is it for another architecture?")
    return copied


def freeze_before(network: Any, name: str) -> int:
    """Train only the named layer and those after it; returns how many layers are frozen.

    Frozen normalisations keep their statistics. ``logits`` trains the head alone. TrainingError
    for a layer that neither the network nor its backbone has.
    """
    flat = [
        inner for layer in network.layers for inner in (layer.layers if isinstance(layer, keras.Model) else [layer])
    ]
    names = [layer.name for layer in flat]
    if name not in names:
        weighty = [layer.name for layer in flat if layer.trainable_variables]
        some = ", ".join(weighty[:: max(len(weighty) // 8, 1)])
        raise TrainingError(f"{network.name} has no layer {name!r} to train from; some that it has: {some}.")
    for layer in flat[: names.index(name)]:
        layer.trainable = False
    return names.index(name)


def weights_file(bundle: Bundle) -> Path:
    """The float weights of a bundle; BundleError when it has none to start from."""
    for name in (WEIGHTS, KERAS):
        if (bundle.folder / name).is_file():
            return bundle.folder / name
    raise BundleError(f"{bundle.origin} has neither {WEIGHTS} nor {KERAS}: there is nothing to fine-tune.")


def _from_bundle(model: Any, bundle: Bundle, labels: tuple[str, ...]) -> int:
    source, known = load_network(bundle, weights_file(bundle).name), bundle.config.labels
    body = [layer for layer in model.layers if layer.name != HEAD]
    others = [layer for layer in source.layers if layer.name != HEAD]
    head = model.get_layer(HEAD)
    (kernel, bias), (old_kernel, old_bias) = head.get_weights(), source.get_layer(HEAD).get_weights()
    try:
        if model.name == source.name == CHAIN and old_kernel.shape[0] != kernel.shape[0]:
            old_kernel = fed_by(old_kernel, widen(body, others), np.random.default_rng(0))
        else:
            for layer, other in zip(body, others, strict=True):
                layer.set_weights(other.get_weights())
    except (ValueError, TrainingError) as error:
        raise TrainingError(f"{bundle.origin} is not a {model.name} of this shape ({error}).") from error
    for index, label in enumerate(labels):
        if label in known:
            kernel[:, index], bias[index] = old_kernel[:, known.index(label)], old_bias[known.index(label)]
    head.set_weights([kernel, bias])
    return len(model.variables)
