"""Memory for photos on their way: the page's are never written to a file."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Final

from .refusals import ApiError

#: What a body may take of what is free: however many come, there is something left for a small one.
_SHARE: Final = 0.5


class MemoryShare:
    """Counts the bytes of bodies that have come. Used by one event loop.

    most: bytes in all. What an address holds is at most half of what the others leave free: shares shrink as the
    memory fills, as places' do (``doors.has_share``).
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._held: Counter[str] = Counter()

    @contextlib.contextmanager
    def held(self, address: str) -> Iterator[Callable[[int], None]]:
        """Keep what has come while this is entered. Yields what to tell how many bytes those are; it may raise
        ApiError 503, when there are too many.
        """
        mine = 0

        def come(size: int) -> None:
            nonlocal mine
            of_address = self._held[address] + size - mine
            if of_address > _SHARE * (self.most - self._held.total() + self._held[address]):
                raise ApiError(503, headers={"Retry-After": "2"})
            self._held[address], mine = of_address, size

        try:
            yield come
        finally:
            self._held[address] -= mine
            if not self._held[address]:
                del self._held[address]
