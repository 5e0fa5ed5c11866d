"""A video is opened in a process of its own first, with a limit of memory and time, before the server opens it.

A container's tables say how many frames there are, and FFmpeg makes an entry for each as it opens the file: an MP4 of
1,600 bytes that tells of forty million took 1.5 gigabytes. FFmpeg also decodes the first frames then, of any size.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from ..errors import BusyError, VideoError
from ..video.container import HELP, open_video
from .decoder import bound_time
from .fork_server import program_of

#: Memory for opening a video, in bytes: tables of as many entries as may be take 160 megabytes. And what nearly all do
#: with: of 3840x2160 pixels, as cameras and editors save them, some 80 megabytes. One at a time goes beyond that.
_MEMORY: Final = 200_000_000
USUAL_MEMORY: Final = 90_000_000
#: CPU and wall-clock time, in seconds.
_CPU_SECONDS: Final = 5
_SECONDS: Final = 30.0
#: As of decoders of light pictures: the server's own threads come first.
_NICENESS: Final = 5
#: Entries of all tracks: of ten hours' pictures and sound.
MOST_ENTRIES: Final = 3_000_000
#: Time between two looks at its memory, in seconds.
_LOOK_SECONDS: Final = 0.02
#: Videos opened at a time.
_AT_ONCE: Final = 2
_TOO_MUCH: Final = f"To open this video takes too long, or too much memory. Export or record it again. {HELP}"
#: From the system's <sys/prctl.h>; its signal comes when the thread ends that started the process, which waits for it.
_PR_SET_PDEATHSIG: Final = 1
_PLACES: Final = threading.BoundedSemaphore(_AT_ONCE)
_LARGE: Final = threading.Lock()
_BUSY: Final = "The server is busy with other videos. Try again in a minute."


@contextmanager
def checked(source: Path) -> Iterator[None]:
    """Check that the file opens within the limits, and open it while this is entered: few are opened at a time.

    Raises VideoError if it does not, BusyError if too many others wait.
    """
    if not _PLACES.acquire(timeout=_SECONDS):
        raise BusyError(_BUSY)
    try:
        _check(source)
        yield
    finally:
        _PLACES.release()


def _check(source: Path) -> None:
    if not source.is_file():
        return  # which is told in better words by whoever opens it
    with subprocess.Popen(
        [sys.executable, "-c", program_of("video_check", _NICENESS), str(source.absolute()), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        _watch(process, time.monotonic() + _SECONDS)
        said = process.stdout.read(1000).decode(errors="replace").strip() if process.stdout else ""
    if process.returncode:
        raise VideoError(said or _TOO_MUCH)


def _watch(process: subprocess.Popen[bytes], end: float) -> None:
    """Wait for it; it is killed if it takes too much memory, or lasts beyond this ``time.monotonic()``."""
    with ExitStack() as large:
        mine = False
        while process.poll() is None:
            held = _resident(process.pid)
            if time.monotonic() > end or held > _MEMORY:
                process.kill()
            elif held > USUAL_MEMORY and not mine:
                process.send_signal(signal.SIGSTOP)
                if not _LARGE.acquire(timeout=max(end - time.monotonic(), 0)):
                    process.kill()
                    raise BusyError(_BUSY)
                large.callback(_LARGE.release)
                mine = True
                process.send_signal(signal.SIGCONT)
            time.sleep(_LOOK_SECONDS)


def _resident(process: int | str) -> int:
    """The memory that a process has in use, in bytes; 0 where that is not told, as on other systems than Linux.

    It is watched, and not limited: FFmpeg goes on without what it gets no memory for, and the server would get it.
    """
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, IndexError):
        return 0


def main(path: str, parent: str) -> None:
    """The program of that process: opens the file, and says why not if it does not. parent: the server's process id."""
    bound_time(_CPU_SECONDS)
    _end_with(int(parent))
    try:
        with open_video(Path(path)) as container:
            entries = sum(max(len(stream.index_entries), stream.frames) for stream in container.streams)
            held = _resident("self")
    except VideoError as error:
        sys.exit(_said(str(error)))
    if held > _MEMORY:
        sys.exit(_said(_TOO_MUCH))
    if entries > MOST_ENTRIES:
        sys.exit(_said(f"The video's tables tell of {entries} frames. Export or record it again. {HELP}"))


def _end_with(parent: int) -> None:
    """Have the system kill this process when the server ends: nobody would watch its memory any more."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before that
            sys.exit(1)


def _said(reason: str) -> int:
    sys.stdout.write(reason)
    return 1
