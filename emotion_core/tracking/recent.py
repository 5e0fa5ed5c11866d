"""The last half minute of a live stream: who was seen, and with which expressions, in bounded memory."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .stream import TrackedFrame

WINDOW_SECONDS: Final = 30
BIN_SECONDS: Final = 0.5
#: A frame counts until the next one, but no longer than this: a longer gap means nobody was looking.
HOLD_SECONDS: Final = 1.5
#: People remembered; false detections use up numbers, too.
MAX_PEOPLE: Final = 20


@dataclass(frozen=True, slots=True)
class Recent:
    """One person in the window. bins: number of a half-second bin -> mean smoothed probabilities (C,)."""

    person: int
    seconds_seen: float
    bins: Mapping[int, NDArray[np.float64]]

    def mean(self) -> NDArray[np.float64]:
        """Mean probabilities over the time seen, (C,)."""
        return np.asarray(np.mean(list(self.bins.values()), axis=0), np.float64)


class RollingHistory:
    """Adds up analysed frames in time order, and forgets what is older than the window."""

    def __init__(self) -> None:
        # Per person and bin: probabilities weighted by seconds, and the seconds.
        self._people: dict[int, dict[int, NDArray[np.float64]]] = {}
        self._last: TrackedFrame | None = None

    def add(self, frame: TrackedFrame) -> None:
        """Add the next frame; the previous one counts until its time."""
        if self._last is not None:
            start = self._last.time_seconds
            end = min(frame.time_seconds, start + HOLD_SECONDS)
            for face in self._last.faces:
                self._credit(face.person, np.array([*face.smoothed.probabilities, 1.0]), start, end)
        self._last = frame
        self._forget(frame)

    def people(self) -> tuple[Recent, ...]:
        """Everybody in the window, by number."""
        found = []
        for person, bins in sorted(self._people.items()):
            seconds = float(sum(values[-1] for values in bins.values()))
            found.append(Recent(person, seconds, {number: values[:-1] / values[-1] for number, values in bins.items()}))
        return tuple(found)

    def _credit(self, person: int, values: NDArray[np.float64], start: float, end: float) -> None:
        bins = self._people.setdefault(person, {})
        for number in range(int(start / BIN_SECONDS), int(end / BIN_SECONDS) + 1):
            overlap = min(end, (number + 1) * BIN_SECONDS) - max(start, number * BIN_SECONDS)
            if overlap > 0:
                bins[number] = bins.get(number, 0) + overlap * values

    def _forget(self, frame: TrackedFrame) -> None:
        oldest = int((frame.time_seconds - WINDOW_SECONDS) / BIN_SECONDS)
        recent = {}
        for person, bins in self._people.items():
            kept = {number: values for number, values in bins.items() if number >= oldest}
            if kept:
                recent[person] = kept
        # Those in view first, then those seen longest.
        present = {face.person for face in frame.faces}
        order = sorted(recent, key=lambda person: (person not in present, -len(recent[person])))
        self._people = {person: recent[person] for person in order[:MAX_PEOPLE]}
