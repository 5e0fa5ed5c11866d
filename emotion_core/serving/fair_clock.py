"""Fair queueing: whose work comes next, where addresses want more time than there is.

Each piece of work gets a start tag when it comes: the clock, or where its address's earlier work ends, whichever is
later; and it ends as much later as it is expected to take. The first to end comes first, but for what takes long. The
clock goes on by the time that work has taken, divided by the addresses that have any: by as much as each of them should
have got. And it is never behind the start of what was begun. So every address gets the same share of the time while it
wants it, a short piece of work overtakes long ones, and who used what nobody else wanted owes nothing for it. Addresses
that nobody has seen start at the clock: if it stood still, they would come before everybody else for ever.

Demers, Keshav and Shenker 1989, "Analysis and Simulation of a Fair Queueing Algorithm" (SIGCOMM), and Parekh and
Gallager 1993, "A Generalized Processor Sharing Approach to Flow Control" (IEEE/ACM Transactions on Networking 1), for
the clock; Golestani 1994, "A Self-Clocked Fair Queueing Scheme for Broadband Applications" (INFOCOM), and Jin, Chase
and Kaur 2004, "Interposed Proportional Sharing for a Storage Service Utility" (SIGMETRICS), for the rest.
"""

from dataclasses import dataclass
from typing import Final

#: Work that is expected to take longer than this, in seconds, is put back no further: a large photo would wait for all
#: the small ones that others send meanwhile.
LONG_SECONDS: Final = 0.3
#: How many addresses are remembered.
MOST_ADDRESSES: Final = 1000


@dataclass(eq=False, slots=True)
class Work:
    """One piece of work. seconds: that it is expected to take. start: on the clock."""

    address: str
    heavy: bool
    seconds: float
    start: float = 0.0

    @property
    def end(self) -> float:
        """On the clock."""
        return self.start + self.seconds

    @property
    def rank(self) -> float:
        """The least comes first."""
        return self.start + min(self.seconds, LONG_SECONDS)


class FairClock:
    """Tags for work, in seconds of work. Not locked."""

    def __init__(self) -> None:
        #: Address -> the end of its last work; one that is not there has nothing behind the clock.
        self._ends: dict[str, float] = {}
        self._now = 0.0

    def __len__(self) -> int:
        return len(self._ends)

    def start(self, address: str) -> float:
        """Where work of this address that came now would start."""
        return max(self._now, self._ends.get(address, 0.0))

    def owed(self, address: str) -> float:
        """By how much that is later than the clock."""
        return self.start(address) - self._now

    def came(self, work: Work) -> None:
        """Give new work its tag."""
        work.start = self.start(work.address)
        self._reach(work.address, work.end)

    def took(self, work: Work, seconds: float, among: int) -> None:
        """How long it took in fact; 0 if it was given up. among: addresses that have work, its own with them."""
        self._reach(work.address, self._ends.get(work.address, work.end) + seconds - work.seconds)
        self._now += seconds / among

    def charge(self, address: str, seconds: float) -> None:
        """Count further time for an address."""
        self._reach(address, self.start(address) + seconds)

    def begins(self, work: Work) -> None:
        """It is this work's turn."""
        self._now = max(self._now, work.start)

    def rests(self) -> None:
        """Nothing waits or is done: nobody owes anything."""
        self._ends.clear()

    def _reach(self, address: str, end: float) -> None:
        self._ends[address] = end
        if len(self._ends) > MOST_ADDRESSES:
            del self._ends[min(self._ends, key=lambda one: self._ends[one])]  # it owes the least
