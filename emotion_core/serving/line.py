"""The line before the one worker for videos: everyone who waits, whichever door they came through."""

import threading
from types import TracebackType
from typing import Self

from ..errors import BusyError


class Line:
    """At most ``places`` videos wait, the one at work included. Safe to share between threads.

    Whoever still sends a video holds a place, but keeps nobody waiting: turns go by when they stood in line.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self._held: list[Place] = []
        #: Those who stand in line; it is the first one's turn.
        self.order: list[Place] = []
        self.moved = threading.Condition()

    def __len__(self) -> int:
        return len(self._held)

    def refuse_over(self, most: int) -> None:
        """Raise BusyError where ``most`` places, or all there are, are taken."""
        if len(self._held) >= min(most, self.places):
            raise BusyError("All places for videos are taken. Try again in a few minutes.")

    def take(self) -> "Place":
        """A place, to be left again; BusyError when there is none."""
        with self.moved:
            self.refuse_over(self.places)
            place = Place(self)
            self._held.append(place)
            return place

    def left(self, place: "Place") -> None:
        """Give a place back, however often this is said."""
        with self.moved:
            for those in (self._held, self.order):
                if place in those:
                    those.remove(place)
            self.moved.notify_all()


class Place:
    """One video's place; leaving its ``with`` block gives it back."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def stand(self) -> None:
        """Stand at the end of the line."""
        with self._line.moved:
            self._line.order.append(self)

    @property
    def ahead(self) -> int:
        """How many come first, the one at work included; 0 as well for who does not stand in line."""
        with self._line.moved:
            return self._line.order.index(self) if self in self._line.order else 0

    def wait(self, ahead: int, seconds: float) -> None:
        """Wait until no longer just ``ahead`` come first, but so many seconds at most."""
        with self._line.moved:
            self._line.moved.wait_for(lambda: self.ahead != ahead, seconds)

    def leave(self) -> None:
        """Give the place back: the next one moves up."""
        self._line.left(self)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.leave()
