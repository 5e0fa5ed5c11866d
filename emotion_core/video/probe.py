"""Reads a video file's metadata and checks that it can be used, before any work is done."""

import itertools
import math
import os
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ..errors import VideoError, VideoLimitError
from .container import bound_pixels, open_video, pass_over_others, sound_stream, video_stream
from .kept_frames import KeptFrames
from .packets import is_mostly_notes, packets_of, takes_too_long
from .picture import Orientation, orientation_of

MIN_SIDE: Final = 16
#: Frame rate assumed for videos that state none.
DEFAULT_RATE: Final = Fraction(25)
#: Some files give their clock rate, 1,000 or more, as the frame rate.
MAX_RATE: Final = 240
#: The first frame must be found within this many packets, and seconds: others wait meanwhile.
_FIRST_PACKETS: Final = 10_000
_FIRST_SECONDS: Final = 3.0
#: Bytes of a frame for each pixel of the limit: 10 bits of 4:2:2, as of professional cameras, take four.
MOST_BYTES_OF_A_PIXEL: Final = 4.5
#: Bytes for each pixel of the limit of all frames that a decoder keeps: 415 MB, of 3840x2160 pixels eleven with 10 bits
#: of 4:2:2 or 25 with 8 bits. A camera's keeps five to eight. Half of that before the first one: others wait, too.
_KEPT_BYTES_OF_A_PIXEL: Final = 50
SMALLER_FRAMES: Final = "Export it at a smaller size, or with 8 bits and 4:2:0."
#: Packets allowed per frame of the limit; most are audio packets.
_PACKETS_A_FRAME: Final = 30


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """Upper limits for a video."""

    #: Length of the video.
    max_seconds: float = 600
    #: Size of the file.
    max_bytes: int = 500_000_000
    #: Width times height of a frame.
    max_pixels: int = 3840 * 2160
    #: Decoded frames, whether or not they can be shown.
    max_frames: int = 36_000
    #: Time for the whole analysis; the result covers what is done by then.
    max_work_seconds: float = 3600
    #: Size of the annotated copy, with its sound: of five minutes, some hundred megabytes are usual. A larger one is
    #: given up, and the rest is the answer.
    max_copy_bytes: int = 1_500_000_000

    @property
    def max_packets(self) -> int:
        """Limit on packets read, of any kind."""
        return _PACKETS_A_FRAME * self.max_frames

    @property
    def max_kept_bytes(self) -> int:
        """Limit on the memory of the frames that a decoder keeps."""
        return _KEPT_BYTES_OF_A_PIXEL * self.max_pixels


