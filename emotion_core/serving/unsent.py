"""The memory of answers that wait for their readers, over all connections.

Each takes no more than its answer, but two thousand of them took a gigabyte: of pages that differ in their address, or
of photos' answers.
"""

import time
from collections import Counter
from typing import Any, Final, Protocol

#: Bytes of answers that wait for their readers on all connections; what several wait for counts once.
MOST_UNSENT: Final = 80_000_000
#: Down to this share of it connections are ended once there is more.
_AFTERWARDS: Final = 0.9
#: Whoever has read something in so many seconds is ended after those who have not, however much waits for it.
_READS: Final = 1.0


class Keeping(Protocol):
    """A connection that keeps what waits for its reader."""

    address: str
    #: The ``time.monotonic()`` at which something of it was read.
    read_at: float

    def abort(self) -> None:
        """End it, and ``remove`` all that it keeps."""


class Unsent:
    """What waits for its readers on a server's connections, in bytes. Used by one event loop."""

    def __init__(self, most: int = MOST_UNSENT) -> None:
        self._most, self.bytes = most, 0
        self._readers: Counter[int] = Counter()
        self._kept: dict[Keeping, list[Any]] = {}

    def add(self, connection: Keeping, data: Any) -> None:
        """The connection keeps this from now on; if it is too much, the slowest of the address with most are ended."""
        self._kept.setdefault(connection, []).append(data)
        self._readers[id(data)] += 1
        self.bytes += len(data) if self._readers[id(data)] == 1 else 0
        if self.bytes > self._most:
            while self.bytes > self._most * _AFTERWARDS:
                self._end_some()

    def remove(self, connection: Keeping, data: Any) -> None:
        """The connection keeps this no more."""
        kept = self._kept[connection]
        del kept[next(place for place, one in enumerate(kept) if one is data)]
        if not kept:
            del self._kept[connection]
        self._readers[id(data)] -= 1
        if not self._readers[id(data)]:
            del self._readers[id(data)]
            self.bytes -= len(data)

    def _end_some(self) -> None:
        """Of the address that keeps most, end those that keep most of it, the slowest first, until it is enough.

        Of who reads and who does not, of one address, the latter are ended.
        What a thousand others wait for, too, would stay. All of them are looked at once, as everybody waits meanwhile.
        """
        kept = {one: sum(len(data) / self._readers[id(data)] for data in kept) for one, kept in self._kept.items()}
        shares: Counter[str] = Counter()
        for connection, size in kept.items():
            shares[connection.address] += size  # type: ignore[assignment]  # a Counter of floats
        [(address, _)] = shares.most_common(1)
        theirs = [connection for connection in kept if connection.address == address]
        reads = time.monotonic() - _READS
        theirs = [connection for connection in theirs if connection.read_at < reads] or theirs
        least = max(map(kept.__getitem__, theirs)) / 2
        for connection in sorted(theirs, key=lambda one: one.read_at):
            if self.bytes <= self._most * _AFTERWARDS:
                break
            if kept[connection] >= least:
                connection.abort()
