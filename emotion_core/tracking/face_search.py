"""Faces in a stream of frames: an occasional full search, and in between only near their last positions.

A full search costs time in proportion to the frame's pixels; a known face needs only a small crop
around its last position, at a single scale. The whole frame is searched at a regular interval, and
whenever a known face is lost or another one appears near it.
"""

import math
from dataclasses import replace
from typing import Final

import cv2
import numpy as np

from ..images import RGB
from ..recognition.crowds import named
from ..recognition.detectors import FaceDetector, crop, largest_first
from ..results import Box, Face

#: Side of the crop around a known face, relative to the face: limits how far it may have moved.
REACH: Final = 2.2
#: Side to which that crop is resized for the detector, in pixels.
CUT_SIDE: Final = 112
#: With more faces than this, one full search is cheaper.
MOST_FOLLOWED: Final = 4
#: A face that overlaps its last position less than this (intersection over union) is another one.
LEAST_OVERLAP: Final = 0.2


class FaceFollower:
    """Finds the faces in one stream's frames. It is stateful: use one per visitor or video.

    side: longest side, in pixels, of the copy used for a full search: smaller is faster, but
    misses small faces. min_score: faces with a lower score are dropped; faces without a score are
    kept. search_seconds: interval between full searches; 0 always searches the whole frame.
    """

    def __init__(
        self, detector: FaceDetector, side: int | None = None, min_score: float = 0.0, search_seconds: float = 0.3
    ) -> None:
        self.name = detector.name
        self._detector = detector
        self._side = side
        self._min_score = min_score
        self._search_seconds = search_seconds
        self._searched = -math.inf
        self._known: list[Face] = []

    def find(self, rgb: RGB, time_seconds: float) -> list[Face]:
        """The faces in the next frame, RGB uint8 (H, W, 3), largest first; time in seconds.

        Of very many as many as may be named (see ``recognition.crowds``).
        """
        faces = None
        if 0 < len(self._known) <= MOST_FOLLOWED and time_seconds - self._searched < self._search_seconds:
            faces = self._where_they_were(rgb)
        if faces is None:
            self._searched = time_seconds
            faces = list(named(self._everywhere(rgb)))
        self._known = faces
        return faces

    def _everywhere(self, rgb: RGB) -> list[Face]:
        scale = self._side / max(rgb.shape[:2]) if self._side else 1.0
        if scale >= 1:
            faces = self._detector.detect(rgb)
        else:
            size = (max(round(rgb.shape[1] * scale), 1), max(round(rgb.shape[0] * scale), 1))
            small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
            faces = [_moved(face, 1 / scale) for face in self._detector.detect(small)]
            faces = largest_first(faces, rgb)
        return [face for face in faces if self._counts(face)]

    def _where_they_were(self, rgb: RGB) -> list[Face] | None:
        """All known faces, found again; None if one is lost or another face is near it."""
        faces: list[Face] = []
        for known in self._known:
            box, side = known.box, math.sqrt(known.box.area)
            reach = max(round(REACH * side), 1)
            cut = Box(round(box.x + (box.width - reach) / 2), round(box.y + (box.height - reach) / 2), reach, reach)
            seen = self._detector.detect(crop(rgb, cut, CUT_SIDE, CUT_SIDE, 3), round(CUT_SIDE / REACH))
            placed = [_moved(face, reach / CUT_SIDE, cut.x, cut.y) for face in seen if self._counts(face)]
            if len(placed) != 1 or placed[0].box.overlap(box) < LEAST_OVERLAP:
                return None  # lost, or somebody else is near: only a full search tells who is who
            faces += placed
        return largest_first(faces, rgb)

    def _counts(self, face: Face) -> bool:
        return face.score is None or face.score >= self._min_score


def _moved(face: Face, factor: float, x: int = 0, y: int = 0) -> Face:
    """A face found in a rescaled crop, mapped to the picture in which the crop starts at (x, y)."""

    def box(old: Box) -> Box:
        left, top = round(x + old.x * factor), round(y + old.y * factor)
        return Box(left, top, max(round(old.width * factor), 1), max(round(old.height * factor), 1))

    return replace(face, box=box(face.box), crop=box(face.crop))
