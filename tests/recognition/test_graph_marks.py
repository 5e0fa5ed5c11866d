"""YuNet as a LiteRT graph, and the offsets in graphs at which a browser sets sizes."""

import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from emotion_core import BundleError
from emotion_core.images import RGB
from emotion_core.recognition import sized_graphs
from emotion_core.recognition.bundle import EMBEDDED, GRAPH
from emotion_core.recognition.graph_marks import batch_marks, marked_yunet
from emotion_core.recognition.sized_graphs import (
    SMALL,
    Outputs,
    SizedGraph,
    SizedGraphs,
    free_large_graphs,
    free_unneeded_graphs,
    in_parts,
)
from emotion_core.recognition.yunet import YuNetDetector
from emotion_core.recognition.yunet_graph import HEADS, STRIDES, yunet_arrays, yunet_graph
from support.yunet_weights import like_yunet


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


@pytest.mark.parametrize(("shape", "most"), [((1216, 96), 80_000), ((96, 1120), 60_000), ((800, 64), 20_000)])
def test_a_picture_in_parts_is_searched_as_if_whole(
    shape: tuple[int, int], most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Memory grows with the part, not with the picture, and no output depends on where a part ends."""
    rng = np.random.default_rng(1)
    arrays, picture = like_yunet(rng), rng.integers(0, 255, (1, *shape, 4), np.uint8)
    sizes: list[tuple[int, ...]] = []

    def run(part: NDArray[np.uint8]) -> Outputs:
        sizes.append(part.shape[1:3])
        return SizedGraph(arrays, (part.shape[1], part.shape[2]))(part)

    whole = run(picture)
    monkeypatch.setattr(sized_graphs, "_PART_PIXELS", most)
    sizes.clear()
    found = in_parts(picture, 1 if shape[0] > shape[1] else 2, run)
    assert len(sizes) > 1
    assert len(set(sizes)) == 1  # one graph serves all parts
    assert np.prod(sizes[0]) <= max(most, 480 * min(shape))
    for name, values in whole.items():
        assert np.ptp(values) > 0.01 or name.startswith(("cls", "obj"))  # a sigmoid may saturate
        np.testing.assert_allclose(found[name], values, atol=1e-5, err_msg=name)


def test_small_sizes_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many sizes come, few graphs are held, and few pixels in all."""
    monkeypatch.setattr(sized_graphs, "_MOST_PIXELS", 200_000)
    graphs = SizedGraphs(like_yunet(np.random.default_rng(1)))
    for side in (64, 96, 128, 160, 192, 224, 256, 320, 384):
        graphs(np.zeros((1, side, side, 4), np.uint8))
        held = graphs.held
        assert held[-1] == (side, side)
        assert len(held) <= sized_graphs._MOST_SIZES
        assert sum(height * width for height, width in held) <= 200_000


def test_a_large_one_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is at work."""
    monkeypatch.setattr(sized_graphs, "SMALL", 100)
    graphs = SizedGraphs(like_yunet(np.random.default_rng(1)))
    small, large = (np.zeros((1, side, 64, 4), np.uint8) for side in (64, 128))
    for _ in range(2):
        graphs(small)
        graphs(large)
        assert graphs.held == [(128, 64), (64, 64)]
        with graphs._only_large:
            free_large_graphs()
            assert graphs.held == [(128, 64), (64, 64)]
        free_large_graphs()
        assert graphs.held == [(64, 64)]


def test_graphs_that_nothing_needs_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a crowd's pictures needed is not held for ever."""
    monkeypatch.setattr(sized_graphs, "SMALL", 100)
    graphs = SizedGraphs(like_yunet(np.random.default_rng(1)))
    old, small, large = (np.zeros((1, side, 64, 4), np.uint8) for side in (96, 64, 128))
    graphs(old)
    graphs(large)
    until = time.monotonic()
    graphs(small)
    free_unneeded_graphs(time.monotonic() - until + 60)
    assert graphs.held == [(128, 64), (96, 64), (64, 64)]
    free_unneeded_graphs(time.monotonic() - until)
    assert graphs.held == [(64, 64)]
    free_unneeded_graphs(-1)
    assert graphs.held == []
    assert graphs(large).keys() == graphs(small).keys()


def test_large_pictures_share_one_graph(yunet: bytes, astronaut: RGB) -> None:
    """Graphs of large sizes take much memory: however many threads ask, one is held and used at a time."""
    detector = YuNetDetector(yunet)
    at_work, most = 0, 0
    watch = threading.Lock()
    usual = SizedGraph.__call__

    def watched(graph: Any, picture: NDArray[np.uint8]) -> Any:
        nonlocal at_work, most
        with watch:
            at_work += max(graph.size) > SMALL
            most = max(most, at_work)
        try:
            return usual(graph, picture)
        finally:
            with watch:
                at_work -= max(graph.size) > SMALL

    pictures = [np.asarray(Image.fromarray(astronaut).resize((side, side))) for side in (1024, 1280, 1024, 1280)]
    with patch.object(SizedGraph, "__call__", watched), ThreadPoolExecutor(4) as pool:
        found = list(pool.map(detector.detect, pictures))
    assert [len(faces) for faces in found] == [1] * 4
    assert most == 1
