"""Ordinary photos: the face is found, cropped and levelled as in serving."""

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..images import RGB
from ..recognition.detectors import FaceDetector
from ..recognition.levelling import crop
from ..recognition.resolve import resolve_detector


class FaceSeeker:
    """Crops the largest face of a photo; passed to ``load`` as ``seek``."""

    def __init__(self, detector: FaceDetector | None = None) -> None:
        """detector: by default the best available; raises an EmotionError when there is none."""
        self.detector = detector or resolve_detector("auto")[0]

    def __call__(self, rgb: RGB, side: int, channels: int) -> NDArray[np.uint8]:
        """RGB uint8 (H, W, 3) -> uint8 (side, side, channels); DataError if no face is found."""
        faces = self.detector.detect(rgb)
        if not faces:
            raise DataError("no face found in it")
        return crop(rgb, faces[0].crop, side, side, channels, faces[0].angle)
