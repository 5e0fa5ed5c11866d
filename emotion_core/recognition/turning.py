"""Which way up a picture is, and how far its faces are tilted.

A detector also finds sideways and upside-down faces, with lower scores, and may mistake a chin for a
forehead. So a face that is not surely upright is checked in steps of 45 degrees; if the largest faces
are the wrong way up, the whole picture is rotated; and if nothing was found, rotations are tried.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np

from ..images import RGB
from ..results import Box, Face
from .boxes import largest_first
from .crowds import named
from .detectors import FaceDetector
from .levelling import LEVEL_ABOVE, crop, level, surroundings
from .pyramid import at_most

#: Of 129 found photos 95 in 100 scored at least this upright, and 3 in 100 upside down.
SURE: Final = 0.92
#: A face the wrong way up scores at least this much less than upright.
LEAD: Final = 0.02
#: Minimum score to accept a rotation of a picture in which nothing was found upright.
SURE_WHEN_TURNED: Final = 0.85
#: How many of the largest faces vote on which way up the picture is.
ASKED: Final = 3
#: How many of the largest faces that are not surely upright are checked in steps of 45 degrees.
LOOKED_AT: Final = 8
#: A picture is rotated for faces tilted by more than this, in degrees; the rest is levelled.
TURN_ABOVE: Final = 67.5
#: Longest side, in pixels, of the copies that are rotated when nothing was found: by quarter turns, and by 45 degrees,
#: which takes longer and helps less often.
SIDE: Final = 800
SIDE_OF_EIGHTHS: Final = 400
#: And of a picture rotated before its faces are searched for: by an odd multiple of 45 degrees, and by quarter turns,
#: which cost less. Detectors are shown at most 2000 pixels a side; small faces' tilts are measured in more of them.
LARGEST_SIDE_OF_EIGHTHS: Final = 2000
LARGEST_SIDE: Final = 4000
#: Side of the crop around a face, relative to the face and in pixels.
REACH: Final = 2.2
CUT_SIDE: Final = 160
CUT_FACE: Final = round(CUT_SIDE / REACH)
#: Rotations of a picture, clockwise, in degrees: quarter turns, which are lossless, and those between.
_QUARTERS: Final = (90, 180, 270)
_EIGHTHS: Final = (45, 315, 135, 225)
#: Tilts to try, in degrees clockwise, the likeliest first. Those near the detected tilt, tried anyway, are skipped.
_TILTS: Final = (0, 45, -45, 90, -90, 135, -135, 180)
_NEAR: Final = 22.5
_AROUND: Final = (128, 128, 128)
_ROTATIONS: Final = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}


@dataclass(frozen=True, slots=True)
class Found:
    """The faces of a picture, in its pixels, largest first; rotation: see ``FrameResult``.

    left_out: how many more there are than may be named (see ``crowds``).
    """

    faces: tuple[Face, ...]
    rotation: int = 0
    left_out: int = 0


def find(detector: FaceDetector, rgb: RGB) -> Found:
    """All faces in an RGB uint8 (H, W, 3) picture, whichever way up it is, of which as many as may be named."""
    every = detector.detect(rgb)
    seen = named(every)
    if not detector.scored:
        return Found(tuple(seen), left_out=len(every) - len(seen))
    faces = _tilts_measured(detector, rgb, seen)
    rotation = _which_way(seen, faces) if seen else _nothing_upright(detector, rgb)
    if not rotation:
        return Found(tuple(faces), left_out=len(every) - len(faces))
    turned = _Turned(rgb, rotation)
    every = detector.detect(turned.rgb)
    seen = named(every)
    faces = [turned.back(face) for face in _tilts_measured(detector, turned.rgb, seen)]
    return Found(tuple(largest_first(faces, rgb)), rotation, len(every) - len(seen))


def _tilts_measured(detector: FaceDetector, rgb: RGB, faces: Sequence[Face]) -> list[Face]:
    """The same faces with corrected tilts."""
    unsure = [face for face in faces if face.score is not None and face.score < SURE][:LOOKED_AT]
    return [
        (_tilt_sought if face in unsure else _tilt_mended)(detector, _Views(rgb, around(face.box)), face)
        for face in faces
    ]


def _tilt_mended(detector: FaceDetector, views: "_Views", face: Face) -> Face:
    """Corrects the tilt by what remains in the levelled crop: large tilts are underestimated."""
    if abs(face.angle) <= LEVEL_ABOVE:
        return face
    again = detector.detect(views.at(face.angle), CUT_FACE)
    return replace(face, angle=_degrees(face.angle + again[0].angle)) if again else face


def _tilt_sought(detector: FaceDetector, views: "_Views", face: Face) -> Face:
    """Takes the tilt whose levelled crop scores highest, so that a chin is not mistaken for a forehead."""
    as_seen = face.angle if abs(face.angle) > LEVEL_ABOVE else 0.0
    others = (tilt for tilt in _TILTS if abs(_degrees(tilt - as_seen)) > _NEAR)
    surest = -math.inf
    for tilt in (as_seen, *others):
        seen = detector.detect(views.at(tilt), CUT_FACE)
        score = _best(seen) - (LEAD if tilt != as_seen else 0)
        if seen and score > surest:
            surest, face = score, replace(face, angle=_degrees(tilt + seen[0].angle))
        if surest >= SURE:
            break
    return _tilt_mended(detector, views, face)


class _Views:
    """One face's crops for the detector, levelled for any tilt; what they are cut from is resized once."""

    def __init__(self, rgb: RGB, square: Box) -> None:
        self._rgb, self._square = rgb, square
        self._around: RGB | None = None

    def at(self, angle: float) -> RGB:
        if abs(angle) <= LEVEL_ABOVE:
            return crop(self._rgb, self._square, CUT_SIDE, CUT_SIDE, 3)
        if self._around is None:
            self._around = surroundings(self._rgb, self._square, CUT_SIDE, CUT_SIDE, 3)
        return level(self._around, angle)


