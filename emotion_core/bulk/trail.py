"""Which file a worker was reading when it died: one that kills it again and again must not stop the run."""

import os
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

#: A worker may die of something else, and once of that. A file that it dies at again is to blame.
DEATHS: Final = 2
_BEGIN: Final = "pid"


class Trail:
    """A small text file of one shard, in one run: a line for each attempt, and for each file begun in it.

    It belongs to the run as well as to the shard: runs that were stopped and taken up again blame no file.
    """

    def __init__(self, folder: Path, run: str, shard: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{run}-{shard:06}"

    def deadly(self) -> set[int]:
        """The positions in the shard of the files that earlier attempts ended at, ``DEATHS`` times or more."""
        if not self._path.is_file():
            return set()
        ends: Counter[int] = Counter()
        last: int | None = None
        for line in [*self._path.read_text().splitlines(), _BEGIN]:
            if line.startswith(_BEGIN):
                ends.update([] if last is None else [last])
                last = None
            else:
                last = int(line)
        return {position for position, deaths in ends.items() if deaths >= DEATHS}

    def follow(self, paths: Sequence[str], passed_over: set[int]) -> Generator[str, None, None]:
        """The paths, each noted down before it is handed out; ``passed_over`` are left out."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            # Straight to the system, as a process that is killed writes no buffer.
            os.write(descriptor, f"{_BEGIN} {os.getpid()}\n".encode())
            for position, path in enumerate(paths):
                if position not in passed_over:
                    os.write(descriptor, f"{position}\n".encode())
                    yield path
        finally:
            os.close(descriptor)

    def forget(self) -> None:
        """The shard is finished."""
        self._path.unlink(missing_ok=True)
