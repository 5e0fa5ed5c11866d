"""The last half minute of a live picture: who was seen, and with which expressions, in bounded memory."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from .labels import SYMBOLS, colour_of
from .stream import TrackedFrame
from .timeline import stacked_areas

WINDOW_SECONDS: Final = 30
BIN_SECONDS: Final = 0.5
#: What a frame shows holds until the next one, but no longer than this: then nobody was looking.
HOLD_SECONDS: Final = 1.5
#: Persons remembered; a box that was no face takes a number, too.
MAX_PEOPLE: Final = 20
#: Persons drawn, and for how long they must have been seen to be.
MAX_ROWS: Final = 6
_LEAST_SECONDS: Final = 1.0
_WIDTH, _HEIGHT, _TICK = 600, 60, 10


@dataclass(frozen=True, slots=True)
class Recent:
    """One person of the window. bins: number of a span of half a second -> mean smoothed probabilities (C,)."""

    person: int
    seconds_seen: float
    bins: Mapping[int, NDArray[np.float64]]

    def mean(self) -> NDArray[np.float64]:
        """Mean probabilities over the time seen, (C,)."""
        return np.asarray(np.mean(list(self.bins.values()), axis=0), np.float64)


class RollingHistory:
    """Adds up analysed frames in the order of time, and forgets what is older than the window."""

    def __init__(self) -> None:
        # Per person and span: probabilities weighted with seconds, and the seconds.
        self._people: dict[int, dict[int, NDArray[np.float64]]] = {}
        self._last: TrackedFrame | None = None

    def add(self, frame: TrackedFrame) -> None:
        """Take in the next frame: until now the last one held."""
        if self._last is not None:
            start = self._last.time_seconds
            end = min(frame.time_seconds, start + HOLD_SECONDS)
            for face in self._last.faces:
                self._credit(face.person, np.array([*face.smoothed.probabilities, 1.0]), start, end)
        self._last = frame
        self._forget(frame)

    def people(self) -> tuple[Recent, ...]:
        """Everybody of the window, by number."""
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
        # Those in view first, then those seen for longest.
        present = {face.person for face in frame.faces}
        order = sorted(recent, key=lambda person: (person not in present, -len(recent[person])))
        self._people = {person: recent[person] for person in order[:MAX_PEOPLE]}


def rolling_timeline(people: Sequence[Recent], labels: Sequence[str], now: float) -> str:
    """HTML: a row per person with an SVG of stacked areas over the window that ends now (seconds).

    The words are HTML, so that they stay legible when a phone squeezes the areas.
    """
    rows = [person for person in people if person.seconds_seen >= _LEAST_SECONDS]
    rows = sorted(sorted(rows, key=lambda row: -row.seconds_seen)[:MAX_ROWS], key=lambda row: row.person)
    if not rows:
        return '<p class="nobody">Nobody was seen for longer than a second.</p>'
    ticks = "".join(f"<span>−{second} s</span>" for second in range(WINDOW_SECONDS, 0, -_TICK)) + "<span>now</span>"
    legend = "".join(f'<li><i style="background:{colour_of(label)}"></i>{html.escape(label)}</li>' for label in labels)
    drawn = "".join(_row(row, labels, now) for row in rows)
    return f'<ul class="legend">{legend}</ul>{drawn}<p class="ticks" aria-hidden="true">{ticks}</p>'


def _row(row: Recent, labels: Sequence[str], now: float) -> str:
    mean = row.mean()
    label = labels[int(np.argmax(mean))]
    start = now - WINDOW_SECONDS

    def x_of(times: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.clip((times - start) / WINDOW_SECONDS, 0, 1) * _WIDTH, np.float64)

    areas = stacked_areas(row.bins, labels, BIN_SECONDS, x_of, 0, _HEIGHT)
    grid = "".join(
        f'<path vector-effect="non-scaling-stroke" d="M{_WIDTH * second / WINDOW_SECONDS:.0f} 0V{_HEIGHT}"/>'
        for second in range(_TICK, WINDOW_SECONDS, _TICK)
    )
    said = html.escape(f"Person {row.person}: mostly {label}, {mean.max():.0%} on average")
    return (
        f'<figure><figcaption><b>Person {row.person}</b> <span aria-hidden="true">{SYMBOLS.get(label, "🙂")}</span> '
        f"mostly {html.escape(label)}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{said}">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="currentColor" fill-opacity="0.07"/>{areas}'
        f'<g stroke="currentColor" stroke-opacity="0.35">{grid}</g></svg></figure>'
    )
