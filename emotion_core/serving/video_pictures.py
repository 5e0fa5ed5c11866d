"""A video's pictures and sound, read by processes of their own (``video_decoder``) in place of the server."""

import json
import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace

from ..errors import VideoError
from ..picture_costs import MAX_MEMORY
from ..video.container import open_sent
from ..video.picture import I420, Canvas, Picture, tag_of
from ..video.probe import VideoInfo
from ..video.results import VideoOptions
from ..video.sound import SoundTrack
from .places import Places
from .video_decoder import HEAD, NO_PIXELS, PIXELS, SOUND_START
from .video_facts import facts_of
from .video_process import VideoProcess

_LONGEST_LINE: Final = 100_000


class VideoPictures:
    """As ``video.reader.VideoReader`` reads them (``video.pictures.Pictures``), in a process that can be ended.

    One that takes too long, or too much memory, is ended: ``notices`` then says how far it came.
    """

    def __init__(self, path: Path, info: VideoInfo, options: VideoOptions, places: Places | None = None) -> None:
        """places: whose memory it takes. Raises VideoError for a file that cannot be used any more."""
        self._path = path
        self._places = places or Places(1, MAX_MEMORY)
        self._facts: dict[str, Any] = {
            "info": facts_of(info),
            "limits": asdict(options.limits),
            **{name: getattr(options, name) for name in ("max_side", "rate", "copy")},
        }
        self._limits = options.limits
        self.frames, self.seconds, self.bytes_read = 0, 0.0, 0
        self._stop = threading.Event()
        self._notices: tuple[str, ...] = ()
        self._sound_process: VideoProcess | None = None
        self._process = VideoProcess("pictures", path, self._facts, self._places)
        try:
            told = self._told()
        except (EOFError, OSError, ValueError) as error:
            self._process.close()
            raise VideoError("This video takes too long to open, or too much memory. Export it again.") from error
        if "error" in told:
            self._process.close()
            raise VideoError(told["error"])
        self.width, self.height = int(told["width"]), int(told["height"])
        self.time_base = Fraction(told["time_base"])
        self.info = replace(info, frame_bytes=self.width * self.height * 3 // 2)
        self.canvas = Canvas(self.width, self.height, matrix=Colorspace(told["matrix"]))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._process.close()

    def __iter__(self) -> Iterator[Picture]:
        unused = VideoFrame(self.width, self.height, "yuv420p")
        try:
            while True:
                # It goes on decoding until its pipe is full: by a picture or two.
                self._places.settle(self._stop.is_set)
                kind, seconds, pts, come = HEAD.unpack(self._read(HEAD.size))
                if kind not in (PIXELS, NO_PIXELS):
                    break
                self.bytes_read = come
                frame = self._frame() if kind == PIXELS else unused
                self.frames += 1
                self.seconds = seconds + float(1 / self.info.rate)
                yield Picture(seconds, pts, frame, self.canvas)
            told = self._told()
        except (EOFError, OSError):
            self._notices = () if self.stopped else (self._cut(),)
            return
        self.seconds, self._notices = told["seconds"], tuple(told["notices"])

    @property
    def stopped(self) -> bool:
        """Whether ``stop`` was called."""
        return self._stop.is_set()

    def stop(self) -> None:
        """End the iteration at once, from any thread."""
        self._stop.set()
        for process in (self._process, self._sound_process):
            if process is not None:
                process.kill()

    def notices(self) -> tuple[str, ...]:
        """Problems the user should know about; complete once the iteration has ended."""
        return self._notices

    def sound(self) -> SoundTrack:
        """The same file's audio, from a process of its own; without a ``stream`` if it has none that can be used."""
        if not self.info.has_sound:
            return SoundTrack(None, SOUND_START, 0, self._stop)
        self._sound_process = process = VideoProcess("sound", self._path, self._facts, self._places)
        return _Sound(process, self._limits.max_packets, self._stop)

    def _cut(self) -> str:
        large = self._process.was_too_large
        why = "takes too much memory" if large else "takes too long to decode, or breaks the decoder"
        return f"Only the first {self.seconds:.0f} seconds were analysed: the rest {why}. Export or record it again."

    def _frame(self) -> VideoFrame:
        pixels: I420 = np.empty((self.height * 3 // 2, self.width), np.uint8)
        with self._process.step():
            if self._process.output.readinto(pixels.reshape(-1).data) != pixels.nbytes:  # type: ignore[attr-defined]
                raise EOFError
        frame = VideoFrame.from_numpy_buffer(pixels, format="yuv420p")
        frame.colorspace = tag_of(self.canvas.matrix)
        frame.color_range = ColorRange.MPEG
        return frame

    def _read(self, size: int) -> bytes:
        with self._process.step():
            data = self._process.output.read(size)
        if len(data) != size:
            raise EOFError
        return data

    def _told(self) -> Any:
        with self._process.step():
            line = self._process.output.readline(_LONGEST_LINE)
        if not line.endswith(b"\n"):
            raise EOFError
        return json.loads(line)


class _Sound(SoundTrack):
    """Audio that ``video_decoder`` sends."""

    def __init__(self, process: VideoProcess, max_packets: int, stop: threading.Event) -> None:
        self._process, self._sent = process, _Sent(process)
        container: InputContainer | None = None
        with suppress(av.FFmpegError):  # nothing came: there is none that can be used
            container = open_sent(self._sent)
        super().__init__(container, SOUND_START, max_packets, stop)

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        super().__exit__()
        self._process.close()

    def is_damaged(self) -> bool:
        """Whether some of it is missing; not, as long as more of it comes than is wanted."""
        return self._sent.ended and self._process.status() != 0


class _Sent:
    """What a process sends, as a file to be read; at its end it is over, or was ended."""

    def __init__(self, process: VideoProcess) -> None:
        self._process = process
        self.ended = False

    def read(self, size: int) -> bytes:
        """At most so many bytes, b"" at the end."""
        with self._process.step():
            data = self._process.output.read1(size)  # type: ignore[attr-defined]
        self.ended = self.ended or not data
        return bytes(data)
