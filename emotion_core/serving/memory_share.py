"""Memory for bodies that stay in it: the page's photos, which are never written to a file, and JSON."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from .arrival import Arrival
from .refusals import ApiError

#: What a body may take of what is free: however many come, there is something left for a small one.
_SHARE: Final = 0.5
#: A body that is so late, in seconds, comes no more as on a usual line.
_LATE: Final = 1.0


@dataclass(eq=False, slots=True)
class _Holding:
    """A body in memory."""

    address: str
    arrival: Arrival
    bytes: int = 0


class MemoryShare:
    """Counts the bytes of bodies that have come. Used by one event loop.

    most: bytes in all. What an address holds is at most half of what the others leave free: shares shrink as the
    memory fills, as places' do (``door.has_share``). Where too little is free, it gets that of a body which comes no
    more as on a usual line, of the address that holds the most, if that is more than its own: ten that say nothing
    more once they have their share would else leave nobody any.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._held: Counter[str] = Counter()
        self._holdings: set[_Holding] = set()

    @contextlib.contextmanager
    def held(self, address: str, arrival: Arrival) -> Iterator[Callable[[int], None]]:
        """Keep what has come while this is entered. Yields what to tell how many bytes those are; it may raise
        ApiError 503, when there are too many. arrival: the body's, which may be cut off.
        """
        mine = _Holding(address, arrival)
        self._holdings.add(mine)

        def come(size: int) -> None:
            if mine not in self._holdings:  # cut off while it waited for its turn
                raise ApiError(503, headers={"Retry-After": "2"})
            after = self._held[address] + size - mine.bytes
            while after > _SHARE * (self.most - self._held.total() + self._held[address]):
                if not self._cut_off_for(after):
                    raise ApiError(503, headers={"Retry-After": "2"})
            self._held[address], mine.bytes = after, size

        try:
            yield come
        finally:
            self._let_go(mine)

    def _cut_off_for(self, bytes_held: int) -> bool:
        """Cut off a body for who will hold so many bytes; returns whether there was one."""
        slow = (one for one in self._holdings if not one.arrival.whole and one.arrival.late > _LATE)
        larger = (one for one in slow if self._held[one.address] > bytes_held)
        cut = max(larger, key=lambda one: (self._held[one.address], one.arrival.late), default=None)
        if cut is None:
            return False
        cut.arrival.cut_off()
        self._let_go(cut)
        return True

    def _let_go(self, holding: _Holding) -> None:
        if holding not in self._holdings:
            return
        self._holdings.discard(holding)
        self._held[holding.address] -= holding.bytes
        if not self._held[holding.address]:
            del self._held[holding.address]
