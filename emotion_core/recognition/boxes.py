"""Detections as rows of numbers, before they become ``Face``s.

A row is float32 (15,): x, y, width and height of the box; five landmarks (x, y): the eye on the picture's
left, the eye on its right, the nose, the left and the right corner of the mouth; and the score.
Landmarks or scores that a detector does not give are NaN.
"""

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..images import RGB
from ..results import Box, Face
from .levelling import tilt

#: float32 (N, 15), in pixels of the searched picture.
Rows: TypeAlias = NDArray[np.float32]
COLUMNS: Final = 15
#: Minimum overlap (intersection over union) of boxes of the same face found at two scales.
SAME: Final = 0.35
#: A weaker box with more than this share inside a stronger one is a part of that face: a mouth, an ear.
INSIDE: Final = 0.7


def no_rows() -> Rows:
    """Zero rows: no faces."""
    return np.empty((0, COLUMNS), np.float32)


def sound(rows: Rows, height: int, width: int) -> Rows:
    """The rows whose box is finite, not empty, at most a few pictures large, and centred inside the picture.

    On pictures a few pixels high, networks return NaN or boxes far outside.
    """
    boxes = rows[:, :4]
    kept = rows[np.isfinite(boxes).all(axis=1)]
    x, y, wide, high = kept[:, :4].T
    middle_x, middle_y = x + wide / 2, y + high / 2
    inside = (middle_x >= 0) & (middle_x < width) & (middle_y >= 0) & (middle_y < height)
    return np.asarray(kept[inside & (wide > 0) & (high > 0) & (np.maximum(wide, high) < 4 * max(width, height))])


def merged(rows: Rows, strength: NDArray[np.floating]) -> NDArray[np.intp]:
    """Non-maximum suppression: indices of the rows to keep, strongest first. strength: (N,), larger is better."""
    order = np.argsort(-strength, kind="stable")
    x0, y0, wide, high = rows[:, :4].T
    x1, y1, area = x0 + wide, y0 + high, wide * high
    kept: list[int] = []
    while len(order):
        first, order = order[0], order[1:]
        kept.append(int(first))
        shared = np.maximum(np.minimum(x1[first], x1[order]) - np.maximum(x0[first], x0[order]), 0)
        shared *= np.maximum(np.minimum(y1[first], y1[order]) - np.maximum(y0[first], y0[order]), 0)
        same = shared > SAME * (area[first] + area[order] - shared)
        part = shared > INSIDE * area[order]
        order = order[~(same | part)]
    return np.array(kept, np.intp)


def faces_of(rows: Rows, rgb: RGB, margin: float, square: bool = False) -> list[Face]:
    """Faces, largest first, with boxes clipped to the picture.

    margin: the crop's side relative to the box's side, which is the box's width if ``square`` (the
    detector gives square boxes), else the square root of its area.
    """
    faces = []
    for row in rows:
        x, y, width, height = (float(value) for value in row[:4])
        side = max(margin * (width if square else math.sqrt(max(width, 1) * max(height, 1))), 1)
        cut = Box(round(x + (width - side) / 2), round(y + (height - side) / 2), round(side), round(side))
        box = Box(round(x), round(y), max(round(width), 1), max(round(height), 1))
        score = min(float(row[14]), 1.0) if math.isfinite(row[14]) else None
        faces.append(Face(box, cut, score, tilt(row[4:14])))
    return largest_first(faces, rgb)


def largest_first(faces: list[Face], rgb: RGB) -> list[Face]:
    """Largest first, boxes clipped to the picture; faces outside it are dropped."""
    rows, columns = rgb.shape[:2]
    kept = []
    for face in faces:
        x0, y0 = max(face.box.x, 0), max(face.box.y, 0)
        x1, y1 = min(face.box.x + face.box.width, columns), min(face.box.y + face.box.height, rows)
        if x1 > x0 and y1 > y0:
            kept.append(Face(Box(x0, y0, x1 - x0, y1 - y0), face.crop, face.score, face.angle))
    return sorted(kept, key=lambda face: -face.box.area)
