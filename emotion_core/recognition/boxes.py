"""What detectors find, as rows of numbers, until it becomes ``Face``s.

A row is float32 (15,): x, y, width and height of the box; five points (x, y): the eye at the picture's
left, the eye at its right, the nose, the mouth's corner at the left and the one at the right; and the
score. Where a detector gives no points, they are NaN; where it gives no score, so is that.
"""

import math
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..images import RGB
from ..results import Box, Face
from .levelling import tilt

#: float32 (N, 15), in pixels of the picture that was searched.
Rows: TypeAlias = NDArray[np.float32]
COLUMNS: Final = 15
#: Boxes of one face, found at two sizes, overlap at least so much (intersection over union).
SAME: Final = 0.35
#: A weaker box with so much of it inside a stronger one is a part of that face: a mouth, an ear.
INSIDE: Final = 0.7


def no_rows() -> Rows:
    """No face at all."""
    return np.empty((0, COLUMNS), np.float32)


def sound(rows: Rows, height: int, width: int) -> Rows:
    """The rows whose box is made of finite numbers, has a size, and has its centre in the picture.

    On pictures a few pixels high, networks answer with numbers that are none, or far outside.
    """
    boxes = rows[:, :4]
    kept = rows[np.isfinite(boxes).all(axis=1)]
    x, y, wide, high = kept[:, :4].T
    middle_x, middle_y = x + wide / 2, y + high / 2
    inside = (middle_x >= 0) & (middle_x < width) & (middle_y >= 0) & (middle_y < height)
    return np.asarray(kept[inside & (wide > 0) & (high > 0) & (np.maximum(wide, high) < 4 * max(width, height))])


def merged(rows: Rows, strength: NDArray[np.floating]) -> NDArray[np.intp]:
    """Which rows stay, strongest first, where several are of one face. strength: (N,), larger is better."""
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
    """Faces, largest first, their boxes cut to the picture.

    margin: the crop's side in sides of the box; square: of a box that is square by itself, the side is
    its width, of others the root of its area.
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
    """Boxes cut to the picture; those that lie outside it are dropped."""
    rows, columns = rgb.shape[:2]
    kept = []
    for face in faces:
        x0, y0 = max(face.box.x, 0), max(face.box.y, 0)
        x1, y1 = min(face.box.x + face.box.width, columns), min(face.box.y + face.box.height, rows)
        if x1 > x0 and y1 > y0:
            kept.append(Face(Box(x0, y0, x1 - x0, y1 - y0), face.crop, face.score, face.angle))
    return sorted(kept, key=lambda face: -face.box.area)
