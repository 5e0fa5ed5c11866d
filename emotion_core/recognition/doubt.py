"""Faces of which too little can be seen to name their expression with certainty, whatever the network says.

Measured on found photos made darker, softer and smaller, with the network of the default bundle: its
certainty holds on what it was trained on, and says nothing of a face that is black on black.
"""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..results import Face

#: Sides of a face's box, in pixels: under these fewer than 58 in 100 were named as labelled, of larger ones 64.
SMALLEST: Final = 24
#: The 95th percentile of the middle of the crop, gray 0 to 255: at a quarter of their light 49 in 100 were right.
DARKEST: Final = 56
#: The standard deviation of the same: clean faces have 22 and more, 19 in 100 of those under this were right.
FLATTEST: Final = 12.0
#: The Laplacian's standard deviation on 48 pixels a side, in shares of the gray's: clean faces have 0.5 and more.
SOFTEST: Final = 0.3
#: The detector's own score: of found photos' faces 99 in 100 are surer, of those the wrong way up a half.
FAINTEST: Final = 0.8
_SIDE: Final = 48
_RIM: Final = 6


def doubts(crops: NDArray[np.uint8], faces: Sequence[Face], min_side: int = 0) -> list[tuple[str, ...]]:
    """For each face why it is hard to see: any of "small", "dark", "flat", "blurred" and "faint".

    crops: uint8 (N, H, W, C), as the network is given them. min_side: of the crop, in pixels of the
    picture, where the bundle asks for more than ``SMALLEST``.
    """
    return [_doubts(crop, face, min_side) for crop, face in zip(crops, faces, strict=True)]


def _doubts(crop: NDArray[np.uint8], face: Face, min_side: int) -> tuple[str, ...]:
    gray = crop[..., 0] if crop.shape[2] == 1 else cv2.cvtColor(crop, cv2.COLOR_RGB2GRAY)
    if gray.shape != (_SIDE, _SIDE):
        gray = np.asarray(cv2.resize(gray, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    middle = gray[_RIM:-_RIM, _RIM:-_RIM]
    contrast = float(middle.std())
    edges = float(cv2.Laplacian(gray, cv2.CV_32F)[4:-4, 4:-4].std())
    found = {
        "small": face.box.area < SMALLEST**2 or face.crop.width < min_side,
        "dark": float(np.percentile(middle, 95)) < DARKEST,
        "flat": contrast < FLATTEST,
        "blurred": edges < SOFTEST * max(contrast, 1.0),
        "faint": face.score is not None and face.score < FAINTEST,
    }
    return tuple(name for name, so in found.items() if so)
