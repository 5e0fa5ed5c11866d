"""Who is who between frames: every face gets a stable person number.

Everything counts in seconds, never in frames, so that it works alike at 2 and at 60 frames a
second and at a variable rate. A tracker serves one stream.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ..images import RGB
from ..results import Box, Prediction
from .assignment import assign

#: How far from where it was expected a face is still the same one, in widths of the face: at once,
#: more for every second out of sight, and at most.
REACH: Final = 0.8
REACH_PER_SECOND: Final = 2.0
LARGEST_REACH: Final = 2.5
#: Sizes that differ by more than this factor are two faces.
LARGEST_RATIO: Final = 2.0
#: What a lack of likeness counts beside a distance in widths of the face.
LOOKS_WEIGHT: Final = 2.0
#: Looks that correlate less are two faces, wherever they are: after a cut in the film, mostly.
LEAST_LIKENESS: Final = 0.2
#: Time constants, in seconds: of the velocity, of its decay while out of sight, and of the looks.
_VELOCITY_SECONDS: Final = 0.15
_COASTING_SECONDS: Final = 0.7
_LOOKS_SECONDS: Final = 0.5
_LOOKS_SIDE: Final = 12
_FORBIDDEN: Final = 1e6

Looks: TypeAlias = NDArray[np.float32]
Costs: TypeAlias = NDArray[np.float64]


@dataclass(slots=True)
class _Track:
    """A face followed: centre, size (pixels) and velocity (pixels a second) when last seen."""

    first_seen: float
    last_seen: float
    centre: NDArray[np.float64]
    size: float
    looks: Looks | None
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    sightings: int = 1
    person: int | None = None

    def expected(self, time_seconds: float) -> NDArray[np.float64]:
        """Where the centre should be by now; the velocity fades, for nobody walks on for ever."""
        gap = time_seconds - self.last_seen
        return self.centre + self.velocity * _COASTING_SECONDS * -math.expm1(-gap / _COASTING_SECONDS)

    def see(self, time_seconds: float, centre: NDArray[np.float64], size: float, looks: Looks | None) -> None:
        """Take over a new sighting."""
        gap = time_seconds - self.last_seen
        if gap > 0:
            measured = (centre - self.centre) / gap
            self.velocity += -math.expm1(-gap / _VELOCITY_SECONDS) * (measured - self.velocity)
        if looks is not None:
            share = 1.0 if self.looks is None else -math.expm1(-gap / _LOOKS_SECONDS)
            self.looks = looks if self.looks is None else self.looks + share * (looks - self.looks)
        self.centre, self.size, self.last_seen = centre, size, time_seconds
        self.sightings += 1


class FaceTracker:
    """Numbers the persons of one stream 1, 2, ... in the order in which they are confirmed.

    A face is the person whose expected place (at constant velocity), size and looks it fits best;
    the pairing of all faces with all persons is optimal. gap_seconds: how long a person may be
    out of sight and keep the number. confirm_seconds: for how long a new face must have been seen
    before it counts, which hides false boxes of a frame or two; 0 shows every face at once.
    """

    def __init__(self, gap_seconds: float = 1.0, confirm_seconds: float = 0.2) -> None:
        if gap_seconds < 0 or confirm_seconds < 0:
            raise ValueError("A tracker's times are seconds, 0 or more.")
        self.gap_seconds = gap_seconds
        self.confirm_seconds = confirm_seconds
        self._tracks: list[_Track] = []
        self._persons = 0
        self._now = -math.inf

    def update(
        self, time_seconds: float, predictions: Sequence[Prediction], rgb: RGB | None = None
    ) -> dict[int, Prediction]:
        """Person -> prediction for the confirmed faces of the next frame, in the order given.

        rgb: the frame (H, W, 3) in whose pixels the boxes are. With it, looks tell people apart
        where places do not: two who meet and turn back, or a cut in the film.

        Raises ValueError when time runs backwards.
        """
        if not time_seconds >= self._now:
            raise ValueError(f"Frames must come in order of time: {time_seconds} s came after {self._now} s.")
        previous, self._now = self._now, time_seconds
        self._tracks = [track for track in self._tracks if self._lives(track, previous)]
        boxes = [prediction.face.box for prediction in predictions]
        centres = np.array([(box.x + box.width / 2, box.y + box.height / 2) for box in boxes])
        sizes = np.array([math.sqrt(box.area) for box in boxes])
        looks = [None if rgb is None else _looks(rgb, box) for box in boxes]
        pairs = assign(self._costs(centres, sizes, looks), _FORBIDDEN / 2)
        track_of = {column: self._tracks[row] for row, column in pairs}
        seen: dict[int, Prediction] = {}
        for column, prediction in enumerate(predictions):
            found = track_of.get(column)
            if found is None:
                found = _Track(time_seconds, time_seconds, centres[column], sizes[column], looks[column])
                self._tracks.append(found)
            else:
                found.see(time_seconds, centres[column], sizes[column], looks[column])
            if found.person is None and self._confirmed(found):
                self._persons += 1
                found.person = self._persons
            if found.person is not None:
                seen[found.person] = prediction
        return seen

    def _lives(self, track: _Track, previous: float) -> bool:
        """Whether a track is still waited for. One that was never confirmed must be seen in every frame."""
        in_gap = track.person is not None and self._now - track.last_seen <= self.gap_seconds
        return in_gap or track.last_seen >= previous

    def _confirmed(self, track: _Track) -> bool:
        if self.confirm_seconds == 0:
            return True
        return track.sightings > 1 and track.last_seen - track.first_seen >= self.confirm_seconds

    def _costs(self, centres: NDArray[np.float64], sizes: NDArray[np.float64], looks: list[Looks | None]) -> Costs:
        """How badly each face fits each track, (tracks, faces): 0 is perfectly, ``_FORBIDDEN`` not at all."""
        if not self._tracks or not looks:
            return np.empty((len(self._tracks), len(looks)))
        expected = np.array([track.expected(self._now) for track in self._tracks])
        own = np.array([[track.size] for track in self._tracks])
        gaps = np.array([[self._now - track.last_seen] for track in self._tracks])
        distances = np.linalg.norm(centres - expected[:, None], axis=2) / np.maximum((sizes + own) / 2, 1)
        growths = np.abs(np.log(sizes / own))
        near = distances <= np.minimum(REACH + REACH_PER_SECOND * gaps, LARGEST_REACH)
        costs = np.where(near & (growths <= math.log(LARGEST_RATIO)), distances + growths, _FORBIDDEN)
        for row, column in np.argwhere(costs < _FORBIDDEN):
            before, now = self._tracks[row].looks, looks[column]
            if before is not None and now is not None:
                likeness = _likeness(before, now)
                costs[row, column] += LOOKS_WEIGHT * (1 - likeness) if likeness >= LEAST_LIKENESS else _FORBIDDEN
        return costs


def _looks(rgb: RGB, box: Box) -> Looks:
    """The face as a tiny colour picture, float32, free of brightness and contrast."""
    x, y = max(box.x, 0), max(box.y, 0)
    cut = rgb[y : max(box.y + box.height, y + 1), x : max(box.x + box.width, x + 1)]
    if not cut.size:
        return np.zeros(3 * _LOOKS_SIDE**2, np.float32)
    small = cv2.resize(cut, (_LOOKS_SIDE, _LOOKS_SIDE), interpolation=cv2.INTER_AREA)
    values = small.astype(np.float32).ravel()
    return np.asarray(values - values.mean(), np.float32)


def _likeness(one: Looks, other: Looks) -> float:
    """Correlation, -1 to 1; featureless pictures are like every other."""
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length > 1 else 1.0
