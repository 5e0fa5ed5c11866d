"""What a video file says of itself, and whether it can be used, before any work is done."""

import math
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, cast

import av
import cv2
import numpy as np
from av.container import InputContainer
from av.sidedata.sidedata import Type
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ..errors import VideoError, VideoLimitError
from ..images import RGB

#: What is opened: containers of films alone. FFmpeg also opens playlists, and these name other
#: files and addresses, which an uploaded file must never make this machine read.
FORMATS: Final = "mov,mp4,matroska,webm,avi,mpegts,mpeg,ogg,flv,asf,3gp,gif,mxf,nut,ivf,h264,hevc,m4v,mjpeg,dv,wtv"
MIN_SIDE: Final = 16
#: Of videos that state no rate of frames.
DEFAULT_RATE: Final = Fraction(25)
#: Some files state their clock's rate, a thousand and more, in place of the frames'.
MAX_RATE: Final = 240
_OPTIONS: Final = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
_HELP: Final = "Use an MP4, WebM, MOV, MKV or AVI video."


@dataclass(frozen=True, slots=True)
class VideoLimits:
    """What is accepted: seconds, bytes of the file, pixels of a frame, frames."""

    max_seconds: float = 600
    max_bytes: int = 500_000_000
    max_pixels: int = 3840 * 2160
    max_frames: int = 36_000


#: Nobody else waits for this machine: a film may be as long as it likes.
OWN_MACHINE: Final = VideoLimits(max_seconds=math.inf, max_bytes=sys.maxsize, max_frames=sys.maxsize)


@dataclass(frozen=True, slots=True)
class Orientation:
    """How pictures are to be turned, as phones write it down instead of turning them.

    turned: rows become columns; then mirrored: left becomes right; flipped: up becomes down.
    """

    turned: bool = False
    mirrored: bool = False
    flipped: bool = False

    def upright(self, rgb: RGB) -> RGB:
        """The picture (H, W, 3) the right way up, (W, H, 3) if it is turned."""
        if self.turned:
            rgb = np.asarray(cv2.transpose(rgb), np.uint8)
        if self.mirrored or self.flipped:
            axes = -1 if self.mirrored and self.flipped else int(self.mirrored)
            rgb = np.asarray(cv2.flip(rgb, axes), np.uint8)
        return rgb


