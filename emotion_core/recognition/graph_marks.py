"""Where in a LiteRT graph's bytes a size is written that another machine must set.

The server's interpreter changes sizes itself; the browser's runtime wants every size fixed, and has
nothing to change them with. So the file goes out as it is, under its own hash, with the places of the
numbers that are to be overwritten.
"""

import struct
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from ..errors import BundleError
from .yunet_graph import MULTIPLE, yunet_arrays, yunet_graph

#: Sides, in multiples of 32 pixels, of two detectors that are compared: no two of their sizes are alike.
_FIRST: Final = (3, 5)
_SECOND: Final = (7, 11)


class SideMark(NamedTuple):
    """The little-endian int32 at ``offset`` holds ``side / stride + more``; axis 0 is the height, 1 the width."""

    offset: int
    axis: int
    stride: int
    more: int


class MarkedYuNet(NamedTuple):
    """A detector's graph for some size, and all places where that size is written."""

    graph: bytes
    sides: tuple[SideMark, ...]


def batch_marks(graph: bytes) -> list[int]:
    """Byte offsets of the -1 that leave the size of the batch open, little-endian int32.

    Raises BundleError for what is no LiteRT graph, or one that leaves another size open than the first.
    """
    from ai_edge_litert.schema_py_generated import Model

    if graph[4:8] != b"TFL3":
        raise BundleError("The file is not a LiteRT graph.")
    base = np.frombuffer(graph, np.uint8).ctypes.data
    marks: list[int] = []
    try:
        model = Model.GetRootAs(graph)
        tensors = [
            model.Subgraphs(number).Tensors(place)
            for number in range(model.SubgraphsLength())
            for place in range(model.Subgraphs(number).TensorsLength())
        ]
        for tensor in tensors:
            if tensor.ShapeSignatureIsNone():
                continue
            signature = tensor.ShapeSignatureAsNumpy()
            if (signature[1:] == -1).any() or tensor.ShapeAsNumpy()[signature == -1].tolist() not in ([], [1]):
                raise BundleError("The graph leaves a size other than its batch's open.")
            if len(signature) and signature[0] == -1:
                marks.append(int(signature.ctypes.data) - base)
    except (TypeError, ValueError, AttributeError, struct.error) as error:
        raise BundleError("The file is a broken LiteRT graph.") from error
    return marks


@lru_cache(maxsize=1)
def marked_yunet(model: bytes) -> MarkedYuNet:
    """YuNet's ONNX file -> its graph with the places of its sizes; BundleError for another file."""
    arrays = yunet_arrays(model)
    one, other = (yunet_graph(arrays, rows * MULTIPLE, columns * MULTIPLE) for rows, columns in (_FIRST, _SECOND))
    first, second = (np.frombuffer(graph, "<i4", len(graph) // 4) for graph in (one, other))
    changed = np.flatnonzero(first != second)
    return MarkedYuNet(one, tuple(_side_mark(int(at) * 4, int(first[at]), int(second[at])) for at in changed))


def _side_mark(offset: int, first: int, second: int) -> SideMark:
    """Which side a number is made from that was this in the first graph and that in the second."""
    for axis in (0, 1):
        small, large = _FIRST[axis] * MULTIPLE, _SECOND[axis] * MULTIPLE
        stride, rest = divmod(large - small, second - first)
        if rest == 0 and stride in (1, 2, 4, 8, 16, 32):
            return SideMark(offset, axis, stride, first - small // stride)
    raise BundleError("The face detector's graph depends on its picture's sides in an unknown way.")
