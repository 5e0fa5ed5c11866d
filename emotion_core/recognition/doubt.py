"""Faces that show too little to name their expression with certainty, whatever the network says.

Measured on found photos made darker, softer and smaller, with the default bundle's network: its
confidence is valid for data like its training set, but means nothing for a face that is black on black.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..results import Face

#: Side of a face's box, in pixels: below it fewer than 58 in 100 were named as labelled, above it 64.
SMALLEST: Final = 24
#: 95th percentile of the crop's centre, gray 0 to 255: at a quarter of their brightness 49 in 100 were right.
DARKEST: Final = 56
#: Standard deviation of the same pixels: clean faces have 22 or more; below this 19 in 100 were right.
FLATTEST: Final = 12.0
#: The Laplacian's standard deviation at 48x48 pixels, relative to the gray's: clean faces have 0.5 or more.
SOFTEST: Final = 0.3
#: The detector's score: 99 in 100 faces in found photos score higher, but only half of those the wrong way up.
FAINTEST: Final = 0.8
_SIDE: Final = 48
_RIM: Final = 6


def doubts(crops: NDArray[np.uint8], faces: Sequence[Face], min_side: int = 0) -> list[tuple[str, ...]]:
    """Why each face is hard to see: any of "small", "dark", "flat", "blurred" and "faint".

    crops: uint8 (N, H, W, C), the network's input. min_side: minimum side of the crop, in pixels of
    the picture, if the bundle asks for more than ``SMALLEST``.
    """
    if not len(crops):
        return []
    grays = np.stack([_gray(crop) for crop in crops])
    middles = grays[:, _RIM:-_RIM, _RIM:-_RIM].reshape(len(grays), -1)
    contrast = middles.std(axis=1)
    edges = np.stack([cv2.Laplacian(gray, cv2.CV_32F)[4:-4, 4:-4] for gray in grays]).std(axis=(1, 2))
    found = {
        "small": [face.box.area < SMALLEST**2 or face.crop.width < min_side for face in faces],
        "dark": np.percentile(middles, 95, axis=1) < DARKEST,
        "flat": contrast < FLATTEST,
        "blurred": edges < SOFTEST * np.maximum(contrast, 1.0),
        "faint": [face.score is not None and face.score < FAINTEST for face in faces],
    }
    return [tuple(name for name, so in found.items() if so[number]) for number in range(len(grays))]


def _gray(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A crop (H, W, C) as the measures want it: uint8 (48, 48)."""
    gray = crop[..., 0] if crop.shape[2] == 1 else cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    if gray.shape != (_SIDE, _SIDE):
        gray = cv2.resize(gray, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(gray, np.uint8)
