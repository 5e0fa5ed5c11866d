"""Atomic file writing, file names that fit the file system, and file hashes."""

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

#: Longest file name that file systems allow, in bytes.
MAX_NAME: Final = 255
_HASH: Final = 8


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """A hidden temporary path next to ``path``: renamed to ``path`` on success, deleted after an exception."""
    part = path.with_name(fitting(f".part-{uuid.uuid4().hex}-", path.name))
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def fitting(start: str, name: str, end: str = "") -> str:
    """``start + name + end``, with the middle of ``name`` cut out if the result is too long for a file name.

    A hash of the name replaces the middle, so that different names stay different; the name's ending is
    kept.
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
    """The longest prefix of the letters that fits into ``room`` bytes."""
    kept: list[str] = []
    for letter in letters:
        room -= len(os.fsencode(letter))
        if room < 0:
            break
        kept.append(letter)
    return "".join(kept)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal; OSError if it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
