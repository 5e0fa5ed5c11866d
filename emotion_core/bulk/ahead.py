"""Reads pictures from a store a few ahead of the one that is looked at, as each waits for its answer."""

from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import takewhile
from typing import Final

from .find import is_video, real
from .places import is_address, read

#: A picture's file in a store may have so many bytes: it is held in memory.
MOST: Final = 128 * 2**20
_THREADS: Final = 8
#: Pictures that are read or waiting at a time.
_AHEAD: Final = 8


def given(path: str) -> str | bytes:
    """What ``load_image`` takes: the path on this machine, or the bytes from a store.

    Raises OSError for a store's file that cannot be read, ImageLimitError for one that is too large.
    """
    return read(path, MOST) if is_address(path) else real(path)


class Ahead:
    """``given`` for the files of a shard, which are asked for in this order; some may be left out.

    A context manager, which gives up what is still being read.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._left = deque(path for path in paths if is_address(path) and not is_video(path))
        self._reading: dict[str, Future[bytes]] = {}
        self._threads = ThreadPoolExecutor(_THREADS, "ahead") if self._left else None

    def __enter__(self) -> "Ahead":
        return self

    def __exit__(self, *error: object) -> None:
        if self._threads:
            self._threads.shutdown(wait=False, cancel_futures=True)

    def __call__(self, path: str) -> str | bytes:
        """As ``given``."""
        if self._threads is None or not is_address(path):
            return given(path)
        for left_out in takewhile(lambda name: name != path, list(self._reading) if path in self._reading else ()):
            del self._reading[left_out]
        while self._left and len(self._reading) < _AHEAD:
            following = self._left.popleft()
            self._reading[following] = self._threads.submit(read, following, MOST)
        found = self._reading.pop(path, None)
        return given(path) if found is None else found.result()
