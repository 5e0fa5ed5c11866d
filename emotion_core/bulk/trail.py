"""Records which file a worker was reading when it died, so that a file that keeps killing it cannot stop the run."""

import os
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

#: A single death may have another cause; a file that a worker dies at twice is to blame.
DEATHS: Final = 2
_BEGIN: Final = "pid"


class Trail:
    """A small text file for one shard in one run: a line per attempt, and per file started in it.

    It is specific to the run, so that stopping and resuming runs blames no file.
    """

    def __init__(self, folder: Path, run: str, shard: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"{run}-{shard:06}"

    def deadly(self) -> set[int]:
        """Positions in the shard of the files at which earlier attempts ended ``DEATHS`` times or more."""
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
        """Yield the paths, recording each beforehand; the positions in ``passed_over`` are skipped."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            # Unbuffered, as a killed process flushes nothing.
            os.write(descriptor, f"{_BEGIN} {os.getpid()}\n".encode())
            for position, path in enumerate(paths):
                if position not in passed_over:
                    os.write(descriptor, f"{position}\n".encode())
                    yield path
        finally:
            os.close(descriptor)

    def forget(self) -> None:
        """Delete the file once the shard is finished."""
        self._path.unlink(missing_ok=True)
