"""OpenCV's Haar cascade: bundled with every OpenCV wheel, so the last resort."""

import threading
from pathlib import Path
from typing import Final

import cv2
import numpy as np

from ..images import RGB
from ..results import Face
from .boxes import COLUMNS, Rows, faces_of, merged
from .pyramid import copy_of, scales

#: Longest side, in pixels, of the copy that is searched: a cascade covers all face sizes by itself, and
#: the larger the copy, the more it costs and the more false faces it finds.
SIDE: Final = 800
#: Minimum weight of the last stage. False boxes on clothes and flags scored up to 3, most real faces more.
MIN_WEIGHT: Final = 2.5
#: On 600 of FER-2013's test faces the box was 0.97 of the crop's side.
MARGIN: Final = 1.03


class HaarDetector:
    """Viola and Jones 2001 (doi:10.1109/CVPR.2001.990517), with the cascade from OpenCV's wheel."""

    name = "Haar cascade"
    scored = False

    def __init__(self) -> None:
        path = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"
        self._cascade = cv2.CascadeClassifier(str(path))
        self._lock = threading.Lock()

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        """Faces in RGB uint8 (H, W, 3), largest first; see ``FaceDetector``."""
        scale = 1.0 if near else scales(max(rgb.shape[:2]), (SIDE,))[0]
        gray = cv2.equalizeHist(cv2.cvtColor(copy_of(rgb, scale), cv2.COLOR_RGB2GRAY))
        smallest = max(24, round(0.7 * near) if near else min(gray.shape) // 30)
        largest = round(1.45 * near) if near else 0  # 0: no bound
        with self._lock:
            found, _, weights = self._cascade.detectMultiScale3(
                gray, 1.1, 4, minSize=(smallest, smallest), maxSize=(largest, largest), outputRejectLevels=True
            )
        rows: Rows = np.full((len(found), COLUMNS), np.nan, np.float32)
        rows[:, :4] = np.reshape(found, (-1, 4))
        rows[:, :4] /= scale
        strength = np.reshape(weights, -1)
        rows, strength = rows[strength >= MIN_WEIGHT], strength[strength >= MIN_WEIGHT]
        return faces_of(rows[merged(rows, strength)], rgb, MARGIN, square=True)
