"""The interface of face detectors, and the available detectors.

Crops reproduce FER-2013's framing: each detector's box was measured against it (see ``MARGIN``).
"""

from typing import Protocol

from ..images import RGB
from ..results import Box, Face
from .boxes import largest_first
from .haar import HaarDetector
from .levelling import crop
from .yunet import SlimeFaceDetector, YuNetDetector

__all__ = [
    "FaceDetector",
    "HaarDetector",
    "SlimeFaceDetector",
    "WholePicture",
    "YuNetDetector",
    "crop",
    "largest_first",
]


class FaceDetector(Protocol):
    """Finds faces. Thread-safe."""

    name: str
    #: Whether its faces have scores, which show which way up a face is.
    scored: bool

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        """Faces in an RGB uint8 (H, W, 3) picture, in its pixels, largest first.

        near: for a crop around one face, its approximate width in pixels: only faces of about that
        size are searched for, without rescaling the crop.
        """
        ...


class WholePicture:
    """For pictures that are already one face, as in data sets: the whole picture is the face's box.

    The network gets its centre square, as in training.
    """

    name = "none"
    scored = False

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:  # noqa: ARG002
        """Faces in RGB uint8 (H, W, 3), largest first; see ``FaceDetector``."""
        height, width = rgb.shape[:2]
        side = min(height, width)
        return [Face(Box(0, 0, width, height), Box((width - side) // 2, (height - side) // 2, side, side))]
