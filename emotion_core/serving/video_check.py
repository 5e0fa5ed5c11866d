"""A video is first opened, read and probed by this program, with a limit of memory and time (``checked_videos``).

A container's tables say how many frames there are, and FFmpeg makes an entry for each as it opens the file: an MP4 of
1,600 bytes that tells of forty million took 1.5 gigabytes. FFmpeg also decodes the first frames then, of any size.
Such tables come later in the file, too, and so do packets that unpack to gigabytes: all are read, and none decoded.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import av
from av.container import InputContainer

from ..errors import VideoError, VideoLimitError
from ..video.container import HELP, open_video, pass_over_others, sound_stream, video_stream
from ..video.packets import packets_of
from ..video.probe import probe
from .decoder import bound_time
from .parent import end_with_parent
from .video_facts import facts_of, limits_of

#: Memory for reading a file without decoding, in bytes.
READ_MEMORY: Final = 180_000_000
#: CPU time of each of its parts, in seconds.
_CPU_SECONDS: Final = 5
#: Entries of all tracks: more than twenty minutes' pictures at 240 a second, and their sound. A file is opened
#: up to three times, and each takes 50 bytes for an entry.
MOST_ENTRIES: Final = 500_000
MOST_CHAPTERS: Final = 1_000
#: Bytes of one packet: of a picture as large as may be that is not compressed.
MOST_OF_A_PACKET: Final = 40_000_000
#: Bytes of all packets, and how many times the file's own. They are parts of it, but for Matroska's zlib, which hardly
#: anybody uses, and tables that name the same bytes again: 2.3 MB unpacked to 2.4 GB, and others waited 8 s.
MOST_OF_PACKETS: Final = 100_000_000
MOST_OF_THE_FILE: Final = 10
#: What it writes before it decodes anything, and so may take more memory: space before JSON.
_DECODES: Final = " "


def main(path: str, limits: str) -> None:
    """The program of that process: reads the file, and tells what it says, or why not to use it, as JSON.

    limits: JSON, as of ``VideoLimits``.
    """
    bound_time(_CPU_SECONDS)
    end_with_parent()
    told: dict[str, Any]
    try:
        with open_video(Path(path)) as container:
            problem = _problem_of(container, max(MOST_OF_PACKETS, MOST_OF_THE_FILE * Path(path).stat().st_size))
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


def _problem_of(container: InputContainer, most: int) -> str:
    """Why the server must not use the file, if it must not. Raises VideoError as whoever uses it would.

    most: bytes of all packets.
    """
    video, sound = video_stream(container), sound_stream(container)
    pass_over_others(container, video, sound)
    packets = packets_of(container, video, *([] if sound is None else [sound]))
    told = _problem_of_tables(container) or _problem_of_packets(packets, most) or _problem_of_tables(container)
    # Between two looks it may have held more.
    return told or ("To open this video takes too much memory." if _most_resident() > READ_MEMORY else "")


def _problem_of_tables(container: InputContainer) -> str:
    """Of those that have been read so far."""
    if (chapters := len(container.chapters())) > MOST_CHAPTERS:
        return f"The video has {chapters} chapters, over the limit of {MOST_CHAPTERS}."
    entries = sum(max(len(stream.index_entries), stream.frames) for stream in container.streams)
    return f"The video's tables tell of {entries} frames." if entries > MOST_ENTRIES else ""


def _problem_of_packets(packets: Iterator[Any], most: int) -> str:
    """Reads them all, without decoding."""
    together = 0
    with suppress(av.FFmpegError):  # the file is cut short: what comes before is used
        for packet in packets:
            if packet.size > MOST_OF_A_PACKET:
                return f"A frame of this video takes {packet.size / 1e6:.0f} MB of the file."
            together += packet.size
            if together > most:
                return f"The video's frames unpack to {together / 1e6:.0f} MB, many times the file."
    return ""


def _most_resident() -> int:
    """The most memory that this process has had in use, in bytes; 0 where that is not told."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0
