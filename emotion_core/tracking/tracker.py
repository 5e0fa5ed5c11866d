"""Tracks faces across frames: every face gets a stable person number.

Everything is measured in seconds, never in frames, so that it works the same at 2 or 60 frames per
second and at a variable rate. A tracker serves one stream.
"""

import math
from collections.abc import Callable, Sequence
from typing import Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..images import RGB
from ..results import Prediction
from .assignment import assign
from .familiar import FamiliarFaces, view_of
from .last_places import LastPlaces, Place
from .track import Looks, Track, likeness, looks_of

#: How far from its predicted position a face is still the same one, in face widths: in the next
#: frame, extra per second out of sight, and at most.
REACH: Final = 0.8
REACH_PER_SECOND: Final = 2.0
LARGEST_REACH: Final = 2.5
#: Faces whose sizes differ by more than this factor are different ones.
LARGEST_RATIO: Final = 2.0
#: Weight of a lack of likeness, relative to a distance in face widths.
LOOKS_WEIGHT: Final = 2.0
#: Faces whose looks correlate less are different ones, wherever they are: mostly after a cut in the film.
LEAST_LIKENESS: Final = 0.2
#: Minimum time between views of a face, in seconds: a head makes a quarter turn in half a second.
_VIEW_SECONDS: Final = 0.2
#: Rounding tolerance for times, which are sums of fractions.
_TOLERANCE: Final = 1e-6
_FORBIDDEN: Final = 1e6

Costs: TypeAlias = NDArray[np.float64]


