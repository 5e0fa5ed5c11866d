"""Files that appear when they are complete, so that nobody meets half of one, and what tells a file from another."""

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def unfinished(path: Path) -> Iterator[Path]:
    """A hidden name beside ``path`` to write to; at the end it becomes ``path``, and after an exception it is gone."""
    part = path.with_name(f".part-{uuid.uuid4().hex}-{path.name}")
    try:
        yield part
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal; OSError where it cannot be read."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
