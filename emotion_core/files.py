"""Files that appear when they are complete: whoever reads a folder never meets half of one."""

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
