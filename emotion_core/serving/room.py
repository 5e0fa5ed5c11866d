"""The disk's room for what visitors send: what lies there, what is on its way, and whose it is."""

import contextlib
import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from .door import Door, Goes
from .refusals import ApiError, no_room
from .results_room import free_bytes
from .temporary import ShortLivedFolder

#: How long a count of the folder's files stays valid, in seconds, and how long one is waited for: of thousands of
#: files it takes a tenth of a second and more.
_COUNT_SECONDS: Final = 1.0
_WAIT_SECONDS: Final = 0.02
#: Bytes that a file takes at least: nineteen thousand tiny ones came in half a minute.
FILE_BYTES: Final = 1_000_000
#: How long an upload may lie there, as a multiple of the folder's: its sweeper comes every quarter of that.
_LIES: Final = 1.25
_YOURS: Final = "Your files of the last minutes take all the room that one address may have. Try again in two minutes."


#: To be told how many files there are of the current request by now; may raise ApiError.
TELL_FILES: ContextVar[Callable[[int], None]] = ContextVar("tell_files", default=lambda _: None)


@dataclass(eq=False, slots=True)
class Arriving:
    """A body on its way. size: bytes that are kept free for it. come: those that came by now, counted as Room does;
    at_count, counted: those that came by the folder's count that began last, and that ended last.
    """

    address: str
    goes: Goes
    size: int = 0
    come: int = 0
    at_count: int = 0
    counted: int = 0
    bytes: int = 0
    files: int = 0


class Room:
    """Keeps room for bodies. Used by one event loop.

    Uploads, on their way or there, take ``most_bytes`` of the folder at most; results have a room of their own
    (``results_room``). No address holds more than half of that, nor more than is free, but a single upload of any size:
    shares shrink as the room fills, as places' do (``door.has_share``). What goes through needs room on the disk
    alone. A small file counts as one of ``FILE_BYTES``.
    """

    def __init__(self, files: ShortLivedFolder, clock: Callable[[], float] = time.monotonic) -> None:
        self._files, self._clock = files, clock
        self._arriving: set[Arriving] = set()
        #: Those that ended since the last count, and since one began that goes on.
        self._ended: list[Arriving] = []
        self._ended_since: list[Arriving] = []
        self._counter = ThreadPoolExecutor(1, "room")
        self._count: Future[int] | None = None
        #: (Second in which it will be gone, address) -> bytes that lie there, and the bytes of each address.
        self._lying: OrderedDict[tuple[int, str], int] = OrderedDict()
        self._whose: Counter[str] = Counter()
        self._counted, self._bytes = -math.inf, 0

    @contextlib.contextmanager
    def kept(self, door: Door, size: int, address: str) -> Iterator[Callable[[int], None]]:
        """Keep room for a body of so many bytes while this is entered. Yields what to tell how many have come, in all.

        Both raise ApiError 503 when there is no room; more may come than were kept.
        """
        one = Arriving(address, door.goes)
        least = math.inf if door.goes == "nowhere" else door.in_memory

        def take() -> None:
            size = max(one.bytes, one.files * FILE_BYTES)
            if size > least:
                self._grow(one, size)
                one.come = size

        def come(size: int) -> None:
            one.bytes = size
            take()

        def tell(files: int) -> None:
            one.files = files
            take()

        if size > least:
            self._grow(one, size)
        self._arriving.add(one)
        told = TELL_FILES.set(tell)
        try:
            yield come
        finally:
            TELL_FILES.reset(told)
            self._arriving.discard(one)
            self._end(one)

    def _end(self, one: Arriving) -> None:
        if one.goes in ("later", "there") and one.come:
            one.size = one.come
            (self._ended if self._count is None else self._ended_since).append(one)
            gone = math.ceil(self._clock() + _LIES * self._files.seconds), one.address
            self._lying[gone] = self._lying.get(gone, 0) + one.come
            self._whose[one.address] += one.come

    def _grow(self, one: Arriving, size: int) -> None:
        """Keep so many bytes for it in all."""
        more = size - one.size
        if more <= 0:
            return
        if sum(other.size - other.come for other in self._arriving) + more > free_bytes(self._files.path):
            raise no_room()
        if one.goes != "through":
            self._share(one, more)
        one.size = size

    def _share(self, one: Arriving, more: int) -> None:
        free = self._files.most_bytes - self._taken()
        if more > free:
            raise no_room()
        mine = self._mine(one.address)  # one's own among them, once it is on its way
        if mine > one.size and mine + more > min(self._files.most_bytes // 2, free):
            raise ApiError(503, _YOURS, code="no_room", headers={"Retry-After": "60"})

    def _mine(self, address: str) -> int:
        now = self._clock()
        while self._lying and next(iter(self._lying))[0] <= now:
            (_, whose), size = self._lying.popitem(last=False)
            self._whose[whose] -= size
            if not self._whose[whose]:
                del self._whose[whose]
        arriving = (one for one in self._arriving if one.address == address and one.goes != "through")
        return self._whose[address] + sum(one.size for one in arriving)

    def _taken(self) -> int:
        """Bytes of the folder, and those that will be in it and were not when it was counted."""
        now = self._clock()
        if self._count is None and now - self._counted > _COUNT_SECONDS:
            for one in self._arriving:
                one.at_count = one.come if one.goes == "there" else 0
            self._counted, self._count = now, self._counter.submit(self._files.size, FILE_BYTES)
            wait([self._count], _WAIT_SECONDS)
        if self._count is not None and self._count.done():
            self._bytes, self._count = self._count.result(), None
            self._ended, self._ended_since = self._ended_since, []
            for one in (*self._arriving, *self._ended):
                one.counted = one.at_count
        kept = (one for one in (*self._arriving, *self._ended, *self._ended_since) if one.goes != "through")
        return self._bytes + sum(one.size - one.counted for one in kept)
