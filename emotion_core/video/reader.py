"""A video -> upright pictures with timestamps, in constant memory for any file."""

import os
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Final, Self, cast

import av
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from .container import bound_pixels, open_video, pass_over_others, sound_stream, video_stream
from .hdr import HDR, ToneMapper, is_hdr
from .kept_frames import KeptFrames
from .packets import is_mostly_notes, packets_of, takes_too_long
from .picture import Canvas, Picture
from .probe import SMALLER_FRAMES, VideoInfo, VideoLimits, frame_bytes, is_too_large
from .sound import SoundTrack

#: More untimed frames than this, and more than timed ones, end the reading: the video makes no progress.
MOST_UNTIMED: Final = 250
#: Bytes of a frame of which as few as can be are kept: 3840x2160 pixels have 12 million, of 8 bits and 4:2:0.
_LARGE_FRAME: Final = 10_000_000
#: Bytes of a frame that is scaled down as it comes, if it is: some dozens wait. 1920x1080 pixels have 3 million.
_SCALED_FRAME: Final = 4_000_000
#: Untagged videos of at least this height are assumed to have HD colours, as players do.
_HD: Final = 720
#: FFmpeg's numbers for YUV matrices.
_BT709, _UNTAGGED, _BT601 = 1, 2, 6


class VideoReader:
    """Reads one video's pictures from start to end, in constant memory; a context manager.

    max_side: larger frames are scaled down to it. Problems with the file are found during reading and
    reported by ``notices``. For any file, iteration ends at the limits, and soon after ``stop``: decoded
    frames, packets and working time are limited, not only pictures.
    """

    def __init__(self, path: str | os.PathLike[str], info: VideoInfo, limits: VideoLimits, max_side: int) -> None:
        self.info = info
        self.width, self.height = info.fitted(max_side)
        self._path = Path(path)
        self._limits = limits
        self._container = open_video(self._path)
        self._video = video_stream(self._container)
        # Each further thread that decodes whole frames keeps two more of them.
        self._video.thread_type = "AUTO" if info.frame_bytes < _LARGE_FRAME else "SLICE"
        bound_pixels(self._video, limits.max_pixels)
        self._kept = KeptFrames(self._video.codec_context)
        #: Only its timestamps are used.
        self._sound = sound_stream(self._container)
        pass_over_others(self._container, self._video, self._sound)
        self.time_base = self._video.time_base or Fraction(1, 90_000)
        shape = float(self._video.sample_aspect_ratio or 1)
        self.canvas = Canvas(self.width, self.height, info.orientation, shape, self._matrix())
        self._mapper: ToneMapper | None = None
        self._scaler = VideoReformatter()
        self.bytes_read = 0
        self.frames = 0
        self.seconds = 0.0
        self._stop = threading.Event()
        self._began = 0.0
        self._packets = 0
        self._sound_seconds = 0.0
        self._last_pts: int | None = None
        self._raw_pts: int | None = None
        self._faults = 0
        self._damaged = 0
        self._untimed = 0
        self._broken = False
        self._cut = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._container.close()

    @property
    def stopped(self) -> bool:
        """Whether ``stop`` was called."""
        return self._stop.is_set()

    def sound(self) -> SoundTrack:
        """The same file's audio, to be read alongside the pictures; the caller closes it."""
        return SoundTrack(open_video(self._path), self.info.start, self._limits.max_packets, self._stop)

    def stop(self) -> None:
        """End the iteration, in whichever thread it runs, at its next packet or frame."""
        self._stop.set()

    def __iter__(self) -> Iterator[Picture]:
        self._began = time.monotonic()
        streams = [self._video] if self._sound is None else [self._video, self._sound]
        try:
            for packet in packets_of(self._container, *streams):
                self._packets += 1
                self.bytes_read = max(self.bytes_read, (packet.pos or 0) + packet.size)
                if packet.stream is self._video:
                    yield from self._pictures(cast("av.Packet[VideoStream]", packet))
                elif packet.dts is not None:
                    self._sound_seconds = float(packet.dts * (packet.time_base or 0) - self.info.start)
                if self._over():
                    return
        except av.FFmpegError:  # the demuxer gave up: the rest of the file is unreadable
            self._broken = True
            yield from self._pictures(None)

    def notices(self) -> tuple[str, ...]:
        """Problems the user should know about; complete once the iteration has ended."""
        texts = [self._cut] if self._cut else []
        stated, expected = self._video.frames, self.info.seconds
        # The header's duration is that of the longer track. Its frame count may include frames skipped by
        # an edit list or empty ones, so a missing end is detected by time.
        short = expected is not None and max(self.seconds, self._sound_seconds) < 0.95 * expected - 0.1
        if not self._cut and (self._broken or short):
            read = f"{self.seconds:.1f}" if expected is None else f"{self.seconds:.1f} of {expected:.1f}"
            what = f"{self.frames} of {stated} frames" if stated > self.frames else f"{read} seconds"
            texts.append(f"The file is cut short or damaged: {what} could be read.")
        if self._damaged:
            texts.append(f"Damaged frames: {self._damaged}.")
        if self._untimed:
            texts.append(f"Frames left out because they have no time of their own: {self._untimed}.")
        return tuple(texts)

    def _over(self) -> bool:
        """Whether to end: stopped, or at a limit, which ``notices`` reports."""
        limits = self._limits
        if self._cut or self.stopped:
            return True
        if self._untimed > max(MOST_UNTIMED, self.frames):
            self._cut = "Most of its frames have no time of their own, and were left out. Record or export it again."
        elif self.frames + self._untimed >= limits.max_frames and self._untimed:
            self._cut = f"Only the first {limits.max_frames} frames were read, which is the limit."
        elif self._packets >= limits.max_packets:
            self._cut = f"Only the first {self._packets} packets of the file were read, which is the limit."
        elif time.monotonic() - self._began > limits.max_work_seconds:
            self._cut = f"Only the first {self.seconds:.0f} seconds were analysed: the work took too long."
        return bool(self._cut)

    def _pictures(self, packet: "av.Packet[VideoStream] | None") -> Iterator[Picture]:
        if packet is not None and (
            takes_too_long(self.info.codec, packet) or is_mostly_notes(self.info.codec, packet, self._kept.frame_bytes)
        ):
            self._damaged += 1
            return
        try:
            frames = self._video.decode(packet)
        except av.FFmpegError:
            self._damaged += 1
            frames = []
        if self._keeps_too_much(frames):
            self._cut = f"From {self.seconds:.0f} seconds on its frames take too much memory. {SMALLER_FRAMES}"
        for frame in frames:
            if self._over():
                return
            pts = self._next_pts(frame)
            if pts is None:
                self._untimed += 1
                continue
            seconds = float(pts * self.time_base)
            if seconds > self._limits.max_seconds:
                self._cut = f"Only the first {self._limits.max_seconds:g} seconds were analysed, which is the limit."
            elif self.frames >= self._limits.max_frames:
                self._cut = f"Only the first {self._limits.max_frames} frames were analysed, which is the limit."
            else:
                self._damaged += bool(frame.is_corrupt)
                self._last_pts = pts
                self.frames += 1
                self.seconds = seconds + float(1 / self.info.rate)
                yield Picture(seconds, pts, self._ordinary(frame), self.canvas)

    def _keeps_too_much(self, frames: list[VideoFrame]) -> bool:
        """Whether the decoder, of which these frames have come now, keeps too many, or too large ones.

        For frames that become large it has too many threads.
        """
        kept = self._kept.count(frames)
        grown = self.info.frame_bytes < _LARGE_FRAME < self._kept.frame_bytes
        large = any(is_too_large(frame, self._limits) for frame in frames)
        return grown or large or kept > self._limits.max_kept_bytes

    def _next_pts(self, frame: VideoFrame) -> int | None:
        """The frame's time since the first picture; None unless it is later than the last one.

        Old AVI files have presentation times that jump back and forth; after a few of these, the
        monotonic decoding times are used instead.
        """
        earlier, self._raw_pts = self._raw_pts, frame.pts
        if frame.pts is not None and earlier is not None and frame.pts <= earlier:
            self._faults += 1
        raw = frame.dts if self._faults > 1 + 0.1 * self.frames and frame.dts is not None else frame.pts
        last = self._last_pts
        if raw is None:
            return 0 if last is None else last + max(round(1 / (self.info.rate * self.time_base)), 1)
        pts = raw - round(self.info.start / self.time_base)
        return pts if pts > (-1 if last is None else last) else None

    def _matrix(self) -> Colorspace:
        """The file's YUV matrix, which the annotated video keeps."""
        context = self._video.codec_context
        hd = context.colorspace == _BT709 or (context.colorspace == _UNTAGGED and self._video.height >= _HD)
        return Colorspace.ITU709 if hd or context.color_trc in HDR else Colorspace.ITU601

    def _ordinary(self, frame: VideoFrame) -> VideoFrame:
        """The frame with complete colour tags, and converted to SDR if it is HDR."""
        if is_hdr(frame):
            if self._mapper is None or not self._mapper.fits(frame):
                self._mapper = ToneMapper(frame, max(self.width, self.height))
            return self._mapper(frame)
        if frame.format.name.startswith("yuv"):
            if frame.colorspace == _UNTAGGED:
                frame.colorspace = _BT709 if frame.height >= _HD else _BT601
            if frame.color_range == ColorRange.UNSPECIFIED:
                full = frame.format.name.startswith("yuvj")
                frame.color_range = ColorRange.JPEG if full else ColorRange.MPEG
        return self._smaller(frame) if frame_bytes(frame) > _SCALED_FRAME else frame

    def _smaller(self, frame: VideoFrame) -> VideoFrame:
        """A frame at about the size at which it is used: else the decoder needs other memory while it waits."""
        scale = max(self.width, self.height) / max(frame.width * self.canvas.pixel_shape, frame.height)
        if scale >= 1:
            return frame
        width, height = (max(round(side * scale / 2) * 2, 2) for side in (frame.width, frame.height))
        return self._scaler.reformat(frame, width, height)
