"""YuNet's graphs by picture size: what is held, and that strips give what the whole gives."""

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from emotion_core.images import RGB
from emotion_core.recognition import sized_graphs
from emotion_core.recognition.sized_graphs import (
    GraphInStrips,
    SizedGraph,
    SizedGraphs,
    free_large_graphs,
    free_unneeded_graphs,
)
from emotion_core.recognition.yunet import YuNetDetector
from emotion_core.recognition.yunet_graph import HALF_REACH, HALF_STRIDE, sizeless_graph, sizeless_halves
from emotion_core.serving.workshop import SEARCH_MEMORY
from support.processes import importing
from support.yunet_weights import like_yunet


@pytest.mark.parametrize("size", [(1216, 96), (96, 1120), (800, 64), (416, 480)])
def test_in_strips_it_says_the_same_to_the_last_bit(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """No output depends on where a strip ends, and no strip is larger than it must be."""
    monkeypatch.setattr(sized_graphs, "_STRIP_PIXELS", 16_000)
    rng = np.random.default_rng(1)
    arrays, picture = like_yunet(rng), rng.integers(0, 255, (1, *size, 4), np.uint8)
    graph = GraphInStrips(sizeless_halves(arrays), size)
    assert len({len(strip) for strip in graph.strips}) == 1
    assert len(graph.strips[0]) <= max(16_000 // size[1] + HALF_STRIDE, 96)
    assert len(graph.strips) > 1 or size[0] == 96
    whole, found = SizedGraph(sizeless_graph(arrays), size)(picture), graph(picture)
    for name, values in whole.items():
        assert np.ptp(values) > 0.01 or name.startswith(("cls", "obj"))  # a sigmoid may saturate
        np.testing.assert_array_equal(found[name], values, err_msg=name)


def test_strips_overlap_by_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one row of the map less, outputs differ."""
    monkeypatch.setattr(sized_graphs, "_STRIP_PIXELS", 8_000)
    monkeypatch.setattr(sized_graphs, "HALF_REACH", HALF_REACH - HALF_STRIDE)
    rng = np.random.default_rng(1)
    arrays, picture = like_yunet(rng), rng.integers(0, 255, (1, 320, 64, 4), np.uint8)
    whole, found = (
        SizedGraph(sizeless_graph(arrays), (320, 64))(picture),
        GraphInStrips(sizeless_halves(arrays), (320, 64))(picture),
    )
    assert any((found[name] != values).any() for name, values in whole.items())


def test_the_largest_search_takes_no_more_memory_than_is_reserved() -> None:
    script = """
import numpy as np
from emotion_core.recognition.sized_graphs import SizedGraphs
from support.yunet_weights import like_yunet

def megabytes(name):
    return int(open("/proc/self/status").read().split(name)[1].split()[0]) / 1000

graphs = SizedGraphs(like_yunet(np.random.default_rng(0)))
graphs(np.zeros((1, 64, 64, 4), np.uint8))
before = megabytes("VmRSS:")
graphs(np.ones((1, 2016, 2016, 4), np.uint8))
print(megabytes("VmHWM:") - before)
"""
    told = subprocess.run(
        [sys.executable, "-c", script], env=importing(), stdout=subprocess.PIPE, text=True, check=True
    )
    copy = 3 * 2016 * 2016 / 1e6  # from which the graph's picture is made
    assert 50 < float(told.stdout) + copy < SEARCH_MEMORY / 1e6


@pytest.mark.parametrize("size", [(800, 800), (1504, 2016)])
def test_graphs_are_allocated_as_they_run(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteRT holds Python's global lock before: no thread of a server answers then."""
    from ai_edge_litert.interpreter import Interpreter

    held, usual = list[float](), Interpreter.allocate_tensors

    def watched(one: Any) -> None:
        start = time.thread_time()
        usual(one)
        held.append(time.thread_time() - start)

    monkeypatch.setattr(Interpreter, "allocate_tensors", watched)
    graphs, picture = SizedGraphs(like_yunet(np.random.default_rng(0))), np.zeros((1, *size, 4), np.uint8)
    start = time.process_time()
    graphs(picture)
    assert len(held) > 1
    assert sum(held) < (time.process_time() - start) / 20


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


def test_all_detectors_share_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks for another detector in turn fills no second cache, and has no second large graph."""
    monkeypatch.setattr(sized_graphs, "SMALL", 400)
    monkeypatch.setattr(sized_graphs, "_MOST_PIXELS", 64 * (64 + 96 + 128))
    one, other = (SizedGraphs(like_yunet(np.random.default_rng(seed))) for seed in (1, 2))
    for graphs, rows in ((one, 448), (one, 64), (other, 96), (one, 128), (one, 64)):
        graphs(np.zeros((1, rows, 64, 4), np.uint8))
    assert (one.held, other.held) == ([(448, 64), (128, 64), (64, 64)], [(96, 64)])
    for rows in (448, 128):
        other(np.zeros((1, rows, 64, 4), np.uint8))
    assert (one.held, other.held) == ([(64, 64)], [(448, 64), (128, 64)])  # the first's 128 made the last room
    for rows in (32, 64, 96, 160, 32):
        other(np.zeros((1, rows, 32, 4), np.uint8))
        assert len(one.held) + len(other.held) <= 1 + sized_graphs._MOST_SIZES
    free_unneeded_graphs(-1)
    assert one.held == other.held == []


def test_detectors_take_turns_with_large_graphs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two detectors' large graphs, one is held and at work at a time."""
    both = [SizedGraphs(like_yunet(np.random.default_rng(seed))) for seed in (1, 2)]
    most, usual, pictures = list[int](), GraphInStrips.__call__, np.zeros((1, 832, 64, 4), np.uint8)

    def watched(graph: Any, picture: NDArray[np.uint8]) -> Any:
        most.append(sum(len(graphs.held) for graphs in both))
        time.sleep(0.01)
        assert sized_graphs._ONLY_LARGE.locked()
        return usual(graph, picture)

    monkeypatch.setattr(GraphInStrips, "__call__", watched)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: both[number % 2](pictures), range(8)))
    assert most == [1] * 8
    free_large_graphs()
    assert [graphs.held for graphs in both] == [[], []]


def test_a_large_one_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless it is at work."""
    monkeypatch.setattr(sized_graphs, "SMALL", 100)
    graphs = SizedGraphs(like_yunet(np.random.default_rng(1)))
    small, large = (np.zeros((1, side, 64, 4), np.uint8) for side in (64, 128))
    for _ in range(2):
        graphs(small)
        graphs(large)
        assert graphs.held == [(128, 64), (64, 64)]
        with sized_graphs._ONLY_LARGE:
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
    usual = GraphInStrips.__call__

    def watched(graph: Any, picture: NDArray[np.uint8]) -> Any:
        nonlocal at_work, most
        with watch:
            at_work += 1
            most = max(most, at_work)
        try:
            return usual(graph, picture)
        finally:
            with watch:
                at_work -= 1

    pictures = [np.asarray(Image.fromarray(astronaut).resize((side, side))) for side in (1024, 1280, 1024, 1280)]
    with patch.object(GraphInStrips, "__call__", watched), ThreadPoolExecutor(4) as pool:
        found = list(pool.map(detector.detect, pictures))
    assert [len(faces) for faces in found] == [1] * 4
    assert most == 1
