"""One process that decodes untrusted pictures, and the protocol with it; ``decoder`` is the program it runs."""

import json
import struct
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from ..errors import ImageError, ImageLimitError
from ..images import RGB
from ..picture_notes import with_notes
from .deadlines import Deadlines
from .fork_server import START_SECONDS, ForkServer

#: Wall-clock limit for reading a header; CPU time is limited separately.
OPEN_SECONDS: Final = 20.0
_TOO_LONG: Final = (
    "The picture takes too long to decode, or too much memory. Save it as a baseline JPEG, and send that."
)
_DEADLINES: Final = Deadlines()


class SlowPictureError(ImageError):
    """Decoding took longer, or more memory, than the decoder had for it."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A picture's upright size in pixels, and the cost of decoding it: bytes, and work as in ``picture_costs``.

    file: the file's bytes.
    """

    width: int
    height: int
    memory: int
    work: int
    file: int


class DecoderProcess:
    """One process, and the protocol with it."""

    def __init__(self, programs: ForkServer, niceness: int, hurried: bool) -> None:
        self._process = programs.start(str(niceness), str(int(hurried)))
        self._in, self._out = self._process.input, self._process.output
        self._between = False
        #: The time.monotonic() of its last picture's end.
        self.used = time.monotonic()
        try:
            if sys.platform == "linux":
                import fcntl

                # The most an unprivileged process may ask for: rows then go over in few, large steps.
                fcntl.fcntl(self._out, fcntl.F_SETPIPE_SZ, 1 << 20)
            with self._time(START_SECONDS):
                self._told()
        except BaseException:
            self.end()
            raise

    @property
    def usable(self) -> bool:
        """Whether it is alive and waiting for the next picture."""
        return self._between and self._process.alive

    def open(self, data: bytes | bytearray) -> Measure:
        """A picture's size and cost; ImageError when it cannot be used."""
        self._between = False
        with self._time(OPEN_SECONDS):
            self._in.write(struct.pack(">I", len(data)))
            self._in.write(data)
            self._in.flush()
            told = self._told()
        return Measure(**told, file=len(data))

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
        """Kill the process."""
        self._process.end()
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
        """Kill the process when time is up, which ends every wait for it; SlowPictureError then, or if it dies."""
        try:
            with _DEADLINES.within(seconds, self._process.kill):
                yield
        except (EOFError, OSError):
            raise SlowPictureError(_TOO_LONG) from None
