"""Who was seen in a video, for how long and with which expressions, in bounded memory."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from typing_extensions import TypedDict

from ..images import RGB
from ..render import thumbnail
from .stream import TrackedFace, TrackedFrame

#: People kept: in a film with many cuts the numbers grow forever. Those seen least are dropped.
MAX_PEOPLE: Final = 100
#: Time bins per person; bins get longer as the video goes on, so that there are never more.
MAX_BINS: Final = 400
_FIRST_BIN_SECONDS: Final = 0.1
#: A thumbnail is replaced only by a face larger by this factor.
_BETTER: Final = 1.2


class PersonDict(TypedDict):
    """A ``Person`` as JSON; shares are 0 to 1 of the seconds seen."""

    person: int
    first_seen: float
    last_seen: float
    seconds_seen: float
    emotion: str
    shares: dict[str, float]


@dataclass(frozen=True, slots=True)
class Person:
    """One person in a video; times in seconds from its start."""

    #: The person's number, from 1.
    person: int
    #: When the person was first seen.
    first_seen: float
    #: When the person was last seen.
    last_seen: float
    #: How long the person was seen in total.
    seconds_seen: float
    #: The expression shown for the longest time.
    emotion: str
    #: Share of the time seen per expression (the most probable one after smoothing); 0 to 1.
    shares: Mapping[str, float]
    #: The largest view of the face, at most 96 pixels a side.
    thumbnail: Image.Image = field(repr=False, compare=False)
    #: Time bin number -> mean smoothed probabilities in it, float64 (C,).
    bins: Mapping[int, NDArray[np.float64]] = field(repr=False, compare=False)

    def to_dict(self) -> PersonDict:
        """As JSON's types."""
        return {
            "person": self.person,
            "first_seen": round(self.first_seen, 3),
            "last_seen": round(self.last_seen, 3),
            "seconds_seen": round(self.seconds_seen, 3),
            "emotion": self.emotion,
            "shares": {label: round(share, 4) for label, share in self.shares.items()},
        }


@dataclass(slots=True)
class _Seen:
    """Running totals for one person; a bin holds probabilities weighted by seconds, and the seconds."""

    first: float
    last: float
    thumbnail: Image.Image
    area: int
    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))
    bins: dict[int, NDArray[np.float64]] = field(default_factory=dict)


class PeopleLog:
    """Adds up analysed frames in time order. Each frame counts until the next one."""

    def __init__(self, labels: tuple[str, ...]) -> None:
        self.labels = labels
        self.bin_seconds = _FIRST_BIN_SECONDS
        #: How many people were dropped to make room.
        self.forgotten = 0
        self._people: dict[int, _Seen] = {}
        self._last: TrackedFrame | None = None

    def add(self, frame: TrackedFrame, rgb: RGB) -> None:
        """Add an analysed frame and its pixels, (H, W, 3)."""
        self._credit(frame.time_seconds)
        for face in frame.faces:
            box = face.raw.face.box
            seen = self._people.get(face.person)
            if seen is None:
                view = thumbnail(rgb, box)
                self._people[face.person] = _Seen(frame.time_seconds, frame.time_seconds, view, box.area)
            elif box.area > _BETTER * seen.area:
                seen.thumbnail, seen.area = thumbnail(rgb, box), box.area
        self._last = frame
        self._forget(frame)

    def finish(self, end_seconds: float) -> tuple[Person, ...]:
        """The people, by number, at the end of the video."""
        self._credit(end_seconds)
        self._last = None
        return tuple(self._person(number, seen) for number, seen in sorted(self._people.items()))

    def _credit(self, until: float) -> None:
        """Credit the time since the last frame to the people in it."""
        if self._last is None:
            return
        start, end = self._last.time_seconds, max(until, self._last.time_seconds)
        while end >= MAX_BINS * self.bin_seconds:
            self._halve()
        for face in self._last.faces:
            if seen := self._people.get(face.person):
                seen.last = end
                seen.seconds[face.smoothed.emotion] += end - start
                self._fill(seen, face, start, end)

    def _fill(self, seen: _Seen, face: TrackedFace, start: float, end: float) -> None:
        values = np.array([*face.smoothed.probabilities, 1.0])
        for number in range(int(start / self.bin_seconds), int(end / self.bin_seconds) + 1):
            low, high = number * self.bin_seconds, (number + 1) * self.bin_seconds
            overlap = min(end, high) - max(start, low)
            if overlap > 0:
                seen.bins[number] = seen.bins.get(number, 0) + overlap * values

    def _halve(self) -> None:
        """Merge pairs of bins: twice as long, half as many."""
        self.bin_seconds *= 2
        for seen in self._people.values():
            pairs: dict[int, NDArray[np.float64]] = {}
            for number, values in seen.bins.items():
                pairs[number // 2] = pairs.get(number // 2, 0) + values
            seen.bins = pairs

    def _forget(self, frame: TrackedFrame) -> None:
        while len(self._people) > MAX_PEOPLE:
            present = {face.person for face in frame.faces}
            absent = [number for number in self._people if number not in present]
            if not absent:  # a crowd, everybody in view
                return
            del self._people[min(absent, key=lambda number: sum(self._people[number].seconds.values()))]
            self.forgotten += 1

    def _person(self, number: int, seen: _Seen) -> Person:
        total = sum(seen.seconds.values())
        shares = {label: seen.seconds[label] / total if total else 0.0 for label in self.labels}
        bins = {number: values[:-1] / values[-1] for number, values in sorted(seen.bins.items())}
        emotion = max(self.labels, key=lambda label: shares[label])
        return Person(number, seen.first, seen.last, total, emotion, shares, seen.thumbnail, bins)
