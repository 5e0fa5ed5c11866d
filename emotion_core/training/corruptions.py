"""Photos as they occur outside a data set: the same faces turned, small, dark, blurred, badly cropped.

After Hendrycks and Dietterich 2019, "Benchmarking Neural Network Robustness to Common Corruptions",
arXiv:1903.12261. Each corruption has one fixed strength and, if random, one fixed seed.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

Faces = NDArray[np.uint8]


def _each(change: Callable[[NDArray[np.uint8]], NDArray[np.uint8]], faces: Faces) -> Faces:
    return np.stack([change(face) for face in faces]).reshape(faces.shape)


def _warped(face: NDArray[np.uint8], degrees: float = 0, zoom: float = 1, shift: float = 0) -> NDArray[np.uint8]:
    """Rotate and zoom about the centre, shift by a share of the side; edges are replicated."""
    side = face.shape[0]
    turn = cv2.getRotationMatrix2D(((side - 1) / 2, (side - 1) / 2), degrees, zoom)
    turn[:, 2] += shift * side
    return np.asarray(cv2.warpAffine(face, turn, (side, side), borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _small(face: NDArray[np.uint8], pixels: int) -> NDArray[np.uint8]:
    tiny = cv2.resize(face, (pixels, pixels), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(tiny, (face.shape[1], face.shape[0])), np.uint8)


def _blurred(face: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(face, (0, 0), 1.5), np.uint8)


def _compressed(face: NDArray[np.uint8]) -> NDArray[np.uint8]:
    _, packed = cv2.imencode(".jpg", face, [cv2.IMWRITE_JPEG_QUALITY, 20])
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_UNCHANGED), np.uint8)


def _light(faces: Faces, factor: float, offset: float) -> Faces:
    return np.clip(np.round(faces * factor + offset), 0, 255).astype(np.uint8)


def _noisy(faces: Faces) -> Faces:
    noise = np.random.default_rng(0).normal(0, 20, faces.shape)
    return np.clip(np.round(faces + noise), 0, 255).astype(np.uint8)


def _geometric(degrees: float = 0, zoom: float = 1, shift: float = 0) -> Callable[[Faces], Faces]:
    return partial(_each, partial(_warped, degrees=degrees, zoom=zoom, shift=shift))


#: Name -> function on uint8 (N, H, W, C) that keeps the shape.
CORRUPTIONS: Final[dict[str, Callable[[Faces], Faces]]] = {
    "roll 15 degrees": _geometric(degrees=15),
    "roll 25 degrees": _geometric(degrees=25),
    "roll 35 degrees": _geometric(degrees=35),
    "face of 32 pixels": partial(_each, partial(_small, pixels=32)),
    "face of 24 pixels": partial(_each, partial(_small, pixels=24)),
    "face of 16 pixels": partial(_each, partial(_small, pixels=16)),
    "dark, a quarter of the light": partial(_light, factor=0.25, offset=0),
    "bright": partial(_light, factor=0.6, offset=100),
    "noise": _noisy,
    "blur": partial(_each, _blurred),
    "JPEG 20": partial(_each, _compressed),
    "crop 20% looser": _geometric(zoom=1 / 1.2),
    "crop 20% tighter": _geometric(zoom=1.2),
    "crop shifted by 10%": _geometric(shift=0.1),
}
