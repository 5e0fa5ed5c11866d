"""Untrusted pictures -> pixels, decoded by processes that are killed when they take too much time or memory."""

import json
import os
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, Final, TypeAlias, cast

import numpy as np

from ..errors import ImageError, ImageLimitError
from ..images import RGB
from ..picture_notes import with_notes

#: A picture's file: a path, its bytes, or an open binary file.
PictureFile: TypeAlias = str | os.PathLike[str] | bytes | BinaryIO
#: Wall-clock limits for starting, for reading a header, and for decoding; CPU time is limited separately.
START_SECONDS: Final = 60.0
OPEN_SECONDS: Final = 20.0
DECODE_SECONDS: Final = 30.0
#: Bytes of a file: its length is sent in four bytes, and real files are far smaller.
MAX_BYTES: Final = 1 << 30
_TOO_LONG: Final = (
    "The picture takes too long to decode, or too much memory. Save it as a baseline JPEG, and send that."
)
_PACKAGE: Final = Path(__file__).parents[1]
# Imports only what decoding needs: the package's own __init__ would import everything, three times the size.
_PROGRAM: Final = f"""
import sys, types
package = sys.modules["emotion_core"] = types.ModuleType("emotion_core")
package.__path__ = [{str(_PACKAGE)!r}]
from emotion_core.serving.decoder import main
main(int(sys.argv[1]))
"""
#: One thread, and large buffers are returned to the system at once.
_ENVIRONMENT: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 20),
}


@dataclass(frozen=True, slots=True)
class Measure:
    """A picture's upright size in pixels, and the cost of decoding it: bytes, and work as in ``picture_costs``."""

    width: int
    height: int
    memory: int
    work: int


class Decoders:
    """Processes that each decode one picture at a time. Safe to share between threads; close it at the end.

    decode_seconds: limit for one picture. niceness: as in nice(1).
    """

    def __init__(self, decode_seconds: float = DECODE_SECONDS, niceness: int = 0) -> None:
        self._seconds, self._niceness = decode_seconds, niceness
        self._idle: list[_Decoder] = []
        self._all: set[_Decoder] = set()
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

    def rest(self, seconds: float, keep: int = 0) -> None:
        """End the processes that were not needed for so long, but for ``keep`` of them."""
        early = time.monotonic() - seconds
        with self._lock:
            # The one used last is the next to be used, so those used longest ago come first.
            unneeded = [decoder for decoder in self._idle[: max(len(self._idle) - keep, 0)] if decoder.used < early]
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

    def _take(self) -> "_Decoder":
        while True:
            with self._lock:
                decoder = self._idle.pop() if self._idle else None
            if decoder is None:
                break
            if decoder.usable:
                return decoder
            self._give_back(decoder)
        decoder = _Decoder(self._niceness)
        with self._lock:
            self._all.add(decoder)
        return decoder

    def _give_back(self, decoder: "_Decoder") -> None:
        with self._lock:
            if decoder.usable and not self._closed:
                decoder.used = time.monotonic()
                self._idle.append(decoder)
                return
            self._all.discard(decoder)
        decoder.end()


class _Decoder:
    """One process, and the protocol with it."""

    def __init__(self, niceness: int) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(niceness)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ENVIRONMENT},
        )
        self._in = cast("IO[bytes]", self._process.stdin)
        self._out = cast("IO[bytes]", self._process.stdout)
        self._between = False
        #: The time.monotonic() of its last picture's end.
        self.used = time.monotonic()
        if sys.platform == "linux":
            import fcntl

            # The most an unprivileged process may ask for: rows then go over in few, large steps.
            fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, 1 << 20)
        with self._time(START_SECONDS):
            self._told()

    @property
    def usable(self) -> bool:
        """Whether it is alive and waiting for the next picture."""
        return self._between and self._process.poll() is None

    def open(self, data: bytes | memoryview) -> Measure:
        """A picture's size and cost; ImageError when it cannot be used."""
        self._between = False
        with self._time(OPEN_SECONDS):
            self._in.write(struct.pack(">I", len(data)))
            self._in.write(data)
            self._in.flush()
            told = self._told()
        return Measure(**told)

    def decode(self, width: int, height: int, seconds: float) -> RGB:
        """The pixels of the open picture; ImageError when it is broken or takes too long."""
        rgb = np.empty((height, width, 3), np.uint8)
        rows = memoryview(rgb.reshape(-1).data)
        with self._time(seconds):
            self._in.write(b"+")
            self._in.flush()
            at = 0
            while size := struct.unpack(">I", self._read(4))[0]:
                if self._out.readinto(rows[at : at + size]) != size:  # type: ignore[attr-defined]
                    raise EOFError
                at += size
            notes = tuple(self._told().get("notes", ()))
        return with_notes(rgb, notes) if notes else rgb

    def let_go(self) -> None:
        """Drop the open picture without decoding it."""
        with self._time(OPEN_SECONDS):
            self._in.write(b"-")
            self._in.flush()
        self._between = True

    def end(self) -> None:
        """Kill the process, and wait until it is gone."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._out, self._in):
            try:
                pipe.close()
            except OSError:  # the last write never reached the process
                continue

    def _told(self) -> Any:
        line = self._out.readline(10_000)
        if not line.endswith(b"\n"):
            raise EOFError
        told = json.loads(line)
        self._between = "error" in told or "ok" in told
        if "error" in told:
            limit = told.get("limit")
            raise ImageLimitError(told["error"], *limit) if limit else ImageError(told["error"])
        return told

    def _read(self, size: int) -> bytes:
        data = self._out.read(size)
        if len(data) != size:
            raise EOFError
        return data

    @contextmanager
    def _time(self, seconds: float) -> Iterator[None]:
        """Kill the process when time is up, which ends every wait for it; ImageError then, or if it dies."""
        timer = threading.Timer(seconds, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (EOFError, OSError):
            raise ImageError(_TOO_LONG) from None
        finally:
            timer.cancel()


def _bytes_of(source: PictureFile) -> bytes | memoryview:
    """The file's content; ImageError when it cannot be read."""
    if isinstance(source, bytes):
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
