"""The one bound on work: how many pictures are decoded and analysed at a time, in how much memory, in which order.

Whichever door a picture comes by, it waits here. Among those who wait, the one whose address has the least
work under way comes first, and one address never has every place: whoever sends a thousand pictures waits
behind himself, not before everybody else.
"""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from ..errors import BusyError

#: Who may wait at a time, and how many of one address; each holds a thread of the server.
MOST_WAITING: Final = 48
EACH_WAITING: Final = 8
#: How long a picture waits for its turn, in seconds.
PATIENCE: Final = 15.0
_BUSY: Final = "The server is busy with other pictures. Try again in a few seconds."


@dataclass(eq=False, slots=True)
class _Ticket:
    address: str


class Places:
    """Places for work. Safe to share between threads.

    most: at a time. memory: bytes that all of them may take together.
    """

    def __init__(self, most: int, memory: int, patience: float = PATIENCE) -> None:
        self.most, self.memory = most, memory
        self.each = max(1, most - 1)
        self._patience = patience
        self._line: list[_Ticket] = []
        self._working: Counter[str] = Counter()
        self._used = 0
        self._changed = threading.Condition()

    @contextmanager
    def place(self, address: str = "", patience: float | None = None) -> Iterator[None]:
        """Hold a place while this is entered. Raises BusyError when it does not come in time.

        patience: how long to wait at most, in seconds.
        """
        self._enter(address, self._patience if patience is None else patience)
        try:
            yield
        finally:
            with self._changed:
                self._working[address] -= 1
                if not self._working[address]:
                    del self._working[address]
                self._changed.notify_all()

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        """Hold ``size`` bytes of the memory while this is entered; BusyError when they are not free in time."""
        size = min(size, self.memory)
        with self._changed:
            if not self._changed.wait_for(lambda: self._used + size <= self.memory, self._patience):
                raise BusyError(_BUSY)
            self._used += size
        try:
            yield
        finally:
            with self._changed:
                self._used -= size
                self._changed.notify_all()

    def _enter(self, address: str, patience: float) -> None:
        ticket = _Ticket(address)
        with self._changed:
            of_address = sum(other.address == address for other in self._line)
            if len(self._line) >= MOST_WAITING or of_address >= EACH_WAITING:
                raise BusyError(_BUSY)
            self._line.append(ticket)
            try:
                if not self._changed.wait_for(lambda: self._next() is ticket, patience):
                    raise BusyError(_BUSY)
                self._working[address] += 1
            finally:
                self._line.remove(ticket)
                self._changed.notify_all()

    def _next(self) -> _Ticket | None:
        if self._working.total() >= self.most:
            return None
        first = min(self._line, key=lambda ticket: self._working[ticket.address], default=None)
        return None if first is None or self._working[first.address] >= self.each else first