class FaceTracker:
    """Numbers the people of one stream 1, 2, ... in the order in which they are confirmed.

    Each face is matched to the person whose predicted position (at constant velocity), size and looks
    fit best; the matching of all faces with all people is optimal. gap_seconds: how long a person may
    be out of sight and keep the number by position alone. confirm_seconds: how long frames must show a
    new face before it counts, each frame until the next one. This hides false boxes of a frame or two;
    if frames are farther apart than that, one is enough; 0 shows every face at once. A new face that
    is out of sight for longer than that is dropped. familiar: recognises faces again wherever they
    come back; None uses positions alone.

    >>> from emotion_core import Box, Face
    >>> def seen(x):
    ...     place = Box(x, 10, 80, 80)
    ...     return Prediction(Face(place, place), ("happy", "sad"), (0.9, 0.1))
    >>> tracker = FaceTracker(confirm_seconds=0)
    >>> list(tracker.update(0.0, [seen(10)]))
    [1]
    >>> list(tracker.update(0.1, [seen(300), seen(14)]))
    [2, 1]
    """

    def __init__(
        self, gap_seconds: float = 1.0, confirm_seconds: float = 0.12, familiar: FamiliarFaces | None = None
    ) -> None:
        if gap_seconds < 0 or confirm_seconds < 0:
            raise ValueError("A tracker's times are seconds, 0 or more.")
        self.gap_seconds = gap_seconds
        self.confirm_seconds = confirm_seconds
        self._familiar = familiar
        self._places = LastPlaces()
        self._tracks: list[Track] = []
        self._persons = 0
        self._began = self._now = -math.inf

    def update(
        self, time_seconds: float, predictions: Sequence[Prediction], rgb: RGB | None = None
    ) -> dict[int, Prediction]:
        """Person -> prediction for the confirmed faces of the next frame, in the order given.

        Arguments and errors are those of ``follow``.
        """
        tracks = self.follow(time_seconds, predictions, rgb)
        return {track.person: seen for track, seen in zip(tracks, predictions, strict=True) if track.person is not None}

    def follow(self, time_seconds: float, predictions: Sequence[Prediction], rgb: RGB | None = None) -> list[Track]:
        """The track of each face in the next frame, in the order given; it may be decided by later frames.

        rgb: the frame (H, W, 3), which the boxes refer to. With it, looks tell people apart when
        positions cannot: two who meet and turn back, or a cut in the film.

        Raises ValueError if time runs backwards.
        """
        if not time_seconds >= self._now:
            raise ValueError(f"Frames must come in order of time: {time_seconds} s came after {self._now} s.")
        self._hold(time_seconds)
        previous, self._now = self._now, time_seconds
        if previous == -math.inf:
            self._began = time_seconds
        self._tracks = [track for track in self._tracks if self._lives(track, previous)]
        boxes = [prediction.face.box for prediction in predictions]
        centres = np.array([(box.x + box.width / 2, box.y + box.height / 2) for box in boxes])
        sizes = np.array([math.sqrt(box.area) for box in boxes])
        looks = [None if rgb is None else looks_of(rgb, box) for box in boxes]
        pairs = assign(self._costs(centres, sizes, looks), _FORBIDDEN / 2)
        track_of = {column: self._tracks[row] for row, column in pairs}
        seen: list[Track] = []
        for column, prediction in enumerate(predictions):
            found = track_of.get(column)
            if found is None:
                found = Track(time_seconds, time_seconds, centres[column], sizes[column], looks[column])
                self._tracks.append(found)
            else:
                found.see(time_seconds, centres[column], sizes[column], looks[column])
            if rgb is not None:
                self._view(found, rgb, prediction)
            if rgb is not None and self._familiar is not None:
                place = Place.of(time_seconds, centres[column], sizes[column], rgb)
                found.place = found.place or place
                if found.person is not None:
                    self._places.see(found.person, place)
            seen.append(found)
        self.pass_time(time_seconds)
        return seen

    def pass_time(self, time_seconds: float) -> None:
        """Decide what can be decided, given that no other frame comes before this time."""
        for track in self._tracks:
            held = time_seconds - track.last_seen if track.last_seen == self._now else 0.0
            if not track.decided and track.seconds + held >= self.confirm_seconds - _TOLERANCE:
                self._confirm(track)

    def finish(self, end_seconds: float) -> None:
        """Decide everything at the end of the stream, when its last frame stops counting.

        In a stream shorter than ``confirm_seconds``, a face also counts if it was there throughout.
        """
        self.pass_time(end_seconds)
        self._hold(end_seconds)
        self._decide(lambda track: track.seconds >= end_seconds - self._began - _TOLERANCE)

    def hurry(self) -> None:
        """Decide everything now, to make room: a new face counts if it was seen more than once."""
        self._decide(lambda track: track.sightings > 1)

    def _decide(self, counts: Callable[[Track], bool]) -> None:
        for track in self._tracks:
            if not track.decided and counts(track):
                self._confirm(track)
            track.dropped = track.person is None

    def _hold(self, until: float) -> None:
        """Count the last frame's faces until this time."""
        for track in self._tracks:
            if track.last_seen == self._now:
                track.seconds += until - self._now
        self.pass_time(self._now)

    def _lives(self, track: Track, previous: float) -> bool:
        """Whether to keep waiting for a track last seen in the previous frame or earlier."""
        away = self._now - track.last_seen
        lives = track.last_seen >= previous or away <= (self.gap_seconds if track.person else self.confirm_seconds)
        track.dropped = track.dropped or not (lives or track.person)
        return lives and not track.dropped

    def _view(self, track: Track, rgb: RGB, prediction: Prediction) -> None:
        """Take a view of the face to recognise it later; a new face is viewed at every sighting."""
        if self._familiar is None or (track.decided and track.last_seen < track.viewed + _VIEW_SECONDS):
            return
        track.viewed = track.last_seen
        view = view_of(rgb, prediction.face)
        if track.person is None:
            track.views.append(view)
        else:
            self._familiar.remember(track.person, [view])

    def _confirm(self, track: Track) -> None:
        if self._familiar is not None:
            present = {other.person for other in self._tracks if other.person and other.last_seen >= track.first_seen}
            absent = set(range(1, self._persons + 1)) - present
            place_of = None if track.place is None else self._places.whose(track.place, absent)
            known = self._familiar.who(track.views, absent, place_of)
            if known is not None:  # perhaps still expected at the old place
                self._tracks = [other for other in self._tracks if other.person != known]
            track.person = known
        if track.person is None:
            self._persons += 1
            track.person = self._persons
        if self._familiar is not None:
            self._familiar.remember(track.person, track.views)
            track.views.clear()

    def _costs(self, centres: NDArray[np.float64], sizes: NDArray[np.float64], looks: list[Looks | None]) -> Costs:
        """How badly each face fits each track, (tracks, faces): 0 is a perfect fit, ``_FORBIDDEN`` none."""
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
                alike = likeness(before, now)
                costs[row, column] += LOOKS_WEIGHT * (1 - alike) if alike >= LEAST_LIKENESS else _FORBIDDEN
        return costs
