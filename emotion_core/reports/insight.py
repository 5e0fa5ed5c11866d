"""What a network has learnt: its filters, and their responses to a picture."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..errors import ReportError


def convolutions(network: Any) -> list[Any]:
    """The 2-D convolutions in order, including those of a nested backbone."""
    layers = [
        inner for layer in network.layers for inner in (layer.layers if isinstance(layer, keras.Model) else [layer])
    ]
    return [layer for layer in layers if isinstance(layer, keras.layers.Conv2D)]


def filters(network: Any, number: int = 0) -> NDArray[np.uint8]:
    """The kernels of a convolution as pictures, uint8 (filters, H, W): gray is 0, white and black the extremes.

    Each kernel is averaged over its input channels. number: which convolution, from 0.
    """
    kernel = np.asarray(_numbered(network, number).kernel, np.float32).mean(axis=2).transpose(2, 0, 1)
    extreme = np.abs(kernel).max(axis=(1, 2), keepdims=True)
    return np.asarray(np.round(127.5 + 127.5 * kernel / np.maximum(extreme, 1e-9)), np.uint8)


def feature_maps(network: Any, picture: NDArray[np.uint8], number: int = 0) -> NDArray[np.float32]:
    """A convolution's response to a picture (H, W, C), after its ReLU: float32 (filters, h, w), 0 to 1.

    number: which convolution, from 0. Raises ReportError for one inside a backbone, whose output
    cannot be reached from the network's input.
    """
    layer = _numbered(network, number)
    if layer not in network.layers:
        raise ReportError(f"Convolution {number} is inside a backbone: look at a network that is not nested.")
    after = network.layers[network.layers.index(layer) :]
    activation = next((later for later in after if isinstance(later, keras.layers.ReLU)), layer)
    maps = np.asarray(keras.Model(network.input, activation.output)(picture[None]), np.float32)[0]
    maps = np.maximum(maps, 0).transpose(2, 0, 1)
    return np.asarray(maps / np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-9), np.float32)


def _numbered(network: Any, number: int) -> Any:
    found = convolutions(network)
    if not 0 <= number < len(found):
        raise ReportError(f"{network.name} has {len(found)} convolutions: give a number from 0 to {len(found) - 1}.")
    return found[number]
