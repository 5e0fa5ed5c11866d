"""Untrusted pictures -> pixels, decoded by processes that are killed when they take too much time or memory."""

import os
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

from ..errors import BusyError, ImageError, ImageLimitError
from ..images import RGB
from .decoder_process import DecoderProcess, Measure
from .fork_server import ForkServer

#: A picture's file: a path, its bytes, or an open binary file.
PictureFile: TypeAlias = str | os.PathLike[str] | bytes | bytearray | BinaryIO
#: Wall-clock limit for decoding one picture; CPU time is limited separately.
DECODE_SECONDS: Final = 30.0
#: Bytes of a file: its length is sent in four bytes, and real files are far smaller.
MAX_BYTES: Final = 1 << 30


class Decoders:
    """Processes that each decode one picture at a time. Safe to share between threads; close it at the end.

    programs: starts them; who made it closes it. decode_seconds: limit for one picture. niceness: as in nice(1).
    hurried: a picture that takes longer than its size lets expect raises SlowPictureError.
    """

    def __init__(
        self,
        programs: ForkServer,
        decode_seconds: float = DECODE_SECONDS,
        niceness: int = 0,
        hurried: bool = False,
    ) -> None:
        self._programs = programs
        self._seconds, self._niceness, self._hurried = decode_seconds, niceness, hurried
        self._idle: list[DecoderProcess] = []
        self._all: set[DecoderProcess] = set()
        self._lock = threading.Lock()
        self._closed = False

    def measure(self, source: PictureFile) -> Measure:
        """The picture's size and cost; ImageError for anything that is not a usable picture."""
        decoder = self._take()
        try:
            measure = decoder.open(_bytes_of(source))
            decoder.let_go()
        finally:
            self._give_back(decoder)
        return measure

    def decode(self, source: PictureFile) -> RGB:
        """The picture's pixels, RGB uint8 (H, W, 3); ImageError for anything that is not a usable picture."""
        decoder = self._take()
        try:
            measure = decoder.open(_bytes_of(source))
            return decoder.decode(measure.width, measure.height, self._seconds)
        finally:
            self._give_back(decoder)

    def warm_up(self) -> None:
        """Start a process, so that the first visitor does not wait for it."""
        self._give_back(self._take())

    def rest(self, seconds: float) -> None:
        """End the processes that were not needed for so long."""
        early = time.monotonic() - seconds
        with self._lock:
            unneeded = [decoder for decoder in self._idle if decoder.used < early]
            self._idle = [decoder for decoder in self._idle if decoder not in unneeded]
            self._all.difference_update(unneeded)
        for decoder in unneeded:
            decoder.end()

    def close(self) -> None:
        """End every process."""
        with self._lock:
            self._closed = True
            decoders, self._idle = list(self._all), []
            self._all.clear()
        for decoder in decoders:
            decoder.end()

    def _take(self) -> DecoderProcess:
        while True:
            with self._lock:
                decoder = self._idle.pop() if self._idle else None
            if decoder is None:
                break
            if decoder.usable:
                return decoder
            self._give_back(decoder)
        try:
            decoder = DecoderProcess(self._programs, self._niceness, self._hurried)
        except OSError as error:  # the system has no room for one more, or kills them
            raise BusyError("The server has no room for this picture now. Try again in a few seconds.") from error
        with self._lock:
            self._all.add(decoder)
        return decoder

    def _give_back(self, decoder: DecoderProcess) -> None:
        with self._lock:
            if decoder.usable and not self._closed:
                decoder.used = time.monotonic()
                self._idle.append(decoder)
                return
            self._all.discard(decoder)
        decoder.end()


def length_of(source: PictureFile) -> int:
    """The file's bytes; 0 if it cannot be read, which is told when it is."""
    if isinstance(source, bytes | bytearray):
        return len(source)
    if isinstance(source, str | os.PathLike):
        with suppress(OSError, ValueError):
            return Path(source).stat().st_size
        return 0
    return source.seek(0, os.SEEK_END)


def _bytes_of(source: PictureFile) -> bytes | bytearray:
    """The file's content; ImageError when it cannot be read."""
    if isinstance(source, bytes | bytearray):
        return source
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        try:
            if path.stat().st_size <= MAX_BYTES:
                return path.read_bytes()
        except (OSError, ValueError) as error:
            raise ImageError(
                f"There is no file {path.name[:80]!r}, or it has been deleted by now. Send it again."
            ) from error
    else:
        source.seek(0)
        data = source.read(MAX_BYTES + 1)
        if len(data) <= MAX_BYTES:
            return data
    raise ImageLimitError("The file is too large for a picture. Send a smaller copy.", "max_bytes", limit=MAX_BYTES)
