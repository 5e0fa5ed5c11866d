"""The queue for the single video worker, shared by every way a video can come in."""

import threading
from types import TracebackType
from typing import Self

from ..errors import BusyError


class Line:
    """A queue of at most ``places`` videos, the one being processed included. Safe to share between threads.

    A video still being uploaded holds a place but keeps nobody waiting: turns go in the order of ``stand``.
    """

    def __init__(self, places: int) -> None:
        self.places = places
        self._held: list[Place] = []
        #: Places whose video is ready; it is the first one's turn.
        self.order: list[Place] = []
        self.moved = threading.Condition()

    def __len__(self) -> int:
        return len(self._held)

    def refuse_over(self, most: int) -> None:
        """Raise BusyError if ``most`` places, or all of them, are taken."""
        if len(self._held) >= min(most, self.places):
            raise BusyError("All places for videos are taken. Try again in a few minutes.")

    def take(self) -> "Place":
        """Take a place, to be given back later; BusyError when there is none."""
        with self.moved:
            self.refuse_over(self.places)
            place = Place(self)
            self._held.append(place)
            return place

    def left(self, place: "Place") -> None:
        """Give a place back; repeated calls are harmless."""
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
        """Join the end of the line."""
        with self._line.moved:
            self._line.order.append(self)

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
