"""YuNet's graphs for pictures of all sizes, within a bound of memory.

LiteRT allocates one for the size of its picture, which takes as long as searching it. Video frames, crops from them and
copies of photos come in the same few sizes again and again, so graphs are kept; but each takes about 96 bytes per
pixel. One that works in strips takes 20 megabytes and 31 bytes per pixel. The bound holds for all of a process
together, however many detectors it has: who sends pictures may ask for each in turn.

No size is known to LiteRT before a graph runs. What it knows earlier it allocates while it holds Python's global lock:
up to 80 ms for each size, in which no thread of a server answered.
"""

import math
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, TypeAlias
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from .classifier import graph_threads
from .litert import interpreter
from .yunet_graph import (
    BODY,
    HALF_BODY,
    HALF_REACH,
    HALF_STRIDE,
    MULTIPLE,
    Arrays,
    sizeless_graph,
    sizeless_halves,
)

#: Graphs for sides up to ``SMALL`` pixels are cached: at most ``_MOST_SIZES`` of them, for so many pixels in all.
SMALL: Final = 800
_MOST_SIZES: Final = 6
_MOST_PIXELS: Final = 1_200_000
#: Pixels of a strip of a larger picture, and the rows that it has at least: with more the overlap costs less, but the
#: strip takes more memory, and longer to allocate: these are as fast as 400,000.
_STRIP_PIXELS: Final = 300_000
_FEWEST_ROWS: Final = 96

#: Output name -> float32 (H / stride, W / stride, C).
Outputs: TypeAlias = dict[str, NDArray[np.float32]]


class _Run:
    """A loaded graph of one input of any shape: an array -> its outputs by name. One call at a time."""

    def __init__(self, graph: bytes) -> None:
        self._interpreter: Any = interpreter(graph, graph_threads())
        self._input, self._told = (one["index"] for one in self._interpreter.get_input_details())
        self._outputs = {one["name"]: one["index"] for one in self._interpreter.get_output_details()}
        self._shape: tuple[int, ...] = ()

    def __call__(self, values: NDArray[Any]) -> Outputs:
        self.entry(values.shape)[:] = values
        return self.outputs()

    def entry(self, shape: tuple[int, ...]) -> NDArray[Any]:
        """The input itself, of that shape, to be filled; nobody may have it any more when the graph runs."""
        if shape != self._shape:
            self._interpreter.resize_tensor_input(self._input, shape)
            self._interpreter.allocate_tensors()  # of the two inputs alone: the rest follows from what the shape is
            self._shape = shape
        self._interpreter.set_tensor(self._told, np.array(shape, np.int32))
        return np.asarray(self._interpreter.tensor(self._input)())

    def outputs(self) -> Outputs:
        """By name, for what ``entry`` was filled with."""
        self._interpreter.invoke()
        return {name: self._interpreter.get_tensor(index)[0] for name, index in self._outputs.items()}


class SizedGraph:
    """The graph for one picture size: uint8 (1, H, W, 4) -> outputs by name. Thread-safe."""

    def __init__(self, graph: bytes, size: tuple[int, int]) -> None:
        """graph: as ``sizeless_graph`` writes it."""
        self.size = size
        self._run = _Run(graph)
        self._lock = threading.Lock()
        #: The time.monotonic() of its last picture.
        self.used = time.monotonic()

    def __call__(self, picture: NDArray[np.uint8]) -> Outputs:
        """The outputs for a picture of that size."""
        with self._lock:
            self.used = time.monotonic()
            return self._run(picture)


