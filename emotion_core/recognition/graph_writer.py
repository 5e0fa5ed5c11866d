"""Writes LiteRT graphs, operation by operation, with the schema inside LiteRT's package."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


def _schema() -> Any:
    from ai_edge_litert import schema_py_generated

    return schema_py_generated


@dataclass
class GraphWriter:
    """A LiteRT graph under construction: each method adds an operation and returns its tensor's index.

    sizeless: the sizes that it is written with are examples, and its input ``shaped`` has any when it runs.
    """

    sizeless: bool = False
    tensors: list[Any] = field(default_factory=list)
    buffers: list[Any] = field(default_factory=lambda: [_schema().BufferT()])  # by convention the first one is empty
    operators: list[Any] = field(default_factory=list)
    codes: list[int] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def tensor(self, name: str, shape: tuple[int, ...], kind: str = "FLOAT32", data: Any = None) -> int:
        """A new tensor, a constant if it has data."""
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

    def shaped(self, name: str, shape: tuple[int, ...], kind: str) -> tuple[list[int], int]:
        """Two inputs, values and their shape, which LiteRT learns as the graph runs; and the values so shaped."""
        inputs = [self.tensor(name, shape, kind), self.tensor("shape", (len(shape),), "INT32")]
        return inputs, self._add("RESHAPE", inputs, shape, None, kind)

    def stem(self, picture: int, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> int:
        """The first convolution, stride 2, adapted from the file's BGR to RGBA input."""
        _, rows, columns, _ = self._shape(picture)
        x = self._add("CAST", [picture], (1, rows, columns, 4), self._options("Cast"))
        around = self._constant("around", np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32), "INT32")
        x = self._add("PAD", [x, around], (1, rows + 2, columns + 2, 4), self._options("Pad"))
        rgba = np.concatenate([kernel[:, ::-1], np.zeros_like(kernel[:, :1])], axis=1).transpose(0, 2, 3, 1)
        return self._convolve(x, rgba, bias, (1, rows // 2, columns // 2, len(kernel)), step=2, relu=True)

    def pointwise(self, x: int, kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> int:
        """A convolution of single pixels."""
        shape = (*self._shape(x)[:3], len(kernel))
        return self._convolve(x, kernel.transpose(0, 2, 3, 1), bias, shape, step=1, relu=False)

    def depthwise(self, x: int, kernel: NDArray[np.float32], bias: NDArray[np.float32], relu: bool) -> int:
        """A convolution, three by three, of each channel by itself."""
        options = self._options("DepthwiseConv2D", strideH=1, strideW=1, depthMultiplier=1)
        options.fusedActivationFunction = int(relu)
        inputs = [x, self._constant("kernel", kernel.transpose(1, 2, 3, 0)), self._constant("bias", bias)]
        return self._add("DEPTHWISE_CONV_2D", inputs, self._shape(x), options)

    def pool(self, x: int) -> int:
        """The largest of each two by two pixels."""
        batch, rows, columns, channels = self._shape(x)
        options = self._options("Pool2D", strideH=2, strideW=2, filterHeight=2, filterWidth=2)
        return self._add("MAX_POOL_2D", [x], (batch, rows // 2, columns // 2, channels), options)

    def twice(self, x: int) -> int:
        """Nearest-neighbour upsampling by 2."""
        batch, rows, columns, channels = self._shape(x)
        if self.sizeless:  # the operation below has the size that it gives as a constant
            together = self._options("Concatenation", axis=3)
            four = self._add("CONCATENATION", [x] * 4, (batch, rows, columns, 4 * channels), together)
            options = self._options("DepthToSpace", blockSize=2)
            return self._add("DEPTH_TO_SPACE", [four], (batch, 2 * rows, 2 * columns, channels), options)
        size = self._constant("size", np.array([2 * rows, 2 * columns], np.int32), "INT32")
        options = self._options("ResizeNearestNeighbor")
        return self._add("RESIZE_NEAREST_NEIGHBOR", [x, size], (batch, 2 * rows, 2 * columns, channels), options)

    def add(self, one: int, other: int) -> int:
        """The sum."""
        return self._add("ADD", [one, other], self._shape(one), self._options("Add"))

    def sigmoid(self, x: int) -> int:
        """Values from 0 to 1."""
        return self._add("LOGISTIC", [x], self._shape(x), None)

    def pack(self, inputs: list[int], outputs: dict[str, int]) -> bytes:
        """The finished graph, serialised."""
        import flatbuffers

        schema = _schema()
        for name, number in outputs.items():
            self.tensors[number].name = name
        graph = schema.SubGraphT()
        graph.name, graph.tensors, graph.operators = "yunet", self.tensors, self.operators
        graph.inputs = np.array(inputs, np.int32)
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

    def _add(
        self, operation: str, inputs: list[int], shape: tuple[int, ...], options: Any, kind: str = "FLOAT32"
    ) -> int:
        schema = _schema()
        code = getattr(schema.BuiltinOperator, operation)
        if code not in self.codes:
            self.codes.append(code)
        output = self.tensor(f"{operation.lower()}{len(self.tensors)}", shape, kind)
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
