"""Crops for the network, rotated level if the detector gives the eyes and the mouth."""

import math
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..images import RGB
from ..results import Box

#: Faces tilted by more than this are levelled, in degrees; training rotates faces at random by as much.
LEVEL_ABOVE: Final = 10.0
#: A levelled crop is cut from a square larger by this factor, which contains the rotated crop's corners.
_AROUND: Final = 1.5


def tilt(points: NDArray[np.floating]) -> float:
    """A face's in-plane rotation in degrees, clockwise positive, -180 to 180; 0 if unknown.

    points: float (10,): x and y of the left and the right eye (as seen on the upright face), the nose,
    and the left and the right corner of the mouth; y points down.

    The rule: ``atan2(-dx, dy)`` of the vector (dx, dy) from the midpoint of the eyes to the midpoint of
    the mouth, rounded to 0.1 degree; 0 if a value is not finite or the midpoints coincide. The network
    pulls the points of tilted faces towards upright: at 30 degrees this line underestimates by a median
    of 5 degrees, the line through the eyes by 8 to 10.
    """
    if not np.isfinite(points).all():
        return 0.0
    left_eye, right_eye, _, left_mouth, right_mouth = points.reshape(5, 2).astype(float)
    dx, dy = (left_mouth + right_mouth) / 2 - (left_eye + right_eye) / 2
    return round(math.degrees(math.atan2(-dx, dy)), 1) if dx or dy else 0.0


def crop(rgb: RGB, square: Box, height: int, width: int, channels: int, angle: float = 0.0) -> NDArray[np.uint8]:
    """Cut ``square`` out and resize it: uint8 (height, width, channels), gray for 1 channel.

    Beyond the picture's edges the edge pixels are repeated.

    angle: the face's rotation in degrees, clockwise positive. Above ``LEVEL_ABOVE`` the crop is levelled
    about the square's centre: a square with the same centre and 1.5 times the side is cut out as above
    and resized to 3 times the crop's size; it is rotated by ``-angle`` about its centre, bilinearly,
    with edge pixels repeated; and its central part, 2 times the crop's size, is resized to the crop's.
    """
    if abs(angle) <= LEVEL_ABOVE:
        return _resized(_cut(rgb, square, channels), height, width, channels)
    return level(surroundings(rgb, square, height, width, channels), angle)


def surroundings(rgb: RGB, square: Box, height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """What levelled crops of that size are cut from, for every angle: uint8 (3 height, 3 width, channels)."""
    side = round(_AROUND * max(square.width, square.height))
    around = Box(round(square.x + (square.width - side) / 2), round(square.y + (square.height - side) / 2), side, side)
    return _resized(_cut(rgb, around, channels), 3 * height, 3 * width, channels)


def level(around: NDArray[np.uint8], angle: float) -> NDArray[np.uint8]:
    """The crop from its ``surroundings``, rotated by ``-angle``: uint8 (height, width, channels)."""
    height, width, channels = around.shape[0] // 3, around.shape[1] // 3, around.shape[2]
    # OpenCV's angles are counter-clockwise, so this rotates a clockwise face back.
    turn = cv2.getRotationMatrix2D(((3 * width - 1) / 2, (3 * height - 1) / 2), angle, 1.0)
    turn[:, 2] -= width // 2, height // 2  # only the central part is made
    turned = cv2.warpAffine(around, turn, (2 * width, 2 * height), borderMode=cv2.BORDER_REPLICATE)
    return _resized(np.asarray(turned, np.uint8), height, width, channels)


def _cut(rgb: RGB, square: Box, channels: int) -> NDArray[np.uint8]:
    rows, columns = rgb.shape[:2]
    x0, y0, x1, y1 = square.x, square.y, square.x + square.width, square.y + square.height
    top, left = min(max(y0, 0), rows - 1), min(max(x0, 0), columns - 1)
    inside = rgb[top : max(min(y1, rows), top + 1), left : max(min(x1, columns), left + 1)]
    padding = (max(-y0, 0), max(y1 - rows, 0), max(-x0, 0), max(x1 - columns, 0))
    part = cv2.cvtColor(inside, cv2.COLOR_RGB2GRAY) if channels == 1 else inside
    if any(padding):
        part = cv2.copyMakeBorder(part, *padding, cv2.BORDER_REPLICATE)
    return np.asarray(part, np.uint8)


def _resized(part: NDArray[np.uint8], height: int, width: int, channels: int) -> NDArray[np.uint8]:
    method = cv2.INTER_AREA if part.shape[0] > height else cv2.INTER_LINEAR
    resized = cv2.resize(part, (width, height), interpolation=method)
    return np.asarray(resized, np.uint8).reshape(height, width, channels)
