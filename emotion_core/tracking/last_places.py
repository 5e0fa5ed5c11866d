"""Where each person of a stream was last seen: who turned the head away is sought there first."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..images import RGB

#: So long, in seconds, a place is somebody's who is out of sight.
KEPT_SECONDS: Final = 10.0
#: So near, in widths of the face, and so alike in size, as a factor.
_REACH: Final = 2.0
_RATIO: Final = 1.6
#: Two frames whose pixels around the face correlate so are of one shot: after a cut in a film a place is nobody's.
_SAME_SHOT: Final = 0.85
#: What is the head's, in sizes of the face; so large a share of the frame must be left to tell.
_AROUND: Final = 3.0
_LEAST_LEFT: Final = 0.2
_ROWS, _COLUMNS = 16, 24


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face was: when, in seconds; its centre and size in pixels; and what was around it."""

    time_seconds: float
    centre: NDArray[np.float64]
    size: float
    #: float32 (16, 24, 3): some pixels of the frame, NaN where the face is.
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
    """The last place of each person who was in sight lately."""

    def __init__(self) -> None:
        self._places: dict[int, Place] = {}

    def see(self, person: int, place: Place) -> None:
        """A person was seen; those who were seen long before are forgotten."""
        self._places = {
            who: old for who, old in self._places.items() if place.time_seconds - old.time_seconds <= KEPT_SECONDS
        }
        self._places[person] = place

    def whose(self, place: Place, absent: set[int]) -> int | None:
        """The one of the ``absent`` persons who was there in the same shot; None where it is nobody, or several."""
        near = [who for who, old in self._places.items() if who in absent and _near(old, place)]
        return near[0] if len(near) == 1 else None


def _near(old: Place, new: Place) -> bool:
    """Whether a face is where another one was lately, about as large, in the same shot."""
    if new.time_seconds - old.time_seconds > KEPT_SECONDS:
        return False
    size = max(old.size, new.size, 1.0)
    return (
        float(np.linalg.norm(new.centre - old.centre)) <= _REACH * size
        and size <= _RATIO * min(old.size, new.size)
        and _same_shot(old.shot, new.shot)
    )


def _same_shot(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    """Whether what is around both faces is alike; frames of one colour tell nothing, and are."""
    seen = np.isfinite(one) & np.isfinite(other)
    if seen.mean() < _LEAST_LEFT:
        return False
    first, second = one[seen] - one[seen].mean(), other[seen] - other[seen].mean()
    length = float(np.linalg.norm(first) * np.linalg.norm(second))
    return length < 1 or float(first @ second) >= _SAME_SHOT * length
