"""YuNet as a LiteRT graph, and the offsets in graphs at which a browser sets sizes."""

import struct
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from emotion_core import BundleError
from emotion_core.images import RGB
from emotion_core.recognition.bundle import EMBEDDED, GRAPH
from emotion_core.recognition.graph_marks import batch_marks, marked_yunet
from emotion_core.recognition.sized_graphs import SizedGraph
from emotion_core.recognition.yunet_graph import HEADS, STRIDES, sizeless_graph, yunet_arrays, yunet_graph


def outputs(graph: bytes, picture: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=graph, num_threads=1)
    interpreter.allocate_tensors()
    [entry] = interpreter.get_input_details()
    interpreter.set_tensor(entry["index"], picture[None])
    interpreter.invoke()
    return {detail["name"]: interpreter.get_tensor(detail["index"]) for detail in interpreter.get_output_details()}


def rgba(rgb: RGB, height: int, width: int) -> NDArray[np.uint8]:
    small = cv2.resize(rgb, (width, height), interpolation=cv2.INTER_AREA)
    return np.dstack([small, np.full((height, width), 255, np.uint8)])


class TestYuNet:
    @pytest.mark.parametrize(("height", "width"), [(256, 320), (128, 128), (384, 224)])
    def test_it_says_what_opencv_says(self, yunet: bytes, astronaut: RGB, height: int, width: int) -> None:
        picture = rgba(astronaut, height, width)
        found = outputs(yunet_graph(yunet_arrays(yunet), height, width), picture)
        net = cv2.dnn.readNetFromONNX(np.frombuffer(yunet, np.uint8))
        net.setInput(cv2.dnn.blobFromImage(picture[:, :, 2::-1]))
        names = [f"{head}_{stride}" for head in HEADS for stride in STRIDES]
        assert list(found) == names
        for name, expected in zip(names, net.forward(names), strict=True):
            np.testing.assert_allclose(found[name].reshape(expected.shape), expected, atol=1e-4, err_msg=name)

    def test_of_any_size_it_says_the_same(self, yunet: bytes, astronaut: RGB) -> None:
        """To the last bit, whichever sizes came before."""
        graphs = SizedGraph(sizeless_graph(yunet_arrays(yunet)), (0, 0))
        for height, width in ((256, 320), (32, 64), (384, 224), (256, 320)):
            picture = rgba(astronaut, height, width)
            found, expected = graphs(picture[None]), outputs(yunet_graph(yunet_arrays(yunet), height, width), picture)
            assert list(found) == list(expected)
            for name, values in expected.items():
                np.testing.assert_array_equal(found[name], values[0], err_msg=name)

    def test_its_sides_can_be_set(self, yunet: bytes) -> None:
        marked = marked_yunet(yunet)
        for sides in ((384, 480), (32, 1024)):
            graph = bytearray(marked.graph)
            for offset, axis, stride, more in marked.sides:
                struct.pack_into("<i", graph, offset, sides[axis] // stride + more)
            assert graph == yunet_graph(yunet_arrays(yunet), *sides)

    def test_what_it_is_not(self, yunet: bytes) -> None:
        for sides in ((0, 320), (320, 330), (-32, 32)):
            with pytest.raises(ValueError, match="multiples of 32"):
                yunet_graph(yunet_arrays(yunet), *sides)
        for other in (b"", b"no graph", yunet[: len(yunet) // 2]):
            with pytest.raises(BundleError, match="face detector"):
                yunet_arrays(other)


class TestBatch:
    @pytest.mark.parametrize("folder", sorted(EMBEDDED.iterdir()), ids=lambda path: path.name)
    def test_every_embedded_graph_can_be_fixed(self, folder: Path) -> None:
        from ai_edge_litert.interpreter import Interpreter

        graph = bytearray((folder / GRAPH).read_bytes())
        marks = batch_marks(bytes(graph))
        assert marks
        for offset in marks:
            assert struct.unpack_from("<i", graph, offset) == (-1,)
            struct.pack_into("<i", graph, offset, 1)
        assert batch_marks(bytes(graph)) == []
        before = Interpreter(model_content=(folder / GRAPH).read_bytes(), num_threads=1)
        after = Interpreter(model_content=bytes(graph), num_threads=1)
        assert (
            after.get_input_details()[0]["shape_signature"].tolist() == before.get_input_details()[0]["shape"].tolist()
        )
        face = np.random.default_rng(0).integers(0, 256, before.get_input_details()[0]["shape"], np.uint8)
        answers = []
        for interpreter in (before, after):
            interpreter.allocate_tensors()
            interpreter.set_tensor(interpreter.get_input_details()[0]["index"], face)
            interpreter.invoke()
            answers.append(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
        np.testing.assert_array_equal(*answers)

    def test_what_is_no_graph(self) -> None:
        graph = (EMBEDDED / "fer2013-custom-cnn" / GRAPH).read_bytes()
        for broken in (b"", b"x" * 100, graph[:3000]):
            with pytest.raises(BundleError, match="LiteRT graph"):
                batch_marks(broken)
