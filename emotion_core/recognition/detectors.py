"""Faces in a picture: YuNet where its file can be had, OpenCV's Haar cascade otherwise.

The crops copy FER-2013's own framing. Over 600 of its test faces, Haar's box was 0.97 of the
crop's side, and YuNet's 0.805 wide and 1.019 high, which gives the two margins below.
"""

import threading
from pathlib import Path
from typing import Final, Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from ..images import RGB
from ..results import Box, Face

#: Longest side, in pixels, of the copy on which faces are sought. Haar costs more, and sees
#: more faces where there are none, the larger the copy.
YUNET_SIDE: Final = 1024
HAAR_SIDE: Final = 800
#: Smaller pictures are enlarged to this: a lone 48x48 face is too small for either detector.
SMALLEST_SIDE: Final = 256
#: Of the last stage. False boxes on clothes and flags scored up to 3, real faces mostly more.
HAAR_MIN_WEIGHT: Final = 2.5
HAAR_MARGIN: Final = 1.03
YUNET_MARGIN: Final = 1.10


class FaceDetector(Protocol):
    """Finds faces; safe to call from several threads at once."""

    name: str

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        """Faces of an RGB uint8 (H, W, 3) picture, in its pixels, largest first.

        near: for a cut around one face that is about as many pixels wide: only faces of some such
        size are sought, in the cut as it is.
        """
        ...


class YuNetDetector:
    """YuNet (Wu, Peng, Yu 2023, doi:10.1007/s11633-023-1423-y), through OpenCV.

    model: the bytes of ``face_detection_yunet_2023mar.onnx``.
    """

    name = "YuNet"

    def __init__(self, model: bytes, min_score: float = 0.7) -> None:
        buffer, nothing = np.frombuffer(model, np.uint8), np.empty(0, np.uint8)
        # The input size is a state of a detector, and another size costs more than a small picture: hence two.
        self._whole, self._near = (
            (cv2.FaceDetectorYN.create("onnx", buffer, nothing, (320, 320), min_score, 0.3, 5000), threading.Lock())
            for _ in range(2)
        )

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        """Faces in RGB uint8 (H, W, 3), largest first; see ``FaceDetector``."""
        small, scale = (rgb, 1.0) if near else _for_detection(rgb, YUNET_SIDE)
        bgr = cv2.cvtColor(small, cv2.COLOR_RGB2BGR)
        detector, lock = self._near if near else self._whole
        with lock:
            detector.setInputSize((bgr.shape[1], bgr.shape[0]))
            _, found = detector.detect(bgr)
        faces = []
        for row in found if found is not None else ():
            x, y, width, height = (float(value) / scale for value in row[:4])
            side = YUNET_MARGIN * float(np.sqrt(max(width, 1) * max(height, 1)))
            faces.append(_face(x, y, width, height, side, min(float(row[-1]), 1.0)))
        return largest_first(faces, rgb)


class HaarDetector:
    """Viola and Jones 2001 (doi:10.1109/CVPR.2001.990517), with the cascade of OpenCV's wheel."""

    name = "Haar cascade"

    def __init__(self) -> None:
        path = Path(cv2.__file__).parent / "data" / "haarcascade_frontalface_default.xml"
        self._cascade = cv2.CascadeClassifier(str(path))
        self._lock = threading.Lock()

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        """Faces in RGB uint8 (H, W, 3), largest first; see ``FaceDetector``."""
        small, scale = (rgb, 1.0) if near else _for_detection(rgb, HAAR_SIDE)
        gray = cv2.equalizeHist(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY))
        smallest = max(24, round(0.7 * near) if near else min(gray.shape) // 30)
        largest = round(1.45 * near) if near else 0  # 0: no bound
        with self._lock:
            found, _, weights = self._cascade.detectMultiScale3(
                gray, 1.1, 4, minSize=(smallest, smallest), maxSize=(largest, largest), outputRejectLevels=True
            )
        faces = []
        for row, weight in zip(found, weights, strict=True):
            if weight < HAAR_MIN_WEIGHT:
                continue
            x, y, width, height = (float(value) / scale for value in row)
            faces.append(_face(x, y, width, height, HAAR_MARGIN * width, None))
        return largest_first(faces, rgb)


class WholePicture:
    """For pictures that are a face already, as data sets come: the picture is the face's box.

    The network is shown its middle square, as training shows it.
    """

    name = "none"

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:  # noqa: ARG002
        """Faces in RGB uint8 (H, W, 3), largest first; see ``FaceDetector``."""
        height, width = rgb.shape[:2]
        side = min(height, width)
        return [Face(Box(0, 0, width, height), Box((width - side) // 2, (height - side) // 2, side, side))]


def crop(rgb: RGB, square: Box, height: int, width: int, channels: int) -> NDArray[np.uint8]:
    """Cut ``square`` out and resize it: uint8 (height, width, channels), gray for 1 channel.

    Beyond the picture's edges the edge pixels are repeated.
    """
    rows, columns = rgb.shape[:2]
    x0, y0, x1, y1 = square.x, square.y, square.x + square.width, square.y + square.height
    top, left = min(max(y0, 0), rows - 1), min(max(x0, 0), columns - 1)
    inside = rgb[top : max(min(y1, rows), top + 1), left : max(min(x1, columns), left + 1)]
    padding = (max(-y0, 0), max(y1 - rows, 0), max(-x0, 0), max(x1 - columns, 0))
    part = cv2.cvtColor(inside, cv2.COLOR_RGB2GRAY) if channels == 1 else inside
    if any(padding):
        part = cv2.copyMakeBorder(part, *padding, cv2.BORDER_REPLICATE)
    method = cv2.INTER_AREA if part.shape[0] > height else cv2.INTER_LINEAR
    resized = cv2.resize(part, (width, height), interpolation=method)
    return np.asarray(resized, np.uint8).reshape(height, width, channels)


def _for_detection(rgb: RGB, side: int) -> tuple[RGB, float]:
    """A copy of a size that suits the detectors, and its scale."""
    longest = max(rgb.shape[:2])
    scale = min(side / longest, max(1.0, SMALLEST_SIDE / longest))
    if scale == 1:
        return rgb, 1.0
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    size = (max(round(rgb.shape[1] * scale), 1), max(round(rgb.shape[0] * scale), 1))
    return np.asarray(cv2.resize(rgb, size, interpolation=method), np.uint8), scale


def _face(x: float, y: float, width: float, height: float, side: float, score: float | None) -> Face:
    side = max(side, 1)
    square = Box(round(x + (width - side) / 2), round(y + (height - side) / 2), round(side), round(side))
    return Face(Box(round(x), round(y), max(round(width), 1), max(round(height), 1)), square, score)


def largest_first(faces: list[Face], rgb: RGB) -> list[Face]:
    """Boxes cut to the picture; those that lie outside it are dropped."""
    rows, columns = rgb.shape[:2]
    kept = []
    for face in faces:
        x0, y0 = max(face.box.x, 0), max(face.box.y, 0)
        x1, y1 = min(face.box.x + face.box.width, columns), min(face.box.y + face.box.height, rows)
        if x1 > x0 and y1 > y0:
            kept.append(Face(Box(x0, y0, x1 - x0, y1 - y0), face.crop, face.score))
    return sorted(kept, key=lambda face: -face.box.area)
