"""What every detector of faces does, and the detectors that there are.

The crops copy FER-2013's own framing: each detector's box was measured against it (see ``MARGIN``).
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
    """Finds faces; safe to call from several threads at once."""

    name: str
    #: Whether its faces have scores, by which it can be told which way up a face is.
    scored: bool

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        """Faces of an RGB uint8 (H, W, 3) picture, in its pixels, largest first.

        near: for a cut around one face that is about as many pixels wide: only faces of some such
        size are sought, in the cut as it is.
        """
        ...


class WholePicture:
    """For pictures that are a face already, as data sets come: the picture is the face's box.

    The network is shown its middle square, as training shows it.
    """

    name = "none"
    scored = False

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:  # noqa: ARG002
        """Faces in RGB uint8 (H, W, 3), largest first; see ``FaceDetector``."""
        height, width = rgb.shape[:2]
        side = min(height, width)
        return [Face(Box(0, 0, width, height), Box((width - side) // 2, (height - side) // 2, side, side))]
