"""Where each person of a stream was last seen: somebody who turned away is expected there first."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..images import RGB

#: How long a place stays reserved for a person out of sight, in seconds.
KEPT_SECONDS: Final = 10.0
#: Maximum distance, in face widths, and maximum size ratio to match a place.
_REACH: Final = 2.0
_RATIO: Final = 1.6
#: Minimum correlation of the pixels around the face in frames of one shot: after a cut, places are void.
_SAME_SHOT: Final = 0.85
#: Region masked out as the head, in face sizes; the minimum share of the frame that must remain.
_AROUND: Final = 3.0
_LEAST_LEFT: Final = 0.2
_ROWS, _COLUMNS = 16, 24


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face was: time in seconds, centre and size in pixels, and its surroundings."""

    time_seconds: float
    centre: NDArray[np.float64]
    size: float
    #: float32 (16, 24, 3): pixels sampled from the frame, NaN around the face.
    shot: NDArray[np.float32]

    @classmethod
    def of(cls, time_seconds: float, centre: NDArray[np.float64], size: float, rgb: RGB) -> "Place":
        """The place of a face in a frame (H, W, 3)."""
        rows = np.linspace(0, rgb.shape[0] - 1, _ROWS).astype(int)[:, None]
        columns = np.linspace(0, rgb.shape[1] - 1, _COLUMNS).astype(int)
        shot = rgb[rows, columns].astype(np.float32)
        half = _AROUND * size / 2
        shot[(abs(columns - centre[0]) < half) & (abs(rows - centre[1]) < half)] = np.nan
        return cls(time_seconds, centre, size, shot)


class LastPlaces:
    """The last place of each person seen recently."""

    def __init__(self) -> None:
        self._places: dict[int, Place] = {}

    def see(self, person: int, place: Place) -> None:
        """Record that a person was seen; forget people not seen for long."""
        self._places = {
            who: old for who, old in self._places.items() if place.time_seconds - old.time_seconds <= KEPT_SECONDS
        }
        self._places[person] = place

    def whose(self, place: Place, absent: set[int]) -> int | None:
        """Which of the ``absent`` people was there in the same shot; None if nobody or several."""
        near = [who for who, old in self._places.items() if who in absent and _near(old, place)]
        return near[0] if len(near) == 1 else None


def _near(old: Place, new: Place) -> bool:
    """Whether a face is where another one recently was, about as large, in the same shot."""
    if new.time_seconds - old.time_seconds > KEPT_SECONDS:
        return False
    size = max(old.size, new.size, 1.0)
    return (
        float(np.linalg.norm(new.centre - old.centre)) <= _REACH * size
        and size <= _RATIO * min(old.size, new.size)
        and _same_shot(old.shot, new.shot)
    )


def _same_shot(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Whether the surroundings of both faces are alike; frames of a single colour always match."""
    seen = np.isfinite(one) & np.isfinite(other)
    if seen.mean() < _LEAST_LEFT:
        return False
    first, second = one[seen] - one[seen].mean(), other[seen] - other[seen].mean()
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return length < 1 or float(first @ second) >= _SAME_SHOT * length
