"""YuNet as a LiteRT graph, rebuilt from the weights in its ONNX file, for servers and browsers.

OpenCV reads the weights, and the graph is written with the schema inside LiteRT's package, so a server
needs neither TensorFlow nor ONNX. The graph takes a picture as browsers store it, uint8 (1, H, W, 4)
RGBA with sides that are multiples of 32, and returns for each stride of 8, 16 and 32 pixels the heads
``cls``, ``obj``, ``bbox`` and ``kps`` as float32 (1, H / stride, W / stride, C) with C = 1, 1, 4, 10.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import cv2
import numpy as np
from numpy.typing import NDArray

from ..errors import BundleError

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
    _check(height, width)
    graph, convolutions = _Graph(), iter(arrays)
    picture = graph.tensor("picture", (1, height, width, 4), "UINT8")
    return graph.pack(picture, _second_half(graph, convolutions, _first_half(graph, convolutions, picture)))


def yunet_halves(arrays: Sequence[Arrays], size: tuple[int, int], rows: int) -> tuple[bytes, bytes]:
    """``yunet_graph`` as two graphs, the first one for a strip of so many rows of the picture.

    The first half gives the float32 map (1, rows / 8, W / 8, 64) of a strip, uint8 (1, rows, W, 4); the second one
    takes the map of the whole picture. Raises ValueError for sides that are not multiples of 32, and rows not of 8.
    """
    height, width = size
    _check(height, width)
    if rows < HALF_STRIDE or rows % HALF_STRIDE:
        raise ValueError(f"The rows of a strip are a multiple of {HALF_STRIDE}, not {rows}.")
    graph, convolutions = _Graph(), iter(arrays)
    picture = graph.tensor("picture", (1, rows, width, 4), "UINT8")
    first = graph.pack(picture, {"map": _first_half(graph, convolutions, picture)})
    graph = _Graph()
    between = graph.tensor("map", (1, height // HALF_STRIDE, width // HALF_STRIDE, BODY[HALF_BODY - 1]))
    return first, graph.pack(between, _second_half(graph, convolutions, between))


def _check(height: int, width: int) -> None:
    if height < MULTIPLE or width < MULTIPLE or height % MULTIPLE or width % MULTIPLE:
        raise ValueError(f"YuNet needs pictures whose sides are multiples of {MULTIPLE}, not {height}x{width}.")


def _unit(graph: "_Graph", convolutions: Iterator[Arrays], x: int, after: bool = True) -> int:
    """A pointwise and a depthwise convolution; after: followed by a ReLU."""
    return graph.depthwise(graph.pointwise(x, *next(convolutions)), *next(convolutions), relu=after)


def _first_half(graph: "_Graph", convolutions: Iterator[Arrays], picture: int) -> int:
    """From the picture to the map with a stride of 8 pixels."""
    unit = partial(_unit, graph, convolutions)
    x = graph.stem(picture, *next(convolutions))
    x = graph.pool(unit(x))
    x = unit(unit(x))
    x = unit(unit(x))
    return graph.pool(x)


def _second_half(graph: "_Graph", convolutions: Iterator[Arrays], x: int) -> dict[str, int]:
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


def _schema() -> Any:
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


@dataclass
class _Graph:
    """A LiteRT graph under construction: each method adds an operation and returns its tensor's index."""

    tensors: list[Any] = field(default_factory=list)
    buffers: list[Any] = field(default_factory=lambda: [_schema().BufferT()])  # by convention the first one is empty
    operators: list[Any] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def tensor(self, name: str, shape: tuple[int, ...], kind: str = "FLOAT32", data: Any = None) -> int:
        schema = _schema()
        made = schema.TensorT()
        made.name, made.shape, made.type = name, np.array(shape, np.int32), getattr(schema.TensorType, kind)
        made.buffer = 0
        if data is not None:
            made.buffer = len(self.buffers)
            holder = schema.BufferT()
            holder.data = np.frombuffer(np.ascontiguousarray(data).tobytes(), np.uint8)
            self.buffers.append(holder)
        self.tensors.append(made)
        return len(self.tensors) - 1

    def stem(self, picture: int, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> int:
        """The first convolution, stride 2, adapted from the file's BGR to RGBA input."""
        _, rows, columns, _ = self._shape(picture)
        x = self._add("CAST", [picture], (1, rows, columns, 4), self._options("Cast"))
        around = self._constant("around", np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32), "INT32")
        x = self._add("PAD", [x, around], (1, rows + 2, columns + 2, 4), self._options("Pad"))
        rgba = np.concatenate([kernel[:, ::-1], np.zeros_like(kernel[:, :1])], axis=1).transpose(0, 2, 3, 1)
        return self._convolve(x, rgba, bias, (1, rows // 2, columns // 2, len(kernel)), step=2, relu=True)

    def pointwise(self, x: int, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> int:
        shape = (*self._shape(x)[:3], len(kernel))
        return self._convolve(x, kernel.transpose(0, 2, 3, 1), bias, shape, step=1, relu=False)

    def depthwise(self, x: int, kernel: NDArray[np.float32], bias: NDArray[np.float32], relu: bool) -> int:
        options = self._options("DepthwiseConv2D", strideH=1, strideW=1, depthMultiplier=1)
        options.fusedActivationFunction = int(relu)
        inputs = [x, self._constant("kernel", kernel.transpose(1, 2, 3, 0)), self._constant("bias", bias)]
        return self._add("DEPTHWISE_CONV_2D", inputs, self._shape(x), options)

    def pool(self, x: int) -> int:
        batch, rows, columns, channels = self._shape(x)
        options = self._options("Pool2D", strideH=2, strideW=2, filterHeight=2, filterWidth=2)
        return self._add("MAX_POOL_2D", [x], (batch, rows // 2, columns // 2, channels), options)

    def twice(self, x: int) -> int:
        """Nearest-neighbour upsampling by 2."""
        batch, rows, columns, channels = self._shape(x)
        size = self._constant("size", np.array([2 * rows, 2 * columns], np.int32), "INT32")
        options = self._options("ResizeNearestNeighbor")
        return self._add("RESIZE_NEAREST_NEIGHBOR", [x, size], (batch, 2 * rows, 2 * columns, channels), options)

    def add(self, one: int, other: int) -> int:
        return self._add("ADD", [one, other], self._shape(one), self._options("Add"))

    def sigmoid(self, x: int) -> int:
        return self._add("LOGISTIC", [x], self._shape(x), None)

    def pack(self, picture: int, outputs: dict[str, int]) -> bytes:
        """The finished graph, serialised."""
        import flatbuffers

        schema = _schema()
        for name, number in outputs.items():
            self.tensors[number].name = name
        graph = schema.SubGraphT()
        graph.name, graph.tensors, graph.operators = "yunet", self.tensors, self.operators
        graph.inputs = np.array([picture], np.int32)
        graph.outputs = np.array(list(outputs.values()), np.int32)
        model = schema.ModelT()
        model.version, model.description = 3, "YuNet (2023mar)"
        model.operatorCodes, model.subgraphs = [_code(code) for code in self.codes], [graph]
        model.buffers = self.buffers
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(model.Pack(builder), b"TFL3")
        return bytes(builder.Output())

    def _convolve(
        self, x: int, kernel: Any, bias: NDArray[np.float32], shape: tuple[int, ...], step: int, relu: bool
    ) -> int:
        options = self._options("Conv2D", strideH=step, strideW=step)
        options.padding = 1  # VALID
        options.fusedActivationFunction = int(relu)
        inputs = [x, self._constant("kernel", kernel), self._constant("bias", bias)]
        return self._add("CONV_2D", inputs, shape, options)

    def _shape(self, number: int) -> tuple[int, ...]:
        return tuple(int(side) for side in self.tensors[number].shape)

    def _constant(self, name: str, data: NDArray[Any], kind: str = "FLOAT32") -> int:
        return self.tensor(f"{name}{len(self.tensors)}", data.shape, kind, data)

    def _options(self, operation: str, **values: int) -> Any:
        made = getattr(_schema(), f"{operation}OptionsT")()
        for name, value in {"dilationWFactor": 1, "dilationHFactor": 1, **values}.items():
            if hasattr(made, name):
                setattr(made, name, value)
        return made

    def _add(self, operation: str, inputs: list[int], shape: tuple[int, ...], options: Any) -> int:
        schema = _schema()
        code = getattr(schema.BuiltinOperator, operation)
        if code not in self.codes:
            self.codes.append(code)
        output = self.tensor(f"{operation.lower()}{len(self.tensors)}", shape)
        made = schema.OperatorT()
        made.opcodeIndex = self.codes.index(code)
        made.inputs, made.outputs = np.array(inputs, np.int32), np.array([output], np.int32)
        if options is not None:
            made.builtinOptionsType = getattr(schema.BuiltinOptions, type(options).__name__.removesuffix("T"))
            made.builtinOptions = options
        self.operators.append(made)
        return output


def _code(code: int) -> Any:
    made = _schema().OperatorCodeT()
    made.builtinCode, made.deprecatedBuiltinCode, made.version = code, min(code, 127), 1
    return made
