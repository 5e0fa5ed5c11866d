"""A video is opened and read in a process of its own first, with a limit of memory and time, before the server does.

A container's tables say how many frames there are, and FFmpeg makes an entry for each as it opens the file: an MP4 of
1,600 bytes that tells of forty million took 1.5 gigabytes. FFmpeg also decodes the first frames then, of any size.
Such tables come later in the file, too, and so do packets that unpack to gigabytes: all are read, and none decoded.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer

from ..errors import BusyError, VideoError
from ..video.container import HELP, open_video, pass_over_others, sound_stream, video_stream
from ..video.packets import packets_of
from .decoder import bound_time
from .fork_server import program_of

#: Memory for opening and reading a video, in bytes. And what nearly all do with: of 3840x2160 pixels, as cameras and
#: editors save them, some 80 megabytes. One at a time goes beyond that.
_MEMORY: Final = 150_000_000
USUAL_MEMORY: Final = 90_000_000
#: CPU and wall-clock time, in seconds.
_CPU_SECONDS: Final = 5
_SECONDS: Final = 30.0
#: As of decoders of light pictures: the server's own threads come first.
_NICENESS: Final = 5
#: Entries of all tracks: more than twenty minutes' pictures at 240 a second, and their sound. The server opens a file
#: up to three times, and each takes 50 bytes for an entry.
MOST_ENTRIES: Final = 500_000
MOST_CHAPTERS: Final = 1_000
#: Bytes of one packet: of a picture as large as may be that is not compressed.
MOST_OF_A_PACKET: Final = 40_000_000
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
    with ExitStack() as held:
        if not _PLACES.acquire(timeout=_SECONDS):
            raise BusyError(_BUSY)
        held.callback(_PLACES.release)
        _check(source, held)
        yield


def _check(source: Path, held: ExitStack) -> None:
    """``held`` is entered while the file is opened, and gives back what this takes."""
    if not source.is_file():
        return  # which is told in better words by whoever opens it
    with subprocess.Popen(
        [sys.executable, "-c", program_of("video_check", _NICENESS), str(source.absolute()), str(os.getpid())],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        _watch(process, time.monotonic() + _SECONDS, held)
        said = process.stdout.read(1000).decode(errors="replace").strip() if process.stdout else ""
    if process.returncode:
        raise VideoError(said or _TOO_MUCH)


def _watch(process: subprocess.Popen[bytes], end: float, held: ExitStack) -> None:
    """Wait for it; it is killed if it takes too much memory, or lasts beyond this ``time.monotonic()``."""
    large = False
    while process.poll() is None:
        resident = _resident(process.pid)
        if time.monotonic() > end or resident > _MEMORY:
            process.kill()
        elif resident > USUAL_MEMORY and not large:
            process.send_signal(signal.SIGSTOP)
            if not _LARGE.acquire(timeout=max(end - time.monotonic(), 0)):
                process.kill()
                raise BusyError(_BUSY)
            held.callback(_LARGE.release)
            large = True
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
    """The program of that process: reads the file, and says why not to. parent: the server's process id."""
    bound_time(_CPU_SECONDS)
    _end_with(int(parent))
    try:
        with open_video(Path(path)) as container:
            if problem := _problem_of(container):
                sys.exit(_said(f"{problem} Export or record it again. {HELP}"))
    except VideoError as error:
        sys.exit(_said(str(error)))


def _problem_of(container: InputContainer) -> str:
    """Why the server must not use the file, if it must not. Raises VideoError as whoever uses it would."""
    video, sound = video_stream(container), sound_stream(container)
    pass_over_others(container, video, sound)
    packets = packets_of(container, video, *([] if sound is None else [sound]))
    told = _problem_of_tables(container) or _problem_of_packets(packets) or _problem_of_tables(container)
    # Between two looks it may have held more.
    return told or ("To open this video takes too much memory." if _most_resident() > _MEMORY else "")


def _problem_of_tables(container: InputContainer) -> str:
    """Of those that have been read so far."""
    if (chapters := len(container.chapters())) > MOST_CHAPTERS:
        return f"The video has {chapters} chapters, over the limit of {MOST_CHAPTERS}."
    entries = sum(max(len(stream.index_entries), stream.frames) for stream in container.streams)
    return f"The video's tables tell of {entries} frames." if entries > MOST_ENTRIES else ""


def _problem_of_packets(packets: Iterator[Any]) -> str:
    """Reads them all, without decoding."""
    with suppress(av.FFmpegError):  # the file is cut short: what comes before is used
        for packet in packets:
            if packet.size > MOST_OF_A_PACKET:
                return f"A frame of this video takes {packet.size / 1e6:.0f} MB of the file."
    return ""


def _most_resident() -> int:
    """The most memory that this process has had in use, in bytes; 0 where that is not told."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def _end_with(parent: int) -> None:
    """Have the system kill this process when the server ends: nobody would watch its memory any more."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it ended before that
            sys.exit(1)


def _said(reason: str) -> int:
    sys.stdout.write(reason)
    return 1
