"""Videos are checked before they are used, each by a process of its own (``video_check``): few at a time, in turn.

Addresses get the same time, and none of them both places. A check starts with the memory that nearly all do with; one
that grows beyond, as for the first frame of 3840x2160 pixels, is ended, and begun anew with more when no other has it
and heavy pictures leave it: to stop it meanwhile would leave it behind, stopped, when the server ends.
"""

import json
import select
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any, Final, cast

from ..errors import BusyError, VideoError, VideoLimitError
from ..video.container import HELP
from ..video.probe import VideoInfo, VideoLimits, probe
from .places import Places
from .programs import environment, program_of
from .video_check import READ_MEMORY
from .video_facts import info_of
from .video_process import LOOK_SECONDS, MEMORY, NICENESS, USUAL_MEMORY, resident

#: How long a check takes at most, and waits for its turn, in seconds.
_SECONDS: Final = 30.0
#: What it takes, about.
_USUAL_SECONDS: Final = 1.0
#: Bytes of what it tells.
_LONGEST: Final = 10_000
#: At a time, one of them with more than usual memory, which is "heavy" here.
_AT_ONCE: Final = 2
_PLACES: Final = Places(_AT_ONCE, 0, _SECONDS)
_TOO_MUCH: Final = f"To open this video takes too long, or too much memory. Export or record it again. {HELP}"
_BUSY: Final = "The server is busy with other videos. Try again in a minute."


class _GrownError(Exception):
    """A check needs more than usual memory."""


def probed(source: Path, limits: VideoLimits, places: Places, address: str = "") -> VideoInfo:
    """What the file says about itself, when it is the turn of this address.

    places: of pictures, whose memory a large one takes.
    Raises VideoError if it does not open within the limits, or is over them, BusyError if too many others wait.
    """
    if not source.is_file():
        return probe(source, limits)  # which tells so
    try:
        try:
            with _PLACES.place(address, seconds=_USUAL_SECONDS):
                return _probed(source, limits, usual=True)
        except _GrownError:
            size = min(MEMORY - USUAL_MEMORY, places.memory // 2)  # what is never lent
            with _PLACES.place(address, heavy=True, seconds=_USUAL_SECONDS), places.room(size, address):
                start = time.monotonic()
                try:
                    return _probed(source, limits, usual=False)
                finally:  # or who sends nothing else would come before everybody's heavy pictures
                    places.charge(address, time.monotonic() - start, heavy=True)
    except BusyError as error:
        raise BusyError(_BUSY) from error


def probed_at_once(source: Path, limits: VideoLimits, places: Places) -> VideoInfo:
    """The same for the one video whose turn it is to be analysed: it waits for no other. Raises VideoError."""
    return _probed(source, limits, False, places) if source.is_file() else probe(source, limits)


def _probed(source: Path, limits: VideoLimits, usual: bool, places: Places | None = None) -> VideoInfo:
    """usual: with usual memory alone; raises _GrownError if that is not enough. places: whose memory it takes."""
    arguments = (str(source.absolute()), json.dumps(asdict(limits)))
    with subprocess.Popen(
        [sys.executable, "-c", program_of("video_check", NICENESS), *arguments],
        stdin=subprocess.PIPE,  # see ``parent``
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment(),
    ) as process:
        try:
            _watch(process, time.monotonic() + _SECONDS, usual, places)
        finally:
            process.kill()
            if places:
                places.lend(process, 0)
        said = process.stdout.read(_LONGEST).strip() if process.stdout else b""
    if process.returncode or not said:
        raise VideoError(_TOO_MUCH)
    told: dict[str, Any] = json.loads(said)
    if "error" in told:
        limit = told["limit"]
        raise VideoLimitError(told["error"], *limit) if limit else VideoError(told["error"])
    return info_of(told)


def _watch(process: subprocess.Popen[bytes], end: float, usual: bool, places: Places | None) -> None:
    """Wait for it; it is killed if it takes too much memory, or lasts beyond this ``time.monotonic()``."""
    while process.poll() is None:
        size = resident(process.pid)
        if places:
            places.lend(process, max(size - USUAL_MEMORY, 0))
        if usual and size > USUAL_MEMORY:
            raise _GrownError
        if time.monotonic() > end or size > (MEMORY if _has_begun_to_decode(process) else READ_MEMORY):
            process.kill()
        time.sleep(LOOK_SECONDS)


def _has_begun_to_decode(process: subprocess.Popen[bytes]) -> bool:
    """Whether it has written anything yet; asked where memory is told."""
    return sys.platform == "linux" and bool(select.select([cast("IO[bytes]", process.stdout)], [], [], 0)[0])
