"""A process that reads an untrusted video, and the watch on it: whatever the file has FFmpeg do, it can be ended."""

import json
import os
import subprocess
import sys
import threading
import time
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import IO, Any, Final, cast

from .deadlines import Deadlines
from .places import Places
from .programs import environment, program_of

#: Memory of a process that decodes, in bytes: frames of 3840x2160 pixels of 10 bits and 4:2:2 take 270 million.
MEMORY: Final = 350_000_000
#: What it does with, but for large pictures: beyond that it takes memory of heavy pictures (``Places.lend``).
USUAL_MEMORY: Final = 110_000_000
#: Wall-clock time for a picture: of a large video, on a busy machine, it takes some tenths of a second.
STEP_SECONDS: Final = 30.0
#: Between two looks at its memory, in seconds.
LOOK_SECONDS: Final = 0.02
#: As of decoders of light pictures: the server's own threads come first.
NICENESS: Final = 5
_DEADLINES: Final = Deadlines()


class VideoProcess:
    """One part of ``video_decoder`` at work on a file. Close it at the end."""

    def __init__(self, part: str, path: Path, facts: dict[str, Any], places: Places) -> None:
        """part, facts: as ``video_decoder.main`` takes them. places: whose memory it takes."""
        arguments = (part, str(path.absolute()), json.dumps(facts))
        self._process = subprocess.Popen(
            [sys.executable, "-c", program_of("video_decoder", NICENESS), *arguments],
            stdin=subprocess.PIPE,  # see ``parent``
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
        )
        self.output = cast("IO[bytes]", self._process.stdout)
        if sys.platform == "linux":
            import fcntl

            # The most an unprivileged process may ask for: a picture then goes over in few, large steps.
            fcntl.fcntl(self.output, fcntl.F_SETPIPE_SZ, 1 << 20)
        self._places = places
        #: Whether it was ended because it took too much memory.
        self.was_too_large = False
        threading.Thread(target=self._watch, name="video memory", daemon=True).start()

    def step(self) -> AbstractContextManager[None]:
        """It is ended if this is entered for longer than ``STEP_SECONDS``: to read from it comes to an end then."""
        return _DEADLINES.within(STEP_SECONDS, self.kill)

    def kill(self) -> None:
        """End it, from any thread; what reads from it comes to an end."""
        self._process.kill()

    def status(self) -> int:
        """Its exit status, once it has ended."""
        return self._process.wait()

    def close(self) -> None:
        """End it, and forget it."""
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self.output):
            with suppress(OSError):
                cast("IO[bytes]", pipe).close()

    def _watch(self) -> None:
        while self._process.poll() is None:
            size = resident(self._process.pid)
            self._places.lend(self, max(size - USUAL_MEMORY, 0))
            if size > MEMORY:
                self.was_too_large = True
                self.kill()
            time.sleep(LOOK_SECONDS)
        self._places.lend(self, 0)


def resident(process: int) -> int:
    """The memory that a process has in use, in bytes; 0 where that is not told, as on other systems than Linux.

    It is watched, and not limited: FFmpeg goes on without what it gets no memory for, and the server would get it.
    """
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0