def _which_way(seen: Sequence[Face], faces: Sequence[Face]) -> int:
    """The rotation that the largest faces vote for, weighted by area; 0 if a face was surely upright."""
    if any(face.score is None or face.score >= SURE for face in seen):
        return 0
    votes = dict.fromkeys((0, *_QUARTERS), 0)
    for face in faces[:ASKED]:
        upright = abs(face.angle) <= TURN_ABOVE
        votes[0 if upright else round(-face.angle / 90) * 90 % 360] += face.box.area
    return max(votes, key=lambda turn: votes[turn])


def _nothing_upright(detector: FaceDetector, rgb: RGB) -> int:
    """The rotation at which a face is found after all; 0 if there is none."""
    for turns, side in ((_QUARTERS, SIDE), (_EIGHTHS, SIDE_OF_EIGHTHS)):
        small = at_most(rgb, side)
        scores = {turn: _best(detector.detect(_Turned(small, turn).rgb)) for turn in turns}
        best = max(scores, key=lambda turn: scores[turn])
        if scores[best] >= SURE_WHEN_TURNED:
            return best
    return 0


def around(box: Box) -> Box:
    """The square with the same centre, ``REACH`` times the box's size."""
    side = max(round(REACH * box.area**0.5), 1)
    return Box(round(box.x + (box.width - side) / 2), round(box.y + (box.height - side) / 2), side, side)


def _best(faces: Sequence[Face]) -> float:
    """The highest score; faces without scores count as 0."""
    return max((face.score or 0.0 for face in faces), default=0.0)


class _Turned:
    """A picture rotated clockwise by a multiple of 45 degrees, and the mapping back to the original.

    The picture is first reduced to at most ``LARGEST_SIDE`` pixels a side, or ``LARGEST_SIDE_OF_EIGHTHS``, so that the
    memory for it is bounded. Smaller ones are turned by quarters exactly; by eighths with padding in gray: repeated
    edge pixels make streaks in which networks see faces.
    """

    def __init__(self, rgb: RGB, degrees: int) -> None:
        self._degrees = degrees
        small = at_most(rgb, LARGEST_SIDE if degrees in _ROTATIONS else LARGEST_SIDE_OF_EIGHTHS)
        self._columns, self._rows = small.shape[1], small.shape[0]
        self._scale = max(small.shape) / max(rgb.shape)
        if degrees in _ROTATIONS:
            self.rgb = np.asarray(cv2.rotate(small, _ROTATIONS[degrees]), np.uint8)
            return
        side = round((small.shape[0] + small.shape[1]) / math.sqrt(2))
        # OpenCV's angles are counter-clockwise.
        turn = cv2.getRotationMatrix2D((small.shape[1] / 2, small.shape[0] / 2), -degrees, 1.0)
        turn[:, 2] += side / 2 - small.shape[1] / 2, side / 2 - small.shape[0] / 2
        self._back = cv2.invertAffineTransform(turn)
        self.rgb = np.asarray(cv2.warpAffine(small, turn, (side, side), borderValue=_AROUND), np.uint8)

    def back(self, face: Face) -> Face:
        """A face of the rotated picture, in pixels of the original."""
        return replace(
            face, box=self._box(face.box), crop=self._box(face.crop), angle=_degrees(face.angle - self._degrees)
        )

    def _box(self, box: Box) -> Box:
        if self._degrees == 180:
            return self._whole(
                self._columns - box.x - box.width, self._rows - box.y - box.height, box.width, box.height
            )
        if self._degrees == 90:
            return self._whole(box.y, self._rows - box.x - box.width, box.height, box.width)
        if self._degrees == 270:
            return self._whole(self._columns - box.y - box.height, box.x, box.height, box.width)
        x, y = self._back @ (box.x + box.width / 2, box.y + box.height / 2, 1) / self._scale
        width, height = round(box.width / self._scale), round(box.height / self._scale)
        return Box(round(x - width / 2), round(y - height / 2), width, height)

    def _whole(self, x: int, y: int, width: int, height: int) -> Box:
        """A box of the reduced picture, in whole pixels of the original."""
        return Box(*(round(value / self._scale) for value in (x, y, width, height)))


def _degrees(angle: float) -> float:
    """The same angle from -180 to 180, rounded to 0.1 degree."""
    return round((angle + 180) % 360 - 180, 1)
