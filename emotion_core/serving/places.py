"""The limit on work: how many pictures are decoded and analysed at once, in how much memory, and in which order.

Every picture waits here, however it came in. The first is the one whose address has the least work in progress,
then the one whose address took the least time recently, and one address never has every place: a client that
sends a thousand pictures waits behind itself, not ahead of everybody else. Heavy work (long or memory-hungry)
gets at most half of the places, and none of the memory kept for light work: however many large pictures there
are, a small one waits only for small ones.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from ..errors import BusyError
from .doors import has_share

#: How many may wait at once, in total and per address; each holds a thread of the server.
MOST_WAITING: Final = 48
EACH_WAITING: Final = 8
#: How long a picture waits for its turn, in seconds.
PATIENCE: Final = 15.0
#: Half-life, in seconds, of the time counted for an address, and how many addresses are remembered.
HALF_LIFE: Final = 30.0
MOST_ADDRESSES: Final = 1000
_BUSY: Final = "The server is busy with other pictures. Try again in a few seconds."


@dataclass(eq=False, slots=True)
class _Ticket:
    address: str
    size: int = 0
    heavy: bool = False


class Places:
    """Places for work. Safe to share between threads.

    most: at once. memory: bytes that heavy work may take in total. kept: further bytes for light work, which
    may also use what heavy work leaves free.
    """

    def __init__(self, most: int, memory: int, patience: float = PATIENCE, kept: int = 0) -> None:
        self.most, self.memory, self.kept = most, memory, kept
        self.each, self.heavy = max(1, most - 1), max(1, most // 2)
        self._patience = patience
        self._line: list[_Ticket] = []
        self._sizes: list[_Ticket] = []
        self._working: Counter[str] = Counter()
        self._heavy_working = self._used = self._heavy_used = 0
        #: Address -> seconds it took recently, and the time.monotonic() of that count.
        self._took: dict[str, tuple[float, float]] = {}
        self._changed = threading.Condition()

    @contextmanager
    def place(self, address: str = "", patience: float | None = None, heavy: bool = False) -> Iterator[None]:
        """Hold a place while this is entered. Raises BusyError when none comes free in time.

        patience: longest wait in seconds. heavy: the work takes long.
        """
        self._enter(address, self._patience if patience is None else patience, heavy)
        start = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                self._remember(address, time.monotonic() - start)
                self._heavy_working -= heavy
                self._working[address] -= 1
                if not self._working[address]:
                    del self._working[address]
                self._changed.notify_all()

    @contextmanager
    def room(self, size: int, address: str = "", heavy: bool = True) -> Iterator[None]:
        """Hold ``size`` bytes of the memory while this is entered; BusyError when they do not come free in time.

        Of the requests that fit, the one whose address took the least time recently comes first. heavy: may not
        use the memory kept for light work.
        """
        size = min(size, self.memory)
        with self._changed:
            self._wait(self._sizes, _Ticket(address, size, heavy), self._next_size, self._patience)
            self._used += size
            self._heavy_used += size * heavy
        try:
            yield
        finally:
            with self._changed:
                self._used -= size
                self._heavy_used -= size * heavy
                self._changed.notify_all()

    def charge(self, address: str, seconds: float) -> None:
        """Count this time for the address at once: its next work comes after that of others."""
        with self._changed:
            self._remember(address, seconds)

    def _enter(self, address: str, patience: float, heavy: bool = False) -> None:
        with self._changed:
            self._wait(self._line, _Ticket(address, heavy=heavy), self._next, patience)
            self._working[address] += 1
            self._heavy_working += heavy

    def _wait(self, line: list[_Ticket], ticket: _Ticket, first: Callable[[], _Ticket | None], patience: float) -> None:
        waiting = [*self._line, *self._sizes]
        of_address = sum(other.address == ticket.address for other in waiting)
        if not has_share(of_address, len(waiting), EACH_WAITING, MOST_WAITING):
            raise BusyError(_BUSY)
        line.append(ticket)
        try:
            if not self._changed.wait_for(lambda: first() is ticket, patience):
                raise BusyError(_BUSY)
        finally:
            line.remove(ticket)
            self._changed.notify_all()

    def _next_size(self) -> _Ticket | None:
        fitting = [ticket for ticket in self._sizes if self._fits(ticket)]
        return min(fitting, key=lambda ticket: self._lately(ticket.address), default=None)

    def _fits(self, ticket: _Ticket) -> bool:
        if ticket.heavy and self._heavy_used + ticket.size > self.memory:
            return False
        return self._used + ticket.size <= self.memory + self.kept

    def _rank(self, ticket: _Ticket) -> tuple[int, float]:
        return self._working[ticket.address], self._lately(ticket.address)

    def _lately(self, address: str) -> float:
        seconds, then = self._took.get(address, (0.0, 0.0))
        return float(seconds * 0.5 ** ((time.monotonic() - then) / HALF_LIFE))

    def _remember(self, address: str, seconds: float) -> None:
        lately = self._lately(address) + seconds
        self._took.pop(address, None)
        if len(self._took) >= MOST_ADDRESSES:
            del self._took[next(iter(self._took))]  # the one quiet for longest
        self._took[address] = lately, time.monotonic()

    def _next(self) -> _Ticket | None:
        if self._working.total() >= self.most:
            return None
        allowed = [ticket for ticket in self._line if not ticket.heavy or self._heavy_working < self.heavy]
        first = min(allowed, key=self._rank, default=None)
        return None if first is None or self._working[first.address] >= self.each else first
