"""The program that decodes untrusted pictures, in a separate process: it can be killed, and its memory is bounded.

    out:  a line of JSON: {"ok"}, once it is ready
    in:   4 bytes, the picture's length, big-endian; the picture
    out:  a line of JSON: {"width", "height", "memory", "work"} or {"error"}
    in:   "+" to decode it, or "-" if only its size was wanted
    out:  rows of RGB; then a line "ok", or the error in place of the rest

This repeats, one picture after another, until the input ends.
"""

import io
import json
import os
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image

from ..errors import EmotionError, ImageLimitError
from ..images import Picture, opened

#: Allowed beyond a picture's estimate, in bytes: tables, buffers, and memory that is mapped but unused.
_SLACK = 128 << 20
#: CPU time for one picture's pixels, and for its header before it is known what they cost, in seconds.
CPU_SECONDS = 8
OPEN_SECONDS = 2
#: The same in a hurry, where others wait, and pixels a second, as of a baseline JPEG, that it has further time for.
#: Cameras' and editors' files take at most half of it; notes, empty chunks and runs of a pixel take seconds.
HURRIED_OPEN_SECONDS = 0.1
HURRIED_SECONDS = 0.3
HURRIED_PIXELS = 30_000_000
#: Memory for reading a header, in bytes: WebP's decoder reserves its canvases then. Others take a copy or two.
_WEBP_OPEN_MEMORY = 8 * 6500 * 6500
_OPEN_COPIES = 2


def prepare() -> None:
    """Load all formats, which takes longer than a picture may in a hurry."""
    Image.init()


def main(niceness: str, hurried: str) -> None:
    """Serve until the input ends. niceness: as in nice(1), a number as the program is given it. hurried: "1" or "0".

    In a hurry it is ended by a picture that takes longer than its size lets expect.
    """
    if sys.platform != "win32":
        os.nice(int(niceness))
    source, target = sys.stdin.buffer, sys.stdout.buffer
    tell(target, ok=True)
    while len(head := source.read(4)) == 4:
        answer(source.read(struct.unpack(">I", head)[0]), source, target, hurried == "1")


def answer(data: bytes, source: BinaryIO, target: BinaryIO, hurried: bool) -> None:
    """Decode one picture; its errors are sent back, never raised."""
    free = bound_memory(_WEBP_OPEN_MEMORY if data[8:12] == b"WEBP" else _OPEN_COPIES * len(data))
    try:
        bound_time(OPEN_SECONDS)
        hurry(HURRIED_OPEN_SECONDS * hurried)
        with opened(io.BytesIO(data)) as picture:
            free()
            cost = picture.cost
            hurry((HURRIED_SECONDS + cost.work / HURRIED_PIXELS) * hurried)
            tell(target, width=picture.width, height=picture.height, memory=cost.memory, work=cost.work)
            if source.read(1) == b"+":
                send(picture, target)
    except EmotionError as error:
        limit = (error.limit_name, error.measured, error.limit) if isinstance(error, ImageLimitError) else None
        tell(target, error=str(error), limit=limit)
    finally:
        free()
        hurry(0)


def send(picture: Picture, target: BinaryIO) -> None:
    """Send the rows, each group preceded by its length in bytes; a length of 0 marks the end."""
    bound_time(CPU_SECONDS)
    free = bound_memory(picture.cost.decoder)
    try:
        for strip in picture.strips():
            target.write(struct.pack(">I", strip.nbytes))
            target.write(strip.data if strip.flags.c_contiguous else strip.tobytes())
    finally:
        free()
        target.write(struct.pack(">I", 0))
    tell(target, ok=True, notes=picture.notes)


def tell(target: BinaryIO, **what: Any) -> None:
    """Write a line of JSON."""
    target.write(json.dumps(what).encode() + b"\n")
    target.flush()


def bound_time(seconds: int) -> None:
    """Have the system kill the process after this much more CPU time, however busy the machine is."""
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + seconds, hard))


def hurry(seconds: float) -> None:
    """Have the system end the process after this much more CPU time; 0 sets no such limit."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)


def bound_memory(size: int) -> Any:
    """Limit the process to this many bytes more than it has now; returns a function that lifts the limit."""
    if sys.platform != "linux":
        return lambda: None
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + size + _SLACK
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (hard, hard))
