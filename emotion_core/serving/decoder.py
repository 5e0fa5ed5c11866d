"""The program that decodes strangers' pictures, in a process of its own: it can be ended, and its memory is bounded.

    out:  a line of JSON: {"ok"}, once it is ready
    in:   4 bytes, the picture's length, big-endian; the picture
    out:  a line of JSON: {"width", "height", "memory", "work"} or {"error"}
    in:   "+", or "-" to have it measured only
    out:  rows of RGB; a line "ok", or what went wrong in place of the rest

and so on, one picture after the other, until the input ends.
"""

import io
import json
import os
import struct
import sys
import time
from pathlib import Path
from typing import Any, BinaryIO

from ..errors import EmotionError, ImageLimitError
from ..images import Picture, opened

#: Beyond what a picture should take, in bytes: tables, buffers, and what was mapped and is not used.
_SLACK = 128 << 20
#: Of work on one picture.
CPU_SECONDS = 8


def main(niceness: int = 0) -> None:
    """Serve until the input ends. niceness: how far it stands back for other processes, as of nice(1)."""
    if niceness and sys.platform != "win32":
        os.nice(niceness)
    source, target = sys.stdin.buffer, sys.stdout.buffer
    tell(target, ok=True)
    while len(head := source.read(4)) == 4:
        answer(source.read(struct.unpack(">I", head)[0]), source, target)


def answer(data: bytes, source: BinaryIO, target: BinaryIO) -> None:
    """Decode one picture; what is wrong with it is told, never raised."""
    try:
        bound_time()
        with opened(io.BytesIO(data)) as picture:
            cost = picture.cost
            tell(target, width=picture.width, height=picture.height, memory=cost.memory, work=cost.work)
            if source.read(1) == b"+":
                send(picture, target)
    except EmotionError as error:
        limit = (error.limit_name, error.measured, error.limit) if isinstance(error, ImageLimitError) else None
        tell(target, error=str(error), limit=limit)


def send(picture: Picture, target: BinaryIO) -> None:
    """The rows, each group with its length in bytes before it; a length of 0 is the end."""
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
    """A line of JSON."""
    target.write(json.dumps(what).encode() + b"\n")
    target.flush()


def bound_time() -> None:
    """Have the system end the process when it has worked so many seconds more, however busy the machine is."""
    if sys.platform != "win32":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + 1 + CPU_SECONDS, hard))


def bound_memory(size: int) -> Any:
    """Let the process have so many bytes more than it has now; what takes the bound away again."""
    if sys.platform != "linux":
        return lambda: None
    import resource

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + size + _SLACK
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (hard, hard))


if __name__ == "__main__":
    main()
