"""One kind of request: its limits, the places that it has, who waits for one, and who loses one to others."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias

#: Where a body's bytes go: nowhere on the disk; into files without a name, which are gone when it is answered; into
#: such files and then into the visitors' folder; into the folder as they come; or all of them stay in memory.
Goes: TypeAlias = Literal["nowhere", "through", "later", "there", "memory"]

#: How often, and seconds apart, who has no place looks for one before it is refused; and how many may at a door.
_TRIES: Final = 50
_APART: Final = 0.1
MOST_WAITING: Final = 200
#: Of those who wait, how many of an address.
EACH_WAITING: Final = 8
#: Whoever is so far behind those for whom there is a place is not near it.
_NEAR: Final = 8
#: After so many tries who has no place gets one of the address that has the most.
_PATIENT: Final = 10
#: What is so far behind, in seconds, is slow: before that its first bytes may be on their way.
_SLOW: Final = 0.25
#: An answer that has lasted so long, in seconds, may lose its place where others have fewer, however fast it is read.
_LONG: Final = 5.0


class OnTheWay(Protocol):
    """What comes or goes by a connection, and holds a place meanwhile."""

    @property
    def whole(self) -> bool:
        """Whether it waits for the other end no more, or not yet."""

    @property
    def behind(self) -> float:
        """By how many seconds the other end is late: by so much even an address's only one may lose its place."""

    @property
    def lasts(self) -> float:
        """For how many seconds there is it."""

    def cut_off(self) -> None:
        """End it."""


@dataclass(eq=False)
class Door:
    """A kind of request. Used by one event loop.

    most_bytes: limit on the body. seconds: within which all of it must arrive. most, each: requests at
    once, in total and per address. held: the body is JSON and is read whole before anything else is
    done with it, so that a slow sender takes no place. advice: what to do about an oversized body.
    goes, in_memory: where its bytes go on the disk, if there are more than these.
    apart: least seconds between two that begin. evens: also who has some places gets those of others who have more.
    lasting: answers may last, and one that has lasted long loses its place to an address that has none.
    """

    most_bytes: int
    seconds: float
    most: int
    each: int
    held: bool = False
    advice: str = "Send less at a time."
    goes: Goes = "nowhere"
    in_memory: int = 0
    apart: float = 0.0
    evens: bool = False
    lasting: bool = False
    begins: float = 0.0
    inside: Counter[str] = field(default_factory=Counter)
    #: Of those inside, the bodies that came in before they had come, and the answers, with their addresses.
    ways: dict[OnTheWay, str] = field(default_factory=dict)
    #: The addresses of the requests that wait at the door, the first one first.
    waiting: dict[object, str] = field(default_factory=dict)

    async def opens(self, address: str) -> None:
        """Let a request wait a moment for a place: what is inside is soon done, or seen to be slow.

        Who has fewer places comes first. Whoever returns from this enters before the event loop goes on: others see the
        place taken.
        """
        waits = Counter(self.waiting.values())
        if not has_share(waits[address], waits.total(), EACH_WAITING, MOST_WAITING):
            return
        self.waiting[one := object()] = address
        try:
            for number in range(_TRIES):
                mine, before = self.inside[address], 0
                for other, whose in self.waiting.items():
                    if other is one:
                        break
                    before += self.inside[whose] <= mine
                if self._has_come(before, mine, patient=self.evens or number >= _PATIENT):
                    return
                await asyncio.sleep(_APART)
        finally:
            del self.waiting[one]

    def _has_come(self, before: int, mine: int, patient: bool) -> bool:
        """Whether it is the turn of an address that has so many places, and so many others before it."""
        free = self.most - self.inside.total()
        if before >= free + _NEAR or not (before < free + len(self._slow()) or (patient and not before)):
            return False
        return has_share(mine, self.inside.total(), self.each, self.most) or self._slowest(mine) is not None

    def enter(self, address: str, way: OnTheWay | None = None) -> str:
        """Take a place: returns "", or whose places are all taken. way: a body that is still to come, or the answer.

        Who has none gets that of the slowest on its way, if there is no other, and that is slow; or else of the slowest
        of the address that has the most places, or of one there that has lasted long.
        """
        mine = self.inside[address]
        if not has_share(mine, self.inside.total(), self.each, self.most) and not self._cut_slowest(mine):
            return "yours" if mine >= self.each else "everybody's"
        self.inside[address] += 1
        if way is not None:
            self.ways[way] = address
        return ""

    def _slow(self) -> list[OnTheWay]:
        return [one for one in self.ways if not one.whole and one.behind > _SLOW]

    def _further(self) -> list[OnTheWay]:
        """The bodies on their way of the addresses that have the most places, if that is more than one."""
        most = max(self.inside.values(), default=0)
        return [one for one, whose in self.ways.items() if not one.whole and self.inside[whose] == most > 1]

    def _long(self, mine: int) -> list[OnTheWay]:
        """Those of the address with the most places that have lasted long, where a place may be lost for that."""
        most = max(self.inside.values(), default=0) if self.evens or (self.lasting and not mine) else 0
        return [one for one, whose in self.ways.items() if self.inside[whose] == most > 1 and one.lasts > _LONG]

    def _slowest(self, mine: int) -> OnTheWay | None:
        """Whose place an address gets that has so many, and none comes free; None if nobody's."""
        if mine and not (self.evens and mine < self.each):
            return None
        least = mine + 2 if mine else 1
        for some in (self._slow(), self._further(), self._long(mine)):
            if some := [one for one in some if self.inside[self.ways[one]] >= least]:
                return max(some, key=lambda one: (one.behind, one.lasts))
        return None

    def _cut_slowest(self, mine: int) -> bool:
        """Cut off one, for an address that has so many places and is to have one more."""
        slowest = self._slowest(mine)
        if slowest is None:
            return False
        slowest.cut_off()
        self.leave(self.ways[slowest], slowest)
        return True

    def delay(self) -> float:
        """Seconds until the request that has just entered may begin: a burst of them is spread over time."""
        now = time.monotonic()
        self.begins = max(now, self.begins + self.apart)
        return self.begins - now

    def leave(self, address: str, way: OnTheWay | None = None) -> None:
        """Give the place back, if it was not given to another."""
        if way is not None and self.ways.pop(way, None) is None:
            return
        self.inside[address] -= 1
        if not self.inside[address]:
            del self.inside[address]


def has_share(mine: int, taken: int, each: int, most: int) -> bool:
    """Whether an address that holds ``mine`` of the places may take one more.

    No address holds more than ``each``, nor more than are free: shares shrink as places fill, so that many
    heavy users still leave places for a light one (the dynamic thresholds of Choudhury and Hahne, 1998, which
    switches use for their buffers).
    """
    return mine < min(each, most - taken)