class GraphInStrips:
    """The same outputs to the last bit, in less memory, for one call at a time.

    The first half of the network has the largest maps by far: it runs on one strip of the picture's rows after
    another.
    """

    def __init__(self, halves: tuple[bytes, bytes], size: tuple[int, int]) -> None:
        """halves: as ``sizeless_halves`` writes them."""
        self.size = size
        self.strips = strips(size)
        self._first, self._second = map(_Run, halves)
        self.used = time.monotonic()

    def __call__(self, picture: NDArray[np.uint8]) -> Outputs:
        """The outputs for a picture of that size."""
        self.used = time.monotonic()
        height, width = (side // HALF_STRIDE for side in self.size)
        whole, known = self._second.entry((1, height, width, BODY[HALF_BODY - 1])), 0
        for strip in self.strips:
            found = self._first(picture[:, strip.start : strip.stop])["map"]
            end = height if strip.stop == self.size[0] else (strip.stop - HALF_REACH) // HALF_STRIDE
            start = strip.start // HALF_STRIDE
            whole[0, known:end] = found[known - start : end - start]
            known = end
        del whole
        return self._second.outputs()


def strips(size: tuple[int, int]) -> list[range]:
    """The rows of each strip of a picture (height, width), all of one length.

    They overlap so far that each row of the first half's map is known from one that has all it looks at.
    """
    height, width = size
    overlap, most = 2 * HALF_REACH, max(_STRIP_PIXELS // width, _FEWEST_ROWS)
    count = max(-(-(height - overlap) // (most - overlap)), 1)
    rows = min(up(-(-(height + (count - 1) * overlap) // count), HALF_STRIDE), height)
    return [range(start, start + rows) for start in (min(at * (rows - overlap), height - rows) for at in range(count))]


class SizedGraphs:
    """Runs YuNet's weights on uint8 (1, H, W, 4) of any sides that are multiples of 32. Thread-safe.

    Small sizes are cached; of large ones, one graph, in strips, is held and used at a time. All of a process share
    these bounds: the graph that was used least recently makes room, whoever has it.
    """

    def __init__(self, arrays: Sequence[Arrays]) -> None:
        self._graph, self._halves = sizeless_graph(arrays), sizeless_halves(arrays)
        self._small: dict[tuple[int, int], SizedGraph] = {}
        self._large: GraphInStrips | None = None
        with _CHOICE:
            _EVERYONES.add(self)

    def __call__(self, picture: NDArray[np.uint8]) -> Outputs:
        """The outputs for the whole picture."""
        size = (picture.shape[1], picture.shape[2])
        return self._small_of(size)(picture) if max(size) <= SMALL else self._large_outputs(picture, size)

    @property
    def held(self) -> list[tuple[int, int]]:
        """The sizes whose graphs are held, the one used last at the end, a large one first."""
        with _CHOICE:
            small = sorted(self._small.values(), key=_last_use)
        large = self._large
        return [*([large.size] if large else []), *(graph.size for graph in small)]

    def _large_outputs(self, picture: NDArray[np.uint8], size: tuple[int, int]) -> Outputs:
        with _ONLY_LARGE:  # a graph of a large size takes much memory: one at a time, built and used
            if self._large is None or self._large.size != size:
                _drop_large()  # freed before the next one is built
                self._large = GraphInStrips(self._halves, size)
            return self._large(picture)

    def _small_of(self, size: tuple[int, int]) -> "SizedGraph":
        """The cached graph for a small size; those unused for longest make room, before it is built."""
        with _CHOICE:
            graph = self._small.get(size)
            if graph is None:
                _make_room(math.prod(size))
                graph = self._small[size] = SizedGraph(self._graph, size)
            graph.used = time.monotonic()
            return graph


#: All that there are; who holds ``_CHOICE`` adds to them and changes their small graphs, who holds ``_ONLY_LARGE`` has
#: a large one, builds it and uses it.
_EVERYONES: Final = WeakSet[SizedGraphs]()
_CHOICE: Final = threading.Lock()
_ONLY_LARGE: Final = threading.Lock()


def free_large_graphs() -> None:
    """Give back what a large graph holds, unless it is at work: for work that needs much memory itself."""
    if _ONLY_LARGE.acquire(blocking=False):
        _drop_large()
        _ONLY_LARGE.release()


def free_unneeded_graphs(seconds: float) -> None:
    """Give back the graphs that no picture needed for so long; the large one only if it is not at work."""
    early = time.monotonic() - seconds
    with _CHOICE:
        everyones = list(_EVERYONES)
        for graphs in everyones:
            for graph in [graph for graph in graphs._small.values() if graph.used < early]:
                del graphs._small[graph.size]  # one at work lives on until its picture is done
    large = [graphs._large for graphs in everyones]
    if any(graph is not None and graph.used < early for graph in large):
        free_large_graphs()


def _last_use(graph: SizedGraph) -> float:
    return graph.used


def _drop_large() -> None:
    """Whoever has a large graph has none now; for who holds ``_ONLY_LARGE``."""
    with _CHOICE:
        everyones = list(_EVERYONES)
    for graphs in everyones:
        graphs._large = None


def _make_room(pixels: int) -> None:
    """Drop the small graphs that were used least recently until one of so many pixels fits; who holds ``_CHOICE``."""
    held = [(graph.used, graph.size, graphs._small) for graphs in _EVERYONES for graph in graphs._small.values()]
    held.sort(key=lambda one: one[0], reverse=True)
    while held and (len(held) >= _MOST_SIZES or pixels + sum(math.prod(size) for _, size, _ in held) > _MOST_PIXELS):
        _, size, small = held.pop()
        del small[size]


def up(side: int, multiple: int = MULTIPLE) -> int:
    """The next multiple, by default of 32."""
    return -(-side // multiple) * multiple
