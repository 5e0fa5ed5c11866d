"""Byte offsets of the sizes in a LiteRT graph that a browser must set.

The server's interpreter can resize tensors; the browser's runtime needs every size fixed and cannot
change them. So the file is sent unmodified, under its own hash, together with the offsets of the
numbers to overwrite.
"""

import struct
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from ..errors import BundleError
from .yunet_graph import MULTIPLE, yunet_arrays, yunet_graph

#: Sides, in multiples of 32 pixels, of two graphs to compare: chosen so that no two sizes are equal.
_FIRST: Final = (3, 5)
_SECOND: Final = (7, 11)


class SideMark(NamedTuple):
    """The little-endian int32 at ``offset`` holds ``side / stride + more``; axis 0 is the height, 1 the width."""

    offset: int
    axis: int
    stride: int
    more: int


class MarkedYuNet(NamedTuple):
    """A detector's graph for some size, and every offset at which that size is written."""

    graph: bytes
    sides: tuple[SideMark, ...]


def batch_marks(graph: bytes) -> list[int]:
    """Byte offsets of the little-endian int32 -1 that mark a dynamic batch size.

    Raises BundleError if this is not a LiteRT graph, or if a dimension other than the first is dynamic.
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
    """YuNet's ONNX file -> its graph with the offsets of its sizes; BundleError for another file."""
    arrays = yunet_arrays(model)
    one, other = (yunet_graph(arrays, rows * MULTIPLE, columns * MULTIPLE) for rows, columns in (_FIRST, _SECOND))
    first, second = (np.frombuffer(graph, "<i4", len(graph) // 4) for graph in (one, other))
    changed = np.flatnonzero(first != second)
    return MarkedYuNet(one, tuple(_side_mark(int(at) * 4, int(first[at]), int(second[at])) for at in changed))


def _side_mark(offset: int, first: int, second: int) -> SideMark:
    """Which side a number depends on, from its values in the first and the second graph."""
    for axis in (0, 1):
        small, large = _FIRST[axis] * MULTIPLE, _SECOND[axis] * MULTIPLE
        stride, rest = divmod(large - small, second - first)
        if rest == 0 and stride in (1, 2, 4, 8, 16, 32):
            return SideMark(offset, axis, stride, first - small // stride)
    raise BundleError("The face detector's graph depends on its picture's sides in an unknown way.")
