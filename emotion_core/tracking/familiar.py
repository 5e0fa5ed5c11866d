"""Faces seen before: whether somebody who comes into view was there already, told by the face alone.

This is not face recognition: it knows the persons of one stream, forgets them with it, and rather
counts somebody twice than two people as one.
"""

from collections.abc import Sequence
from typing import Final, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from ..images import RGB
from ..recognition.detectors import crop
from ..results import Face

#: float32 (2, D), each of length 1: a face as it was seen, and its mirror image.
View: TypeAlias = NDArray[np.float32]

#: Views of a face that are kept, each taken when it is less like all others than ``_NEW_VIEW``.
MAX_VIEWS: Final = 8
_NEW_VIEW: Final = 0.85
#: Persons remembered; those who came first are forgotten first.
MAX_PERSONS: Final = 50
#: From so much likeness on two faces are one person's: of 76,636 pairs of different people's photos
#: 2 in 1,000 are as alike. The second most alike person must be less so by a margin.
LEAST_LIKENESS: Final = 0.69
#: And of one who comes into sight where somebody went out of it a moment ago, in the same shot.
LEAST_IN_PLACE: Final = 0.5
_MARGIN: Final = 0.05
_SIDE: Final = 96
_HOG: Final = cv2.HOGDescriptor((64, 64), (16, 16), (8, 8), (8, 8), 9)
_COLOURS: Final = 12
_ROWS, _COLUMNS = np.mgrid[:_COLOURS, :_COLOURS]
#: The face without the corners of its square, which show what is behind it.
_INSIDE: Final = ((_COLUMNS - 5.5) / 5.0) ** 2 + ((_ROWS - 5.5) / 6.2) ** 2 <= 1


class FamiliarFaces:
    """The faces of a stream's persons, in bounded memory."""

    def __init__(self) -> None:
        self._views: dict[int, list[View]] = {}

    def remember(self, person: int, views: Sequence[View]) -> None:
        """Keep views that show something new of a person."""
        known = self._views.setdefault(person, [])
        for view in views:
            if len(known) < MAX_VIEWS and all(alike(view, other) < _NEW_VIEW for other in known):
                known.append(view)
        while len(self._views) > MAX_PERSONS:
            del self._views[next(iter(self._views))]

    def who(self, views: Sequence[View], absent: set[int], place_of: int | None = None) -> int | None:
        """The one of the ``absent`` persons whose face the views show, or None.

        place_of: the person who was last seen there.
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
        # A head that turned far away comes back with a side of the face that was not seen before.
        return best if best == place_of and likeness[best] >= LEAST_IN_PLACE else None


def alike(one: View, other: View) -> float:
    """How much two views show the same face, -1 to 1: as it was seen, or from its other side."""
    return float((one[0] @ other.T).max())


def view_of(rgb: RGB, face: Face) -> View:
    """A face of a frame (H, W, 3) by its edges' directions (histograms of oriented gradients, Dalal and
    Triggs 2005, doi:10.1109/CVPR.2005.177) and its colours; ``alike`` compares two.

    Its mirror image is kept, too: who turns the head away to one side may come back from the other.
    """
    cut = np.asarray(crop(rgb, face.crop, _SIDE, _SIDE, 3), np.uint8)
    return np.stack([_vector(cut), _vector(np.ascontiguousarray(cut[:, ::-1]))])


def _vector(cut: RGB) -> NDArray[np.float32]:
    gray = cv2.cvtColor(cv2.resize(cut, (64, 64), interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
    edges = np.asarray(_HOG.compute(gray), np.float32).ravel()
    edges = edges - edges.mean()
    lab = cv2.cvtColor(cut[8:-8, 8:-8], cv2.COLOR_RGB2LAB).astype(np.float32)
    colours = cv2.resize(lab, (_COLOURS, _COLOURS), interpolation=cv2.INTER_AREA)[_INSIDE]
    # Lightness is the light's, less its mean; the hue is the person's, and counts twice.
    colours = (colours - np.array([colours[:, 0].mean(), 128, 128])) * np.array([1, 2, 2])
    parts = (part / (float(np.linalg.norm(part)) + 1e-6) for part in (edges, colours.ravel()))
    return np.concatenate(list(parts)).astype(np.float32) / np.float32(np.sqrt(2))
