"""Re-identification: whether a person who comes into view was seen before, by the face alone.

This is not face recognition: it only knows the people of one stream, forgets them with it, and would
rather count one person twice than two people as one.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ..images import RGB
from ..recognition.detectors import crop
from ..results import Face

#: float32 (2, D), each row a unit vector: a face as it was seen, and its mirror image.
View: TypeAlias = NDArray[np.float32]

#: Views kept per face; a new one is kept only if its likeness to all others is below ``_NEW_VIEW``.
MAX_VIEWS: Final = 8
_NEW_VIEW: Final = 0.85
#: People remembered; those who came first are forgotten first.
MAX_PERSONS: Final = 50
#: Minimum likeness of two faces of one person: 2 in 1,000 of 76,636 pairs of different people's photos
#: reach it. It must also exceed the second most similar person's by ``_MARGIN``.
LEAST_LIKENESS: Final = 0.69
#: The same for a face that appears where someone disappeared a moment ago, in the same shot.
LEAST_IN_PLACE: Final = 0.5
_MARGIN: Final = 0.05
_SIDE: Final = 96
_HOG: Final = cv2.HOGDescriptor((64, 64), (16, 16), (8, 8), (8, 8), 9)
_COLOURS: Final = 12
_ROWS, _COLUMNS = np.mgrid[:_COLOURS, :_COLOURS]
#: The face without the corners of its square, which show the background.
_INSIDE: Final = ((_COLUMNS - 5.5) / 5.0) ** 2 + ((_ROWS - 5.5) / 6.2) ** 2 <= 1


class FamiliarFaces:
    """The faces of a stream's people, in bounded memory."""

    def __init__(self) -> None:
        self._views: dict[int, list[View]] = {}

    def remember(self, person: int, views: Sequence[View]) -> None:
        """Keep the views that show something new of a person."""
        known = self._views.setdefault(person, [])
        for view in views:
            if len(known) < MAX_VIEWS and all(alike(view, other) < _NEW_VIEW for other in known):
                known.append(view)
        while len(self._views) > MAX_PERSONS:
            del self._views[next(iter(self._views))]

    def who(self, views: Sequence[View], absent: set[int], place_of: int | None = None) -> int | None:
        """Which of the ``absent`` people the views show, or None.

        place_of: the person who was last seen at this place.
        """
        likeness = {
            person: float(np.mean([max(alike(view, other) for other in known) for view in views]))
            for person, known in self._views.items()
            if person in absent and known
        }
        if not views or not likeness:
            return None
        best, *others = sorted(likeness, key=lambda person: -likeness[person])
        near = likeness[others[0]] if others else -1.0
        if likeness[best] >= max(LEAST_LIKENESS, near + _MARGIN):
            return best
        # A head that turned far away comes back showing a side of the face not seen before.
        return best if best == place_of and likeness[best] >= LEAST_IN_PLACE else None


def alike(one: View, other: View) -> float:
    """Likeness of two views, -1 to 1: the better of direct and mirrored."""
    return float((one[0] @ other.T).max())


def view_of(rgb: RGB, face: Face) -> View:
    """Describes a face in a frame (H, W, 3) by its histograms of oriented gradients (Dalal and Triggs 2005,
    doi:10.1109/CVPR.2005.177) and its colours; ``alike`` compares two.

    The mirror image is included: a head that turns away to one side may come back from the other.
    """
    cut = np.asarray(crop(rgb, face.crop, _SIDE, _SIDE, 3), np.uint8)
    return np.stack([_vector(cut), _vector(np.ascontiguousarray(cut[:, ::-1]))])


def _vector(cut: RGB) -> NDArray[np.float32]:
    gray = cv2.cvtColor(cv2.resize(cut, (64, 64), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    edges = np.asarray(_HOG.compute(gray), np.float32).ravel()
    edges = edges - edges.mean()
    lab = cv2.cvtColor(cut[8:-8, 8:-8], cv2.COLOR_RGB2LAB).astype(np.float32)
    colours = cv2.resize(lab, (_COLOURS, _COLOURS), interpolation=cv2.INTER_AREA)[_INSIDE]
    # Mean lightness depends on the lighting, so it is subtracted; hue depends on the person, so it counts twice.
    colours = (colours - np.array([colours[:, 0].mean(), 128, 128])) * np.array([1, 2, 2])
    parts = (part / (float(np.linalg.norm(part)) + 1e-6) for part in (edges, colours.ravel()))
    return np.concatenate(list(parts)).astype(np.float32) / np.float32(np.sqrt(2))
