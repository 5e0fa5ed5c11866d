"""Photos as people take them: the face is found, cut out and turned level as serving does it."""

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..images import RGB
from ..recognition.detectors import FaceDetector
from ..recognition.levelling import crop
from ..recognition.resolve import resolve_detector


class FaceSeeker:
    """A photo in, its largest face out, as ``load`` takes it for ``seek``."""

    def __init__(self, detector: FaceDetector | None = None) -> None:
        """detector: by default the best available; raises an EmotionError when there is none."""
        self.detector = detector or resolve_detector("auto")[0]

    def __call__(self, rgb: RGB, side: int, channels: int) -> NDArray[np.uint8]:
        """RGB uint8 (H, W, 3) -> uint8 (side, side, channels); DataError where no face is found."""
        faces = self.detector.detect(rgb)
        if not faces:
            raise DataError("no face found in it")
        return crop(rgb, faces[0].crop, side, side, channels, faces[0].angle)
