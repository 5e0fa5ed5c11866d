"""Decoded frames for the analysis and the encoder: upright, all the same size, RGB or YUV on demand."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final, TypeAlias, cast

import cv2
import numpy as np
from av.sidedata.sidedata import Type
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from numpy.typing import NDArray

from ..images import RGB

#: A frame in YUV 4:2:0, uint8 (H * 3 / 2, W): the rows of Y, then of U and of V, two per array row.
I420: TypeAlias = NDArray[np.uint8]
#: Frames whose aspect ratio differs by more than this share are letterboxed, not stretched.
_SAME_SHAPE: Final = 0.02
_BLACK: Final = (16, 128, 128)


def tag_of(matrix: Colorspace) -> int:
    """FFmpeg's number for a YUV matrix of SDR video: AVCOL_SPC_BT709 or AVCOL_SPC_SMPTE170M."""
    return 1 if matrix == Colorspace.ITU709 else 6


@dataclass(frozen=True, slots=True)
class Orientation:
    """How to bring pictures upright, as phones record it instead of rotating them.

    turned: transpose first; then mirrored: swap left and right; flipped: swap top and bottom.
    """

    turned: bool = False
    mirrored: bool = False
    flipped: bool = False

    def upright(self, pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The picture (H, W) or (H, W, 3) the right way up, with sides swapped if turned."""
        if self.turned:
            pixels = np.asarray(cv2.transpose(pixels), np.uint8)
        if self.mirrored or self.flipped:
            axes = -1 if self.mirrored and self.flipped else int(self.mirrored)
            pixels = np.asarray(cv2.flip(pixels, axes), np.uint8)
        return pixels


def orientation_of(frame: VideoFrame) -> Orientation:
    """From the display matrix, which maps a pixel at (x, y) to (a x + c y, b x + d y)."""
    data = cast("Any", frame.side_data).get(Type.DISPLAYMATRIX)
    if data is None:
        return Orientation()
    (a, b, _), (c, d, _), _ = np.frombuffer(bytes(data), np.int32).reshape(3, 3).tolist()
    return Orientation(True, c < 0, b < 0) if abs(b) > abs(a) else Orientation(False, a < 0, d < 0)


@dataclass(eq=False)
class Canvas:
    """What all pictures of a video share. width, height: even, of the upright picture.

    pixel_shape: a pixel's width divided by its height. Use ``rgb`` and ``i420`` from one thread each.
    """

    width: int
    height: int
    orientation: Orientation = Orientation()
    pixel_shape: float = 1.0
    #: The YUV matrix of the output; input frames are tagged with their own.
    matrix: Colorspace = Colorspace.ITU601
    _to_rgb: VideoReformatter = field(default_factory=VideoReformatter, repr=False)
    _to_yuv: VideoReformatter = field(default_factory=VideoReformatter, repr=False)

    def rgb(self, frame: VideoFrame) -> RGB:
        """The frame as RGB uint8 (height, width, 3)."""
        width, height = self._inside(frame)
        scaled = self._to_rgb.reformat(frame, *self._lying(width, height), "rgb24")
        pixels = self.orientation.upright(np.asarray(scaled.to_ndarray(), np.uint8))
        if (width, height) == (self.width, self.height):
            return pixels
        whole = np.zeros((self.height, self.width, 3), np.uint8)
        _middle(whole, width, height)[:] = pixels
        return whole

    def i420(self, frame: VideoFrame) -> I420:
        """The frame as YUV 4:2:0, in a new array."""
        width, height = self._inside(frame)
        sides = self._lying(width, height)
        # Does nothing if the frame is already in this format.
        scaled = self._to_yuv.reformat(
            frame, *sides, "yuv420p", dst_colorspace=self.matrix, dst_color_range=ColorRange.MPEG
        )
        whole = np.empty((self.height * 3 // 2, self.width), np.uint8)
        for black, target, plane in zip(_BLACK, planes(whole), scaled.planes, strict=True):
            lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
            part = lines[: plane.height, : plane.width]
            step = self.width // target.shape[1]
            if (width, height) != (self.width, self.height):
                target[:] = black
            _middle(target, width // step, height // step)[:] = self.orientation.upright(part)
        return whole

    def _inside(self, frame: VideoFrame) -> tuple[int, int]:
        """Even width and height of the upright frame on the canvas: all of it, unless the aspect ratio differs."""
        width, height = frame.width * self.pixel_shape, float(frame.height)
        if self.orientation.turned:
            width, height = height, width
        shape, own = width / height, self.width / self.height
        # Rounding the sides to even changes the aspect ratio of small pictures slightly.
        if abs(shape / own - 1) <= _SAME_SHAPE + 2 / min(self.width, self.height):
            return self.width, self.height
        scale = min(self.width / width, self.height / height)
        # Even margins, so that the half-size chroma planes line up with luma.
        margins = round((self.width - width * scale) / 4) * 4, round((self.height - height * scale) / 4) * 4
        return max(self.width - margins[0], 2), max(self.height - margins[1], 2)

    def _lying(self, width: int, height: int) -> tuple[int, int]:
        """Sides of the frame before it is brought upright."""
        return (height, width) if self.orientation.turned else (width, height)


@dataclass(eq=False)
class Picture:
    """A decoded frame and its time since the first picture, in seconds and in the stream's time units."""

    time_seconds: float
    pts: int
    frame: VideoFrame = field(repr=False)
    canvas: Canvas = field(repr=False)

    @cached_property
    def rgb(self) -> RGB:
        """Upright RGB uint8 (H, W, 3)."""
        return self.canvas.rgb(self.frame)

    def i420(self) -> I420:
        """Upright YUV 4:2:0, to be drawn on."""
        return self.canvas.i420(self.frame)


def planes(pixels: I420) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Views of Y (H, W), U and V (H / 2, W / 2) of a frame with even sides."""
    height, width = pixels.shape[0] * 2 // 3, pixels.shape[1]
    flat = pixels.reshape(-1)
    size, half = height * width, (height // 2, width // 2)
    u, v = flat[size : size * 5 // 4].reshape(half), flat[size * 5 // 4 :].reshape(half)
    return flat[:size].reshape(height, width), u, v


def _middle(whole: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    top, left = (whole.shape[0] - height) // 2, (whole.shape[1] - width) // 2
    return whole[top : top + height, left : left + width]
