"""Draws boxes and captions on YUV 4:2:0 frames, without converting to RGB and back."""

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import cv2
import numpy as np
from av.video.reformatter import Colorspace
from numpy.typing import NDArray
from PIL import ImageColor

from ..images import RGB
from ..render import label, strokes
from ..results import Prediction
from .picture import I420, planes

#: Weights of red and blue in luma, from ITU-R BT.601 and BT.709.
_WEIGHTS: Final = {Colorspace.ITU601: (0.299, 0.114), Colorspace.ITU709: (0.2126, 0.0722)}


def paint_i420(pixels: I420, faces: Sequence[tuple[Prediction, str]], matrix: Colorspace) -> None:
    """Like ``render.paint``, but on a frame, uint8 (H * 3 / 2, W); chroma edges are exact to two pixels."""
    whole = planes(pixels)
    height, width = whole[0].shape
    for stroke in strokes((width, height), faces):
        left, right = (min(max(x, 0), width) for x in (stroke.left, stroke.right))
        top, bottom = (min(max(y, 0), height) for y in (stroke.top, stroke.bottom))
        if left >= right or top >= bottom:
            continue
        parts = _chip(*stroke.chip, matrix) if stroke.chip else _ink(stroke.colour, matrix)
        # The chroma planes have half the resolution in each direction.
        steps = (1, 2, 2)
        for plane, part, step in zip(whole, parts, steps, strict=True):
            place = plane[top // step : -(-bottom // step), left // step : -(-right // step)]
            place[:] = part[: place.shape[0], : place.shape[1]]


@lru_cache(maxsize=64)
def _ink(colour: str, matrix: Colorspace) -> tuple[NDArray[np.uint8], ...]:
    red, green, blue = ImageColor.getrgb(colour)[:3]
    return tuple(np.asarray(part, np.uint8) for part in to_yuv(np.array([[[red, green, blue]]], np.uint8), matrix))


@lru_cache(maxsize=512)
def _chip(text: str, colour: str, size: int, pad: int, matrix: Colorspace) -> tuple[NDArray[np.uint8], ...]:
    y, u, v = to_yuv(label(text, colour, size, pad), matrix)
    # One extra chroma row and column, as a chip may start between two chroma pixels.
    half = (y.shape[1] // 2 + 1, y.shape[0] // 2 + 1)
    return y, *(np.asarray(cv2.resize(part, half, interpolation=cv2.INTER_AREA), np.uint8) for part in (u, v))


def to_yuv(rgb: RGB, matrix: Colorspace) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """RGB uint8 (H, W, 3) -> Y, U and V in video range, each uint8 (H, W)."""
    red, green, blue = (rgb[..., channel].astype(np.float64) / 255 for channel in range(3))
    kr, kb = _WEIGHTS[matrix]
    luma = kr * red + (1 - kr - kb) * green + kb * blue
    u, v = (blue - luma) / (2 * (1 - kb)), (red - luma) / (2 * (1 - kr))
    return _bytes(16 + 219 * luma), _bytes(128 + 224 * u), _bytes(128 + 224 * v)


def _bytes(values: NDArray[np.float64]) -> NDArray[np.uint8]:
    return np.round(values).astype(np.uint8)
