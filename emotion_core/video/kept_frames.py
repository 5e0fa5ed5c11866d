"""The frames that a decoder keeps: to bring them in order, and to draw later ones from them.

A file of 34 kB has FFmpeg keep 34 of H.264: with 10 bits of 4:2:2, more than a gigabyte. It tells neither how many it
keeps, nor of any before the first one comes out.
"""

from collections.abc import Sequence
from typing import Final

from av.video.codeccontext import VideoCodecContext
from av.video.format import VideoFormat
from av.video.frame import VideoFrame

#: Bits for each pixel of what a decoder notes of a frame's blocks: where they moved, and from which frame.
_NOTED_BITS: Final = 4


class KeptFrames:
    """Estimates the memory of the frames that a decoder keeps, from what comes out of it."""

    def __init__(self, context: VideoCodecContext) -> None:
        self._context = context
        self._size = 0
        #: Where the frames that came out lie: the decoder uses a place again, and has no more of them than it needs.
        self._places: set[int] = set()

    def count(self, frames: Sequence[VideoFrame]) -> int:
        """The bytes that are kept, at most; call it with what came out of the decoder, for each packet."""
        if (size := self.frame_bytes) != self._size:
            self._size = size
            self._places.clear()
        if size:
            width, height = self._context.width, self._context.height
            same = (frame for frame in frames if (frame.width, frame.height) == (width, height))
            self._places.update(frame.planes[0].buffer_ptr for frame in same)
        return size * (len(self._places) + self._context.reorder_depth)

    @property
    def frame_bytes(self) -> int:
        """The memory of a frame as the decoder makes them by now, in bytes; 0 if it does not know yet."""
        context = self._context
        if context.pix_fmt is None:
            return 0
        bits = VideoFormat(context.pix_fmt).padded_bits_per_pixel
        return context.coded_width * context.coded_height * (bits + _NOTED_BITS) // 8
