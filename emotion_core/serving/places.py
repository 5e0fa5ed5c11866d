"""The limit on work: how many pictures are decoded and analysed at once, in how much memory, and in which order.

Every picture waits here, however it came in. Addresses get the same time (see ``fair_clock``), and one address never
has every place: a client that sends a thousand pictures waits behind itself, not ahead of everybody else. Heavy work
(long or memory-hungry) gets at most half of the places, and none of the memory kept for light work: however many large
pictures there are, a small one waits only for small ones. Each of the two kinds is shared for itself, by a clock of its
own, and where both wait they come in turn.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from ..errors import BusyError
from .door import has_share
from .fair_clock import FairClock, Work

#: How many may wait at once, in total and per address; each holds a thread of the server.
MOST_WAITING: Final = 48
EACH_WAITING: Final = 8
#: How long a picture waits for its turn, in seconds.
PATIENCE: Final = 15.0
#: What a small picture takes, about, in seconds.
USUAL_SECONDS: Final = 0.1
_BUSY: Final = "The server is busy with other pictures. Try again in a few seconds."


@dataclass(eq=False, slots=True)
class _Size:
    """Bytes of memory that an address wants."""

    address: str
    bytes: int
    heavy: bool


class _Waiting(Protocol):
    @property
    def address(self) -> str: ...


W = TypeVar("W", bound=_Waiting)
#: Whether the sender of what this thread works on has gone: then it waits for no turn any more.
HAS_GONE: ContextVar[Callable[[], bool]] = ContextVar("has_gone", default=lambda: False)
#: Between two looks for that, in seconds.
_LOOK_SECONDS: Final = 0.2


class Places:
    """Places for work. Safe to share between threads.

    most: at once. memory: bytes that heavy work may take in total. kept: further bytes for light work, which
    may also use what heavy work leaves free.

    What others take of the memory is lent: heavy work then has less, but never less than half, or it would wait as
    long as a video takes.
    """

    def __init__(self, most: int, memory: int, patience: float = PATIENCE, kept: int = 0) -> None:
        self.most, self.memory, self.kept = most, memory, kept
        self.each, self.heavy = max(1, most - 1), max(1, most // 2)
        self._patience = patience
        self._line: list[Work] = []
        self._sizes: list[_Size] = []
        self._working: list[Work] = []
        self._used = self._heavy_used = 0
        self._lent: dict[object, int] = {}
        self._clock, self._heavy_clock = FairClock(), FairClock()
        self._heavy_last = False
        self._changed = threading.Condition()

    @contextmanager
    def place(
        self, address: str = "", patience: float | None = None, heavy: bool = False, seconds: float = USUAL_SECONDS
    ) -> Iterator[None]:
        """Hold a place while this is entered. Raises BusyError when none comes free in time.

        patience: longest wait in seconds. heavy: the work takes long. seconds: that it is expected to take.
        """
        work = Work(address, heavy, seconds)
        self._enter(work, self._patience if patience is None else patience)
        start = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                self._working.remove(work)
                self._ended(work, time.monotonic() - start)

    @contextmanager
    def room(self, size: int, address: str = "", heavy: bool = True) -> Iterator[None]:
        """Hold ``size`` bytes of the memory while this is entered; BusyError when they do not come free in time.

        Of the requests that fit, the one whose address owes the least comes first. heavy: may not use the memory kept
        for light work.
        """
        size = min(size, self.memory)
        with self._changed:
            self._wait(self._sizes, _Size(address, size, heavy), self._next_size, self._patience)
            self._used += size
            self._heavy_used += size * heavy
        try:
            yield
        finally:
            with self._changed:
                self._used -= size
                self._heavy_used -= size * heavy
                self._changed.notify_all()

    def lend(self, borrower: object, size: int) -> None:
        """Take so many bytes of heavy work's memory, from now on, without waiting; 0 gives them back."""
        with self._changed:
            if self._lent.get(borrower, 0) != size:
                self._lent[borrower] = size
                if not size:
                    del self._lent[borrower]
                self._changed.notify_all()

    def settle(self, given_up: Callable[[], bool]) -> None:
        """Wait until heavy work that began earlier leaves what is lent, or ``given_up``: no other begins meanwhile."""
        with self._changed:
            while self._heavy_used > self._heavy_memory() and not given_up():
                self._changed.wait(_LOOK_SECONDS)

    def charge(self, address: str, seconds: float, heavy: bool = False) -> None:
        """Count this time for the address: its next work, of that kind, comes after that of others."""
        with self._changed:
            (self._heavy_clock if heavy else self._clock).charge(address, seconds)

    def _enter(self, work: Work, patience: float) -> None:
        with self._changed:
            clock = self._clock_of(work)
            clock.came(work)
            try:
                self._wait(self._line, work, self._next, patience)
            except BusyError:
                self._ended(work, 0.0)
                raise
            self._working.append(work)
            clock.begins(work)
            self._heavy_last = work.heavy

    def _ended(self, work: Work, seconds: float) -> None:
        present: list[Work | _Size] = [*self._line, *self._sizes, *self._working, work]
        among = {one.address for one in present if one.heavy == work.heavy}
        self._clock_of(work).took(work, seconds, len(among))
        if not (self._line or self._sizes or self._working):
            self._clock.rests()
            self._heavy_clock.rests()
        self._changed.notify_all()

    def _clock_of(self, one: Work | _Size) -> FairClock:
        return self._heavy_clock if one.heavy else self._clock

    def _wait(self, line: list[W], one: W, first: Callable[[], W | None], patience: float) -> None:
        waiting = [work.address for work in self._line] + [size.address for size in self._sizes]
        if not has_share(waiting.count(one.address), len(waiting), EACH_WAITING, MOST_WAITING):
            raise BusyError(_BUSY)
        line.append(one)
        try:
            end, has_gone = time.monotonic() + patience, HAS_GONE.get()
            while not self._changed.wait_for(lambda: first() is one, min(_LOOK_SECONDS, end - time.monotonic())):
                if has_gone() or time.monotonic() >= end:
                    raise BusyError(_BUSY)
        finally:
            line.remove(one)
            self._changed.notify_all()

    def _next_size(self) -> _Size | None:
        fitting = [size for size in self._sizes if self._fits(size)]
        return min(fitting, key=lambda size: self._clock_of(size).owed(size.address), default=None)

    def _heavy_memory(self) -> int:
        return self.memory - min(sum(self._lent.values()), self.memory // 2 - 1)

    def _fits(self, size: _Size) -> bool:
        if size.heavy and self._heavy_used + size.bytes > self._heavy_memory():
            return False
        return self._used + size.bytes <= self.memory + self.kept

    def _next(self) -> Work | None:
        if len(self._working) >= self.most:
            return None
        of_address = Counter(work.address for work in self._working)
        heavy = sum(work.heavy for work in self._working)
        allowed = [
            work
            for work in self._line
            if of_address[work.address] < self.each and not (work.heavy and heavy >= self.heavy)
        ]
        return min(allowed, key=lambda work: (work.heavy == self._heavy_last, work.rank), default=None)
