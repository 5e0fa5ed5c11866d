"""A bundle with only Keras weights, served by TensorFlow: slower, for models not yet exported."""

import threading
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..errors import BundleError
from .architectures import build
from .bundle import KERAS, Bundle


def load_network(bundle: Bundle, name: str) -> Any:
    """The bundle's Keras model, from its ``.keras`` file or its weights.

    Only data is loaded: a ``.keras`` file that carries code (a Lambda layer, say) is refused.
    Raises BundleError if the file does not fit the config.
    """
    config = bundle.config
    path = bundle.folder / name
    try:
        if name == KERAS:
            return keras.saving.load_model(path, compile=False, safe_mode=True)
        network = build(config.arch, len(config.labels), **config.arch_options)
        network.load_weights(path)
    # h5py, zipfile and Keras raise many exception types for files that are broken, unsafe or from another model.
    except Exception as error:
        raise BundleError(f"{name} of {bundle.origin} cannot be loaded safely: {error}") from error
    return network


class KerasNetwork:
    """uint8 (N, H, W, C) -> float32 logits (N, classes)."""

    def __init__(self, bundle: Bundle, name: str) -> None:
        self._model = load_network(bundle, name)
        self.input_shape = tuple(self._model.input_shape[1:])
        self.classes = int(self._model.output_shape[-1])
        self._lock = threading.Lock()

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 (N, H, W, C) -> float32 logits (N, classes)."""
        with self._lock:
            return np.asarray(self._model.predict(crops, verbose=0), np.float32)
