"""Records which file a worker was reading when it died, so that a file that keeps killing it cannot stop the run."""

import os
import uuid
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final, Protocol

from .folder import Folder

TRAILS: Final = ".trails"
#: A single death may have another cause; a file that a worker dies at twice is to blame.
DEATHS: Final = 2
_BEGIN: Final = "pid"


class Trail(Protocol):
    """What is known of the attempts at one shard in one run."""

    def deadly(self) -> set[int]:
        """Positions in the shard of the files at which earlier attempts ended ``DEATHS`` times or more."""

    def follow(self, paths: Sequence[str], passed_over: set[int]) -> Generator[str, None, None]:
        """Yield the paths, recording each beforehand; the positions in ``passed_over`` are skipped."""

    def forget(self) -> None:
        """Delete it once the shard is finished."""


def trail_of(folder: Folder, run: str, shard: int) -> Trail:
    """The trail of a shard in OUT."""
    name = f"{run}-{shard:06}"
    return StoreTrail(folder, name) if folder.local is None else LocalTrail(folder.local / TRAILS, name)


class LocalTrail:
    """A small text file for one shard in one run: a line per attempt, and per file started in it.

    It is specific to the run, so that stopping and resuming runs blames no file.
    """

    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / name

    def deadly(self) -> set[int]:
        """Positions in the shard of the files at which earlier attempts ended ``DEATHS`` times or more."""
        if not self._path.is_file():
            return set()
        ends: list[int] = []
        last: int | None = None
        for line in [*self._path.read_text().splitlines(), _BEGIN]:
            if line.startswith(_BEGIN):
                ends += [] if last is None else [last]
                last = None
            else:
                last = int(line)
        return _often(ends)

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


class StoreTrail:
    """The same in a store, where nothing can be appended: a file for each attempt.

    To write one for each picture would take longer than to score it. So the first ``DEATHS`` attempts only say that
    they began; those after them, of which there are few, record every file.
    """

    def __init__(self, folder: Folder, name: str) -> None:
        self._folder, self._name = folder, f"{TRAILS}/{name}"

    def _attempts(self) -> list[str]:
        return self._folder.files(self._name)

    def deadly(self) -> set[int]:
        """As ``Trail`` says."""
        ends = [self._folder.read(name).decode() for name in self._attempts()]
        return _often([int(position) for position in ends if position])

    def follow(self, paths: Sequence[str], passed_over: set[int]) -> Generator[str, None, None]:
        """As ``Trail`` says."""
        careful, name = len(self._attempts()) >= DEATHS, f"{self._name}/{uuid.uuid4().hex}"
        self._folder.write(name, "")
        for position, path in enumerate(paths):
            if position not in passed_over:
                if careful:
                    self._folder.write(name, str(position))
                yield path

    def forget(self) -> None:
        """Delete the files."""
        for name in self._attempts():
            self._folder.remove(name)


def _often(ends: Sequence[int]) -> set[int]:
    return {position for position, deaths in Counter(ends).items() if deaths >= DEATHS}
