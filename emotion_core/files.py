"""Files that appear when they are complete, so that nobody meets half of one, and what tells a file from another."""

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

#: What file systems take for a name, in bytes.
MAX_NAME: Final = 255
_HASH: Final = 8


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """A hidden name beside ``path`` to write to; at the end it becomes ``path``, and after an exception it is gone."""
    part = path.with_name(fitting(f".part-{uuid.uuid4().hex}-", path.name))
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def fitting(start: str, name: str, end: str = "") -> str:
    """``start + name + end``, and of a name that is too long for a file's its middle left out.

    In the place of that is a hash of the name, so that different names stay different; what the name ends
    in stays, too.
    """
    room = MAX_NAME - len(os.fsencode(start)) - len(os.fsencode(end))
    written = os.fsencode(name)
    if len(written) <= room:
        return f"{start}{name}{end}"
    mark = f"~{hashlib.sha256(written).hexdigest()[:_HASH]}~"
    rest = room - len(mark)
    head, tail = _first(name, rest - rest // 4), _first(reversed(name), rest // 4)[::-1]
    return f"{start}{head}{mark}{tail}{end}"


def _first(letters: Iterable[str], room: int) -> str:
    """So many of the letters as take no more than so many bytes."""
    kept: list[str] = []
    for letter in letters:
        room -= len(os.fsencode(letter))
        if room < 0:
            break
        kept.append(letter)
    return "".join(kept)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal; OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
