"""What a network has learnt to look for: its filters, what they answer, and which part of a face it needs."""

from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from ..classifier import Classifier
from ..errors import DataError


def convolutions(network: Any) -> list[Any]:
    """The 2-D convolutions in order, those of a backbone inside the network included."""
    layers = [
        inner for layer in network.layers for inner in (layer.layers if isinstance(layer, keras.Model) else [layer])
    ]
    return [layer for layer in layers if isinstance(layer, keras.layers.Conv2D)]


def filters(network: Any, number: int = 0) -> NDArray[np.uint8]:
    """The kernels of a convolution as pictures, uint8 (filters, H, W): gray is 0, white and black the extremes.

    Of each kernel, the mean over its input channels. number: which convolution, from 0.
    """
    kernel = np.asarray(_numbered(network, number).kernel, np.float32).mean(axis=2).transpose(2, 0, 1)
    extreme = np.abs(kernel).max(axis=(1, 2), keepdims=True)
    return np.asarray(127.5 + 127.5 * kernel / np.maximum(extreme, 1e-9), np.uint8)


def feature_maps(network: Any, picture: NDArray[np.uint8], number: int = 0) -> NDArray[np.float32]:
    """What a convolution, normalised and rectified, answers to a picture (H, W, C): float32 (filters, h, w), 0 to 1.

    number: which convolution, from 0. Raises DataError for one inside a backbone, which has no
    answer of its own to the picture.
    """
    layer = _numbered(network, number)
    if layer not in network.layers:
        raise DataError(f"Convolution {number} is inside a backbone: look at a network that is not nested.")
    after = network.layers[network.layers.index(layer) :]
    activation = next((later for later in after if isinstance(later, keras.layers.ReLU)), layer)
    maps = np.asarray(keras.Model(network.input, activation.output)(picture[None]), np.float32)[0]
    maps = np.maximum(maps, 0).transpose(2, 0, 1)
    return np.asarray(maps / np.maximum(maps.max(axis=(1, 2), keepdims=True), 1e-9), np.float32)


def occlusion(
    classifier: Classifier, faces: NDArray[np.uint8], patch: int = 12, step: int = 4
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """How much of the answer each place carries (occlusion sensitivity: Zeiler and Fergus 2014, arXiv:1311.2901).

    A gray square is laid over every place of each face, as the network serves it. Returns the
    mean loss of the answered class's probability wherever a square covered a pixel, float64
    (N, H, W), and the answers, int64 (N,). patch and step are in pixels.
    """
    whole = classifier.probabilities(faces)
    answers, rows = whole.argmax(axis=1), np.arange(len(faces))
    height, width = faces.shape[1:3]
    loss, seen = np.zeros(faces.shape[:3]), np.zeros((height, width))
    for top in range(0, height - step, step):
        for left in range(0, width - step, step):
            place = np.s_[top : top + patch, left : left + patch]
            covered = faces.copy()
            covered[:, *place] = faces.mean(axis=(1, 2), keepdims=True).astype(np.uint8)
            without = classifier.probabilities(covered)[rows, answers]
            loss[:, *place] += (whole[rows, answers] - without)[:, None, None]
            seen[place] += 1
    return loss / np.maximum(seen, 1), np.asarray(answers, np.int64)


def _numbered(network: Any, number: int) -> Any:
    found = convolutions(network)
    if not 0 <= number < len(found):
        raise DataError(f"{network.name} has {len(found)} convolutions: give a number from 0 to {len(found) - 1}.")
    return found[number]
