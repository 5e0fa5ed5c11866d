"""A face tracked through frames: its position, motion and appearance."""

import math
from dataclasses import dataclass, field
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ..images import RGB
from ..results import Box
from .last_places import Place

#: Time constants in seconds: of the velocity, of its decay while out of sight, and of the appearance.
_VELOCITY_SECONDS: Final = 0.15
_COASTING_SECONDS: Final = 0.7
_LOOKS_SECONDS: Final = 0.5
_LOOKS_SIDE: Final = 12

Looks: TypeAlias = NDArray[np.float32]


@dataclass(slots=True, eq=False)
class Track:
    """A tracked face: centre, size (pixels) and velocity (pixels per second) when last seen.

    seconds: how long frames showed it, each counting until the next one. person: its number, None
    until confirmed. dropped: it was too brief to be a face. views: see ``familiar``, collected until
    it is decided; viewed: when the last one was taken. place: where it was first seen.
    """

    first_seen: float
    last_seen: float
    centre: NDArray[np.float64]
    size: float
    looks: Looks | None
    velocity: NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))
    sightings: int = 1
    seconds: float = 0.0
    person: int | None = None
    dropped: bool = False
    viewed: float = -math.inf
    views: list[NDArray[np.float32]] = field(default_factory=list)
    place: Place | None = None

    @property
    def decided(self) -> bool:
        """Whether it is known to be a person or not."""
        return self.dropped or self.person is not None

    def expected(self, time_seconds: float) -> NDArray[np.float64]:
        """The predicted centre; the velocity decays, as nobody keeps moving forever."""
        gap = time_seconds - self.last_seen
        return self.centre + self.velocity * _COASTING_SECONDS * -math.expm1(-gap / _COASTING_SECONDS)

    def see(self, time_seconds: float, centre: NDArray[np.float64], size: float, looks: Looks | None) -> None:
        """Update with a new sighting."""
        gap = time_seconds - self.last_seen
        if gap > 0:
            measured = (centre - self.centre) / gap
            self.velocity += -math.expm1(-gap / _VELOCITY_SECONDS) * (measured - self.velocity)
        if looks is not None:
            share = 1.0 if self.looks is None else -math.expm1(-gap / _LOOKS_SECONDS)
            self.looks = looks if self.looks is None else self.looks + share * (looks - self.looks)
        self.centre, self.size, self.last_seen = centre, size, time_seconds
        self.sightings += 1


def looks_of(rgb: RGB, box: Box) -> Looks:
    """The face as a tiny colour picture, flat float32, less its mean brightness."""
    x, y = max(box.x, 0), max(box.y, 0)
    cut = rgb[y : max(box.y + box.height, y + 1), x : max(box.x + box.width, x + 1)]
    if not cut.size:
        return np.zeros(3 * _LOOKS_SIDE**2, np.float32)
    small = cv2.resize(cut, (_LOOKS_SIDE, _LOOKS_SIDE), interpolation=cv2.INTER_AREA)
    values = small.astype(np.float32).ravel()
    return np.asarray(values - values.mean(), np.float32)


def likeness(one: Looks, other: Looks) -> float:
    """Correlation of two looks, -1 to 1; featureless pictures match anything."""
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length > 1 else 1.0
