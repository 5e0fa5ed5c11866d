"""Searches one picture at several scales, so that the result does not depend on its resolution.

A detector recognises faces of about 10 to 300 pixels. On a small copy it finds a face that fills the
picture, on a large one the faces in the background.
"""

from collections.abc import Callable, Sequence
from typing import Final

import cv2
import numpy as np

from ..images import RGB
from .boxes import Rows, no_rows, sound

#: Longest sides, in pixels, of the copies that are searched. Pictures are not enlarged to reach the larger ones.
SIDES: Final = (320, 800, 2000)
#: A copy is only worth its time if it is larger than the previous one by this factor.
STEP: Final = 1.25
#: On all but the smallest copy, larger boxes, in pixels of the copy, are left to the smaller copies.
LARGEST: Final = 320
#: Smaller pictures are enlarged to this longest side: a single 48x48 face is too small for a detector.
SMALLEST_SIDE: Final = 256
#: Copies are padded to this shorter side: with only 32 rows or columns OpenCV's YuNet reads stale memory and reports
#: confident faces of infinite or random size; with more it never does.
SHORTEST_SIDE: Final = 64


def search(rgb: RGB, seek: Callable[[RGB], Rows], sides: Sequence[int] = SIDES) -> Rows:
    """What ``seek`` finds on all copies of an RGB uint8 (H, W, 3) picture, in its pixels, not yet merged."""
    found = [no_rows()]
    for number, scale in enumerate(scales(max(rgb.shape[:2]), sides)):
        rows = sound(seek(copy_of(rgb, scale)), round(rgb.shape[0] * scale), round(rgb.shape[1] * scale))
        if number:
            rows = rows[np.maximum(rows[:, 2], rows[:, 3]) <= LARGEST]
        rows[:, :14] /= scale
        found.append(rows)
    return np.concatenate(found)


def scales(longest: int, sides: Sequence[int] = SIDES) -> list[float]:
    """The scale factor of each copy, smallest first."""
    if longest <= sides[0]:
        return [max(1.0, SMALLEST_SIDE / longest)]
    wanted = [float(sides[0])]
    for side in (min(side, longest) for side in sides[1:]):
        if side >= STEP * wanted[-1]:
            wanted.append(side)
    return [side / longest for side in wanted]


def copy_of(rgb: RGB, scale: float) -> RGB:
    """The picture resized, and padded on the right and at the bottom if it is very thin."""
    small = rgb
    if scale != 1:
        method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
        size = (max(round(rgb.shape[1] * scale), 1), max(round(rgb.shape[0] * scale), 1))
        small = np.asarray(cv2.resize(rgb, size, interpolation=method), np.uint8)
    missing = [max(SHORTEST_SIDE - side, 0) for side in small.shape[:2]]
    if any(missing):
        small = np.asarray(cv2.copyMakeBorder(small, 0, missing[0], 0, missing[1], cv2.BORDER_REPLICATE), np.uint8)
    return small


def at_most(rgb: RGB, side: int) -> RGB:
    """The picture itself if its longest side is at most ``side`` pixels, else a copy of that size."""
    scale = side / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    size = (max(round(rgb.shape[1] * scale), 1), max(round(rgb.shape[0] * scale), 1))
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
