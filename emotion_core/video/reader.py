"""A video -> upright RGB frames with their times, and its sound's packets, in constant memory."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self, cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from ..images import RGB
from .probe import VideoInfo, VideoLimits, open_video, video_stream


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded frame: RGB uint8 (H, W, 3), its time in seconds from the start and in the stream's units."""

    rgb: RGB
    time_seconds: float
    pts: int


class VideoReader:
    """Reads one video from start to end, in constant memory; a context manager.

    max_side: larger frames are scaled down to it. What was wrong with the file is found out on the
    way and told by ``notices``. Iterating gives pictures, and the sound's packets as they lie
    between them.
    """

    def __init__(self, path: str | os.PathLike[str], info: VideoInfo, limits: VideoLimits, max_side: int) -> None:
        self.info = info
        self.width, self.height = info.fitted(max_side)
        self._limits = limits
        self._container = open_video(Path(path))
        self._video = video_stream(self._container)
        self._video.thread_type = "AUTO"
        self._video.codec_context.options = {"max_pixels": str(limits.max_pixels)}  # frames may outgrow the header
        self.time_base = self._video.time_base or Fraction(1, 90_000)
        self.sound: AudioStream | None = next(iter(self._container.streams.audio), None)
        #: Where the file's clock starts, in seconds: transport streams start anywhere.
        self.start = Fraction(self._container.start_time or 0, av.time_base)
        self.bytes_read = 0
        self.frames = 0
        self.seconds = 0.0
        self._sound_seconds = 0.0
        self._last_pts: int | None = None
        self._raw_pts: int | None = None
        self._faults = 0
        self._damaged = 0
        self._untimed = 0
        self._broken = False
        self._stopped = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._container.close()

    def __iter__(self) -> "Iterator[Picture | av.Packet[AudioStream]]":
        streams = [self._video] if self.sound is None else [self._video, self.sound]
        try:
            for packet in self._container.demux(*streams):
                self.bytes_read = max(self.bytes_read, (packet.pos or 0) + packet.size)
                if packet.stream is self._video:
                    yield from self._pictures(cast("av.Packet[VideoStream]", packet))
                elif packet.dts is not None:
                    self._sound_seconds = float(packet.dts * (packet.time_base or 0) - self.start)
                    yield cast("av.Packet[AudioStream]", packet)
                if self._stopped:
                    return
        except av.FFmpegError:  # the demuxer gave up: the rest of the file cannot be found
            self._broken = True
            yield from self._pictures(None)

    def notices(self) -> tuple[str, ...]:
        """What the reader of the result should know; complete when the iteration has ended."""
        texts = [self._stopped] if self._stopped else []
        stated, expected = self._video.frames, self.info.seconds
        fewer = self.frames + self._untimed < 0.9 * stated
        # Where the header tells the time alone, it is that of the longer track.
        shorter = expected is not None and max(self.seconds, self._sound_seconds) < 0.95 * expected - 0.1
        if not self._stopped and (self._broken or fewer or shorter):
            read = f"{self.seconds:.1f}" if expected is None else f"{self.seconds:.1f} of {expected:.1f}"
            what = f"{self.frames} of {stated} frames" if stated else f"{read} seconds"
            texts.append(f"The file is cut short or damaged: {what} could be read.")
        if self._damaged:
            texts.append(f"Damaged frames: {self._damaged}.")
        if self._untimed:
            texts.append(f"Frames left out for want of a time of their own: {self._untimed}.")
        return tuple(texts)

    def _pictures(self, packet: "av.Packet[VideoStream] | None") -> Iterator[Picture]:
        try:
            frames = self._video.decode(packet)
        except av.FFmpegError:
            self._damaged += 1
            return
        for frame in frames:
            if self._stopped:
                return
            pts = self._next_pts(frame)
            if pts is None:
                self._untimed += 1
                continue
            seconds = float(pts * self.time_base)
            if seconds > self._limits.max_seconds:
                self._stopped = (
                    f"Only the first {self._limits.max_seconds:g} seconds were analysed, which is the limit."
                )
            elif self.frames >= self._limits.max_frames:
                self._stopped = f"Only the first {self._limits.max_frames} frames were analysed, which is the limit."
            else:
                self._damaged += bool(frame.is_corrupt)
                self._last_pts = pts
                self.frames += 1
                self.seconds = seconds + float(1 / self.info.rate)
                yield Picture(self._upright(frame), seconds, pts)

    def _next_pts(self, frame: VideoFrame) -> int | None:
        """The frame's time from the start of the file; None when it does not lie after the last one's.

        Old AVI files give presentation times that jump back and forth; after a few of these the
        decoding times, which do not, are taken instead.
        """
        earlier, self._raw_pts = self._raw_pts, frame.pts
        if frame.pts is not None and earlier is not None and frame.pts <= earlier:
            self._faults += 1
        raw = frame.dts if self._faults > 1 + 0.1 * self.frames and frame.dts is not None else frame.pts
        last = self._last_pts
        if raw is None:
            return 0 if last is None else last + max(round(1 / (self.info.rate * self.time_base)), 1)
        pts = raw - round(self.start / self.time_base)
        return pts if pts > (-1 if last is None else last) else None

    def _upright(self, frame: VideoFrame) -> RGB:
        # Frames whose side_data was looked at are freed late, so the first one's orientation goes for all.
        orientation = self.info.orientation
        size = (self.height, self.width) if orientation.turned else (self.width, self.height)
        return orientation.upright(np.asarray(frame.reformat(*size, format="rgb24").to_ndarray(), np.uint8))
