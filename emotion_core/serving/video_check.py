"""A video is first opened, read and probed by a process of its own, with a limit of memory and time.

A container's tables say how many frames there are, and FFmpeg makes an entry for each as it opens the file: an MP4 of
1,600 bytes that tells of forty million took 1.5 gigabytes. FFmpeg also decodes the first frames then, of any size.
Such tables come later in the file, too, and so do packets that unpack to gigabytes: all are read, and none decoded.
"""

import json
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final, cast

import av
from av.container import InputContainer

from ..errors import BusyError, VideoError, VideoLimitError
from ..video.container import HELP, open_video, pass_over_others, sound_stream, video_stream
from ..video.packets import packets_of
from ..video.probe import VideoInfo, VideoLimits, probe
from .decoder import bound_time
from .parent import end_with_parent
from .programs import environment, program_of
from .video_facts import facts_of, info_of, limits_of
from .video_process import LOOK_SECONDS, MEMORY, NICENESS, resident

#: Memory for reading a file without decoding, in bytes. And what nearly all do with to the end: of 3840x2160 pixels, as
#: cameras and editors save them, up to ``MEMORY`` are needed for the first frame. One at a time goes beyond.
_MEMORY: Final = 180_000_000
USUAL_MEMORY: Final = 110_000_000
#: CPU and wall-clock time, in seconds.
_CPU_SECONDS: Final = 5
_SECONDS: Final = 30.0
#: Entries of all tracks: more than twenty minutes' pictures at 240 a second, and their sound. A file is opened
#: up to three times, and each takes 50 bytes for an entry.
MOST_ENTRIES: Final = 500_000
MOST_CHAPTERS: Final = 1_000
#: Bytes of one packet: of a picture as large as may be that is not compressed.
MOST_OF_A_PACKET: Final = 40_000_000
#: What it writes before it decodes anything, and so may take more memory: space before JSON.
_DECODES: Final = " "
#: Bytes of what it tells.
_LONGEST: Final = 10_000
#: Videos opened at a time.
_AT_ONCE: Final = 2
_TOO_MUCH: Final = f"To open this video takes too long, or too much memory. Export or record it again. {HELP}"
_PLACES: Final = threading.BoundedSemaphore(_AT_ONCE)
_LARGE: Final = threading.Lock()
_BUSY: Final = "The server is busy with other videos. Try again in a minute."


def probed(source: Path, limits: VideoLimits) -> VideoInfo:
    """What the file says about itself: few are opened at a time, each by a process of its own.

    Raises VideoError if it does not open within the limits, or is over them, BusyError if too many others wait.
    """
    if not source.is_file():
        return probe(source, limits)  # which tells so
    with ExitStack() as held:
        if not _PLACES.acquire(timeout=_SECONDS):
            raise BusyError(_BUSY)
        held.callback(_PLACES.release)
        arguments = (str(source.absolute()), json.dumps(asdict(limits)))
        with subprocess.Popen(
            [sys.executable, "-c", program_of("video_check", NICENESS), *arguments],
            stdin=subprocess.PIPE,  # see ``parent``
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
        ) as process:
            _watch(process, time.monotonic() + _SECONDS, held)
            said = process.stdout.read(_LONGEST).strip() if process.stdout else b""
    if process.returncode or not said:
        raise VideoError(_TOO_MUCH)
    told: dict[str, Any] = json.loads(said)
    if "error" in told:
        limit = told["limit"]
        raise VideoLimitError(told["error"], *limit) if limit else VideoError(told["error"])
    return info_of(told)


def _watch(process: subprocess.Popen[bytes], end: float, held: ExitStack) -> None:
    """Wait for it; it is killed if it takes too much memory, or lasts beyond this ``time.monotonic()``."""
    large = False
    while process.poll() is None:
        size = resident(process.pid)
        if time.monotonic() > end or size > (MEMORY if _has_begun_to_decode(process) else _MEMORY):
            process.kill()
        elif size > USUAL_MEMORY and not large:
            process.send_signal(signal.SIGSTOP)
            if not _LARGE.acquire(timeout=max(end - time.monotonic(), 0)):
                process.kill()
                raise BusyError(_BUSY)
            held.callback(_LARGE.release)
            large = True
            process.send_signal(signal.SIGCONT)
        time.sleep(LOOK_SECONDS)


def _has_begun_to_decode(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has written anything yet; asked where memory is told."""
    return sys.platform == "linux" and bool(select.select([cast("IO[bytes]", process.stdout)], [], [], 0)[0])


def main(path: str, limits: str) -> None:
    """The program of that process: reads the file, and tells what it says, or why not to use it, as JSON.

    limits: JSON, as of ``VideoLimits``.
    """
    bound_time(_CPU_SECONDS)
    end_with_parent()
    told: dict[str, Any]
    try:
        with open_video(Path(path)) as container:
            problem = _problem_of(container)
        if problem:
            told = {"error": f"{problem} Export or record it again. {HELP}", "limit": None}
        else:
            bound_time(_CPU_SECONDS)  # anew: the first frame may be large
            sys.stdout.write(_DECODES)
            sys.stdout.flush()
            told = facts_of(probe(path, limits_of(json.loads(limits))))
    except VideoError as error:
        limit = (error.limit_name, error.measured, error.limit) if isinstance(error, VideoLimitError) else None
        told = {"error": str(error), "limit": limit}
    sys.stdout.write(json.dumps(told))


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