#: For local use, where nobody else is waiting: any length, and frames up to 8K with margins.
OWN_MACHINE: Final = VideoLimits(
    max_seconds=math.inf,
    max_bytes=sys.maxsize,
    max_pixels=8192 * 8192,
    max_frames=sys.maxsize,
    max_work_seconds=math.inf,
    max_copy_bytes=sys.maxsize,
)


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """A video file's metadata. Sizes are upright, with square pixels."""

    #: In pixels.
    width: int
    #: In pixels.
    height: int
    #: From the first picture to the end of the last; None if not stated, as in files recorded by browsers.
    seconds: float | None
    #: May be an estimate; None if unknown.
    frames: int | None
    #: Average frames per second.
    rate: Fraction
    #: FFmpeg's codec name.
    codec: str
    #: Whether there is an audio track.
    has_sound: bool
    #: Size of the file.
    size_bytes: int
    #: How to rotate and mirror its pictures to be upright.
    orientation: Orientation
    #: Timestamp of the first picture, in seconds.
    start: Fraction
    #: Memory of a decoded frame.
    frame_bytes: int

    def fitted(self, max_side: int) -> tuple[int, int]:
        """Width and height, at most ``max_side`` pixels and even, as H.264 requires."""
        scale = min(1.0, max_side / max(self.width, self.height))
        return max(int(self.width * scale) // 2 * 2, 2), max(int(self.height * scale) // 2 * 2, 2)


def probe(path: str | os.PathLike[str], limits: VideoLimits | None = None) -> VideoInfo:
    """Read the header and the first frame.

    Raises VideoLimitError if the header exceeds the limits, VideoError if the file is missing, empty,
    not a video, or has no decodable frame.
    """
    limits = limits or VideoLimits()
    source = Path(path)
    size = _file_size(source)
    if size > limits.max_bytes:
        raise VideoLimitError(
            f"The file has {size / 1e6:.0f} MB, the limit is {limits.max_bytes / 1e6:.0f} MB. Shorten or compress it.",
            *("max_bytes", size, limits.max_bytes),
        )
    with open_video(source) as container:
        stream = video_stream(container)
        seconds = _seconds(container, stream)
        _check(stream, seconds, limits)
        stated = stream.average_rate or stream.guessed_rate
        rate = stated if stated and stated <= MAX_RATE else DEFAULT_RATE
        frames = stream.frames or (max(round(seconds * rate), 1) if seconds and rate == stated else None)
        first = _first_frame(container, stream, limits)
        if is_too_large(first, limits):
            raise VideoError(f"A frame of this video takes {frame_bytes(first) / 1e6:.0f} MB. {SMALLER_FRAMES}")
        # Pixels are not always square, for example in DV and on DVDs.
        width, height = round(first.width * (stream.sample_aspect_ratio or 1)), first.height
        orientation = orientation_of(first)
        if orientation.turned:
            width, height = height, width
        if min(width, height) < MIN_SIDE:
            raise VideoError(f"The video is {width}x{height}; each side needs at least {MIN_SIDE} pixels.")
        return VideoInfo(
            width=width,
            height=height,
            seconds=seconds,
            frames=frames,
            rate=rate,
            codec=stream.codec_context.name,
            has_sound=sound_stream(container) is not None,
            size_bytes=size,
            orientation=orientation,
            start=_start(container, stream, first),
            frame_bytes=frame_bytes(first),
        )


def frame_bytes(frame: VideoFrame) -> int:
    """The memory of a decoded frame, of which FFmpeg keeps up to sixteen, and the pipeline some."""
    return sum(plane.buffer_size for plane in frame.planes)


def is_too_large(frame: VideoFrame, limits: VideoLimits) -> bool:
    """Whether a decoded frame takes more memory, or has more pixels, than the limits allow."""
    large = frame.width * frame.height > limits.max_pixels
    return large or frame_bytes(frame) > limits.max_pixels * MOST_BYTES_OF_A_PIXEL


def _file_size(path: Path) -> int:
    name = path.name[:80]
    try:
        if not path.is_file():
            raise VideoError(f"There is no file {name!r}. Check the path.")
        size = path.stat().st_size
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name, but VideoError is one, too
        if isinstance(error, VideoError):
            raise
        raise VideoError(f"{name!r} cannot be opened. Check the path and its permissions.") from error
    if not size:
        raise VideoError("The file is empty. Send it again.")
    return size


def _seconds(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    if container.duration is None:
        return None
    seconds, start = container.duration / av.time_base, (container.start_time or 0) / av.time_base
    # Matroska gives the end time, not the length. Recorders and relays do not restart the clock for each file.
    late = "matroska" in container.format.name and 0 < start < seconds
    return seconds - start if late else seconds


def _start(container: InputContainer, stream: VideoStream, first: VideoFrame) -> Fraction:
    if first.pts is not None and stream.time_base is not None:
        return first.pts * stream.time_base
    return Fraction(container.start_time or 0, av.time_base)


def _check(stream: VideoStream, seconds: float | None, limits: VideoLimits) -> None:
    if stream.width * stream.height > limits.max_pixels:
        raise VideoLimitError(
            f"The video is {stream.width}x{stream.height}, over {limits.max_pixels / 1e6:.1f} megapixels a frame. "
            "Send a smaller copy.",
            *("max_pixels", stream.width * stream.height, limits.max_pixels),
        )
    if seconds is not None and seconds > limits.max_seconds:
        raise VideoLimitError(
            f"The video lasts {seconds:.0f} seconds, the limit is {limits.max_seconds:.0f}. Cut it into shorter parts.",
            *("max_seconds", seconds, limits.max_seconds),
        )
    if stream.frames > limits.max_frames:
        raise VideoLimitError(
            f"The video has {stream.frames} frames, the limit is {limits.max_frames}. Cut it into shorter parts.",
            *("max_frames", stream.frames, limits.max_frames),
        )


def _first_frame(container: InputContainer, stream: VideoStream, limits: VideoLimits) -> VideoFrame:
    bound_pixels(stream, limits.max_pixels)
    # Of what nobody needs, nobody has read ahead what it unpacks to.
    pass_over_others(container, stream)
    packets = itertools.islice(packets_of(container, stream), _FIRST_PACKETS)
    end, kept = time.monotonic() + _FIRST_SECONDS, KeptFrames(stream.codec_context)
    try:
        while (packet := next(packets, None)) is not None and time.monotonic() < end:
            codec = stream.codec_context.name
            if takes_too_long(codec, packet) or is_mostly_notes(codec, packet, kept.frame_bytes):
                continue
            with suppress(av.FFmpegError):
                for frame in stream.decode(packet):
                    return frame
            if kept.count(()) > limits.max_kept_bytes / 2:
                raise VideoError(f"This video's frames take too much memory. {SMALLER_FRAMES}")
    except av.FFmpegError:  # from the demuxer, which then has no more packets
        pass
    raise VideoError("No picture of this video can be decoded: it is damaged. Export or record it again.")