@dataclass(frozen=True, slots=True)
class VideoInfo:
    """What a file says of itself. Sizes are upright, with square pixels.

    seconds, frames: None where the file does not say, as browser-recorded ones do not; frames
    may be an estimate. rate: frames a second, on average.
    """

    width: int
    height: int
    seconds: float | None
    frames: int | None
    rate: Fraction
    codec: str
    has_sound: bool
    size_bytes: int
    orientation: Orientation

    def fitted(self, max_side: int) -> tuple[int, int]:
        """Width and height of at most ``max_side`` pixels and even, as H.264 wants them."""
        scale = min(1.0, max_side / max(self.width, self.height))
        return max(int(self.width * scale) // 2 * 2, 2), max(int(self.height * scale) // 2 * 2, 2)


def probe(path: str | os.PathLike[str], limits: VideoLimits | None = None) -> VideoInfo:
    """Read the header and the first frame.

    Raises VideoLimitError when the header exceeds the limits, VideoError when the file is missing,
    empty, no video, or has no frame that can be decoded.
    """
    limits = limits or VideoLimits()
    source = Path(path)
    size = _file_size(source)
    if size > limits.max_bytes:
        raise VideoLimitError(
            f"The file has {size / 1e6:.0f} MB, the limit is {limits.max_bytes / 1e6:.0f} MB. Shorten or compress it."
        )
    with open_video(source) as container:
        stream = video_stream(container)
        seconds = _seconds(container, stream)
        _check(stream, seconds, limits)
        stated = stream.average_rate or stream.guessed_rate
        rate = stated if stated and stated <= MAX_RATE else DEFAULT_RATE
        frames = stream.frames or (max(round(seconds * rate), 1) if seconds and rate == stated else None)
        first = _first_frame(container, stream)
        # Pixels need not be square: DV's and DVDs' are not.
        width, height = round(first.width * (stream.sample_aspect_ratio or 1)), first.height
        orientation = _orientation(first)
        if orientation.turned:
            width, height = height, width
        if min(width, height) < MIN_SIDE:
            raise VideoError(f"The video is {width}x{height}; each side needs at least {MIN_SIDE} pixels.")
        codec = stream.codec_context.name
        return VideoInfo(width, height, seconds, frames, rate, codec, bool(container.streams.audio), size, orientation)


def _file_size(path: Path) -> int:
    name = path.name[:80]
    try:
        if not path.is_file():
            raise VideoError(f"There is no file {name!r}. Check the path.")
        size = path.stat().st_size
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name; VideoError is one, too
        if isinstance(error, VideoError):
            raise
        raise VideoError(f"{name!r} cannot be opened. Check the path and its permissions.") from error
    if not size:
        raise VideoError("The file is empty. Send it again.")
    return size


def open_video(path: Path) -> InputContainer:
    """Open a local file, and nothing that it may refer to; VideoError if it is no video."""
    try:
        # The prefix keeps FFmpeg from reading a protocol into a file's name.
        return av.open(f"file:{path.absolute()}", "r", options=dict(_OPTIONS), metadata_errors="replace")
    except av.FFmpegError as error:
        raise VideoError(
            f"This is not a video that can be read, or its end is missing (an MP4 keeps its index there). {_HELP}"
        ) from error


def video_stream(container: InputContainer) -> VideoStream:
    """The first film in the file; VideoError if there is none, or none that can be decoded."""
    for stream in container.streams.video:
        if not stream.disposition & Disposition.attached_pic:  # the cover of a piece of music
            if stream.codec_context is None:
                raise VideoError(f"The video's codec is not one that can be decoded. {_HELP}")
            return stream
    raise VideoError(f"The file has no video, only sound or data. {_HELP}")


def _seconds(container: InputContainer, stream: VideoStream) -> float | None:
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    return None if container.duration is None else container.duration / av.time_base


def _check(stream: VideoStream, seconds: float | None, limits: VideoLimits) -> None:
    if stream.width * stream.height > limits.max_pixels:
        raise VideoLimitError(
            f"The video is {stream.width}x{stream.height}, over {limits.max_pixels / 1e6:.1f} megapixels a frame. "
            "Send a smaller copy."
        )
    if seconds is not None and seconds > limits.max_seconds:
        raise VideoLimitError(
            f"The video lasts {seconds:.0f} seconds, the limit is {limits.max_seconds:.0f}. Cut it into shorter parts."
        )
    if stream.frames > limits.max_frames:
        raise VideoLimitError(
            f"The video has {stream.frames} frames, the limit is {limits.max_frames}. Cut it into shorter parts."
        )


def _first_frame(container: InputContainer, stream: VideoStream) -> VideoFrame:
    packets = container.demux(stream)
    try:
        while (packet := next(packets, None)) is not None:
            with suppress(av.FFmpegError):
                for frame in stream.decode(packet):
                    return frame
    except av.FFmpegError:  # the demuxer, which then has no more packets
        pass
    raise VideoError("No picture of this video can be decoded: it is damaged. Export or record it again.")


def _orientation(frame: VideoFrame) -> Orientation:
    """From the display matrix: a pixel at (x, y) belongs to (a x + c y, b x + d y)."""
    data = cast("Any", frame.side_data).get(Type.DISPLAYMATRIX)
    if data is None:
        return Orientation()
    (a, b, _), (c, d, _), _ = np.frombuffer(bytes(data), np.int32).reshape(3, 3).tolist()
    return Orientation(True, c < 0, b < 0) if abs(b) > abs(a) else Orientation(False, a < 0, d < 0)
