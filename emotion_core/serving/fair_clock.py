"""Fair queueing: whose work comes next, where addresses want more time than there is.

Each piece of work gets a start tag when it comes: the clock, or where its address's earlier work ends, whichever is
later; and it ends as much later as it is expected to take. The first to end comes first, but for what takes long, and
the clock stands where the last one that was begun starts. So every address gets the same share of the time while it
wants it, a short piece of work overtakes long ones, and who used what nobody else wanted owes nothing for it.

Golestani 1994, "A Self-Clocked Fair Queueing Scheme for Broadband Applications" (INFOCOM), for the order; Jin, Chase
and Kaur 2004, "Interposed Proportional Sharing for a Storage Service Utility" (SIGMETRICS), for the clock where
several are served at a time.
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
    """Tags for work, in seconds of work. Heavy work, which has places of its own, has a clock of its own. Not locked.

    What an address takes of the one counts for the other.
    """

    def __init__(self) -> None:
        #: Address -> the end of its last work; one that is not there has nothing behind the clocks.
        self._ends: dict[str, float] = {}
        self._now = {False: 0.0, True: 0.0}

    def __len__(self) -> int:
        return len(self._ends)

    def start(self, address: str, heavy: bool = False) -> float:
        """Where work of this address that came now would start."""
        return max(self._now[heavy], self._ends.get(address, 0.0))

    def came(self, work: Work) -> None:
        """Give new work its tag."""
        work.start = self.start(work.address, work.heavy)
        self._reach(work.address, work.end)

    def took(self, work: Work, seconds: float) -> None:
        """How long it took in fact; 0 if it was given up."""
        self._reach(work.address, self._ends.get(work.address, work.end) + seconds - work.seconds)

    def charge(self, address: str, seconds: float) -> None:
        """Count further time for an address."""
        self._reach(address, self.start(address) + seconds)

    def begins(self, work: Work) -> None:
        """It is this work's turn."""
        self._now[work.heavy] = max(self._now[work.heavy], work.start)

    def rests(self) -> None:
        """Nothing waits or is done: nobody owes anything."""
        self._ends.clear()

    def _reach(self, address: str, end: float) -> None:
        self._ends[address] = end
        if len(self._ends) > MOST_ADDRESSES:
            del self._ends[min(self._ends, key=lambda one: self._ends[one])]  # it owes the least
