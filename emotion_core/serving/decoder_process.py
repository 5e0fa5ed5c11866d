"""One process that decodes untrusted pictures, and the protocol with it; ``decoder`` is the program it runs."""

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
from typing import IO, Any, Final, cast

import numpy as np

from ..errors import ImageError, ImageLimitError
from ..images import RGB
from ..picture_notes import with_notes

#: Wall-clock limits for starting and for reading a header; CPU time is limited separately.
START_SECONDS: Final = 60.0
OPEN_SECONDS: Final = 20.0
_TOO_LONG: Final = (
    "The picture takes too long to decode, or too much memory. Save it as a baseline JPEG, and send that."
)
_PACKAGE: Final = Path(__file__).parents[1]
#: One thread, and large buffers are returned to the system at once.
_ENVIRONMENT: Final = {
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(1 << 20),
}


class SlowPictureError(ImageError):
    """Decoding took longer, or more memory, than the decoder had for it."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A picture's upright size in pixels, and the cost of decoding it: bytes, and work as in ``picture_costs``."""

    width: int
    height: int
    memory: int
    work: int


def program_of(module: str) -> str:
    """The text of a program that calls ``main`` of a module of this folder with its arguments, strings.

    It imports only what the module needs: the package's own __init__ would import everything, three times the size.
    """
    return f"""
import sys, types
package = sys.modules["emotion_core"] = types.ModuleType("emotion_core")
package.__path__ = [{str(_PACKAGE)!r}]
from emotion_core.serving.{module} import main
main(*sys.argv[1:])
"""


class DecoderProcess:
    """One process, and the protocol with it."""

    def __init__(self, niceness: int, hurried: bool) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", program_of("decoder"), str(niceness), str(int(hurried))],
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
        """Kill the process when time is up, which ends every wait for it; SlowPictureError then, or if it dies."""
        timer = threading.Timer(seconds, self._process.kill)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (EOFError, OSError):
            raise SlowPictureError(_TOO_LONG) from None
        finally:
            timer.cancel()
