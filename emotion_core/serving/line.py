"""The queue for the single video worker, shared by every way a video can come in."""

import threading
from collections import Counter
from types import TracebackType
from typing import Final, Self

from ..errors import BusyError
from .door import has_share

_FULL: Final = "All places for videos are taken. Try again in a few minutes."
_OWN: Final = "As many of your videos are waiting as may at a time. Try again when one of them is done."


class Line:
    """A queue of at most ``places`` videos, the one being processed included. Safe to share between threads.

    A video still being uploaded holds a place but keeps nobody waiting: turns go in the order of ``stand``, the first
    of every address before anybody's second.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self._held: list[Place] = []
        #: Places whose video is ready; it is the first one's turn.
        self.order: list[Place] = []
        self.moved = threading.Condition()

    def __len__(self) -> int:
        return len(self._held)

    def take(self, address: str = "", most: int | None = None) -> "Place":
        """Take a place, to be given back later; BusyError when there is none, or the address has its share.

        address: whose video it is; "" for the server's own user, who may take all. most: places that may be taken in
        all, if fewer than there are.
        """
        with self.moved:
            places = self.places if most is None else min(most, self.places)
            taken = len(self._held)
            mine = sum(place.address == address for place in self._held) if address else 0
            if taken >= places:
                raise BusyError(_FULL)
            if not has_share(mine, taken, places, places):
                raise BusyError(_OWN)
            place = Place(self, address)
            self._held.append(place)
            return place

    def stand(self, place: "Place") -> None:
        """Join the line: behind those of whom no more of the same address come before them than before this one."""
        with self.moved:
            own = sum(other.address == place.address for other in self.order)
            before: Counter[str] = Counter()
            at = 0
            for number, other in enumerate(self.order, 1):
                if before[other.address] <= own:
                    at = number
                before[other.address] += 1
            self.order.insert(at, place)
            self.moved.notify_all()

    def left(self, place: "Place") -> None:
        """Give a place back; repeated calls are harmless."""
        with self.moved:
            for those in (self._held, self.order):
                if place in those:
                    those.remove(place)
            self.moved.notify_all()


class Place:
    """One video's place; leaving its ``with`` block gives it back."""

    def __init__(self, line: Line, address: str) -> None:
        self._line, self.address = line, address

    def stand(self) -> None:
        """Join the line."""
        self._line.stand(self)

    @property
    def ahead(self) -> int:
        """How many come first, the one being processed included; also 0 if this place is not in line."""
        with self._line.moved:
            return self._line.order.index(self) if self in self._line.order else 0

    def wait(self, ahead: int, seconds: float) -> None:
        """Wait until the number ahead is no longer ``ahead``, for at most ``seconds``."""
        with self._line.moved:
            self._line.moved.wait_for(lambda: self.ahead != ahead, seconds)

    def leave(self) -> None:
        """Give the place back; the next one moves up."""
        self._line.left(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.leave()
