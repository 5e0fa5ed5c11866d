"""YuNet as a LiteRT graph, rebuilt from the weights in its ONNX file, for servers and browsers.

OpenCV reads the weights, and the graph is written with the schema inside LiteRT's package, so a server
needs neither TensorFlow nor ONNX. The graph takes a picture as browsers store it, uint8 (1, H, W, 4)
RGBA with sides that are multiples of 32, and returns for each stride of 8, 16 and 32 pixels the heads
``cls``, ``obj``, ``bbox`` and ``kps`` as float32 (1, H / stride, W / stride, C) with C = 1, 1, 4, 10.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import BundleError
from .graph_writer import GraphWriter

STRIDES: Final = (8, 16, 32)
#: The output heads for each stride, in file order, and their channels.
HEADS: Final = {"cls": 1, "bbox": 4, "obj": 1, "kps": 10}
#: Sides must be multiples of this many pixels.
MULTIPLE: Final = 32
#: Output channels of YuNet's convolutions before the heads, in file order.
BODY: Final = (16, *(16, 16), *(16, 16), *(32, 32), *(32, 32), *(64, 64), *(64,) * 18)
#: Between the two halves of the network: the map's stride in pixels, the convolutions before it, and how far above and
#: below itself, in pixels of the picture, a row of the map looks.
HALF_STRIDE: Final = 8
HALF_BODY: Final = 11
HALF_REACH: Final = 24

Arrays = tuple[NDArray[np.float32], NDArray[np.float32]]


def yunet_graph(arrays: Sequence[Arrays], height: int, width: int) -> bytes:
    """The weights of YuNet's file -> a ``.tflite`` graph for pictures of that size in pixels.

    Raises ValueError for sides that are not multiples of 32.
    """
    if height < MULTIPLE or width < MULTIPLE or height % MULTIPLE or width % MULTIPLE:
        raise ValueError(f"YuNet needs pictures whose sides are multiples of {MULTIPLE}, not {height}x{width}.")
    graph, convolutions = GraphWriter(), iter(arrays)
    picture = graph.tensor("picture", (1, height, width, 4), "UINT8")
    return graph.pack([picture], _second_half(graph, convolutions, _first_half(graph, convolutions, picture)))


def sizeless_graph(arrays: Sequence[Arrays]) -> bytes:
    """The same for pictures of all sizes, with a second input: the picture's shape, int32 (4,).

    LiteRT knows no size before it runs, so that it allocates memory as it runs, when others have Python's global lock.
    """
    graph, convolutions = GraphWriter(sizeless=True), iter(arrays)
    inputs, picture = graph.shaped("picture", (1, MULTIPLE, MULTIPLE, 4), "UINT8")
    return graph.pack(inputs, _second_half(graph, convolutions, _first_half(graph, convolutions, picture)))


def sizeless_halves(arrays: Sequence[Arrays]) -> tuple[bytes, bytes]:
    """``sizeless_graph`` as two graphs, the first one for a strip of a picture's rows, a multiple of 8.

    The first half gives the float32 map (1, rows / 8, W / 8, 64) of a strip, uint8 (1, rows, W, 4); the second one
    takes the map of the whole picture. Each has its first input's shape as a second one.
    """
    graph, convolutions = GraphWriter(sizeless=True), iter(arrays)
    inputs, picture = graph.shaped("picture", (1, MULTIPLE, MULTIPLE, 4), "UINT8")
    first = graph.pack(inputs, {"map": _first_half(graph, convolutions, picture)})
    graph, side = GraphWriter(sizeless=True), MULTIPLE // HALF_STRIDE
    inputs, between = graph.shaped("map_before", (1, side, side, BODY[HALF_BODY - 1]), "FLOAT32")
    return first, graph.pack(inputs, _second_half(graph, convolutions, between))


def _unit(graph: GraphWriter, convolutions: Iterator[Arrays], x: int, after: bool = True) -> int:
    """A pointwise and a depthwise convolution; after: followed by a ReLU."""
    return graph.depthwise(graph.pointwise(x, *next(convolutions)), *next(convolutions), relu=after)


def _first_half(graph: GraphWriter, convolutions: Iterator[Arrays], picture: int) -> int:
    """From the picture to the map with a stride of 8 pixels."""
    unit = partial(_unit, graph, convolutions)
    x = graph.stem(picture, *next(convolutions))
    x = graph.pool(unit(x))
    x = unit(unit(x))
    x = unit(unit(x))
    return graph.pool(x)


def _second_half(graph: GraphWriter, convolutions: Iterator[Arrays], x: int) -> dict[str, int]:
    """From that map to the heads, by name."""
    unit = partial(_unit, graph, convolutions)
    fine = unit(unit(x))  # strides of 8, 16 and 32 pixels
    middle = unit(unit(graph.pool(fine)))
    coarse = unit(unit(graph.pool(middle)))
    coarse = unit(coarse)
    middle = unit(graph.add(middle, graph.twice(coarse)))
    fine = unit(graph.add(fine, graph.twice(middle)))
    outputs = {}
    for head in HEADS:
        for stride, source in zip(STRIDES, (fine, middle, coarse), strict=True):
            last = unit(source, after=False)
            outputs[f"{head}_{stride}"] = graph.sigmoid(last) if HEADS[head] == 1 else last
    return outputs


def yunet_arrays(model: bytes) -> list[Arrays]:
    """Kernels (out, in, rows, columns) and biases (out,) of all convolutions, in the order of YuNet's ONNX file.

    Raises BundleError for any other file.
    """
    try:
        net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        layers = [net.getLayer(number) for number in range(1, len(net.getLayerNames()) + 1)]
    except cv2.error as error:
        raise BundleError("The face detector's file is not an ONNX graph that OpenCV can read.") from error
    found = [layer.blobs for layer in layers if layer.type == "Convolution"]
    heads = [channels for head in HEADS for channels in [HEADS[head]] * 6]
    if [len(blobs[0]) for blobs in found] != [*BODY, *heads]:
        raise BundleError("The face detector's file is not the YuNet network of March 2023.")
    return [(np.asarray(blobs[0], np.float32), np.asarray(blobs[1], np.float32).ravel()) for blobs in found]
