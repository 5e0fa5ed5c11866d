"""YuNet's graphs for pictures of all sizes, within a bound of memory.

A graph has one fixed size, and building it costs as much as searching a small picture. Video frames, crops from
them and copies of photos come in the same few sizes again and again, so graphs are kept; but each takes about 93
bytes per pixel.
"""

import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final, TypeAlias
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from .classifier import graph_threads
from .litert import interpreter
from .yunet_graph import MULTIPLE, Arrays, yunet_graph

#: Graphs for sides up to ``SMALL`` pixels are cached, for at most ``_MOST_SIZES`` sizes and pixels in all.
SMALL: Final = 800
_MOST_SIZES: Final = 6
_MOST_PIXELS: Final = 1_200_000
#: A picture of more pixels than this is searched in parts that overlap, which takes a quarter longer: the largest
#: copies of 4:3 photos are, those of 16:9 just not.
_PART_PIXELS: Final = 2016 * 1152
#: How many pixels away, measured on white noise, a pixel still changes an output, in its last bit; a multiple of 32.
REACH: Final = 224

#: Output name -> float32 (H / stride, W / stride, C).
Outputs: TypeAlias = dict[str, NDArray[np.float32]]


class SizedGraph:
    """The graph for one picture size: uint8 (1, H, W, 4) -> outputs by name. Thread-safe."""

    def __init__(self, arrays: Sequence[Arrays], size: tuple[int, int]) -> None:
        self.size = size
        self._interpreter: Any = interpreter(yunet_graph(arrays, *size), graph_threads())
        [self._input] = [one["index"] for one in self._interpreter.get_input_details()]
        self._outputs = {one["name"]: one["index"] for one in self._interpreter.get_output_details()}
        self._lock = threading.Lock()
        #: The time.monotonic() of its last picture.
        self.used = time.monotonic()

    def __call__(self, picture: NDArray[np.uint8]) -> Outputs:
        """The outputs for a picture of that size."""
        with self._lock:
            self.used = time.monotonic()
            self._interpreter.set_tensor(self._input, picture)
            self._interpreter.invoke()
            return {name: self._interpreter.get_tensor(index)[0] for name, index in self._outputs.items()}


class SizedGraphs:
    """Runs YuNet's weights on uint8 (1, H, W, 4) of any sides that are multiples of 32. Thread-safe.

    Small sizes are cached; of large ones, one graph is held and used at a time.
    """

    def __init__(self, arrays: Sequence[Arrays]) -> None:
        self._arrays = arrays
        self._small: OrderedDict[tuple[int, int], SizedGraph] = OrderedDict()
        self._choice = threading.Lock()
        self._large: SizedGraph | None = None
        self._only_large = threading.Lock()
        _EVERYONES.add(self)

    def __call__(self, picture: NDArray[np.uint8]) -> Outputs:
        """The outputs for the whole picture."""
        size = (picture.shape[1], picture.shape[2])
        if max(size) <= SMALL:
            return self._small_of(size)(picture)
        return in_parts(picture, 1 if size[0] >= size[1] else 2, self._large_outputs)

    @property
    def held(self) -> list[tuple[int, int]]:
        """The sizes whose graphs are held, the one used last at the end, a large one first."""
        large = self._large
        return [*([large.size] if large else []), *self._small]

    def free_large(self) -> None:
        """Drop the large graph, unless it is at work."""
        if self._only_large.acquire(blocking=False):
            self._large = None
            self._only_large.release()

    def free_unneeded(self, seconds: float) -> None:
        """Drop the graphs that no picture needed for so long; the large one only if it is not at work."""
        early = time.monotonic() - seconds
        with self._choice:
            for size in [size for size, graph in self._small.items() if graph.used < early]:
                del self._small[size]  # one at work lives on until its picture is done
        large = self._large
        if large is not None and large.used < early:
            self.free_large()

    def _large_outputs(self, picture: NDArray[np.uint8]) -> Outputs:
        size = (picture.shape[1], picture.shape[2])
        with self._only_large:  # a graph of a large size takes much memory: one at a time, built and used
            if self._large is None or self._large.size != size:
                self._large = None  # freed before the next one is built
                self._large = SizedGraph(self._arrays, size)
            return self._large(picture)

    def _small_of(self, size: tuple[int, int]) -> "SizedGraph":
        """The cached graph for a small size; the one unused for longest makes room."""
        with self._choice:
            if size not in self._small:
                self._small[size] = SizedGraph(self._arrays, size)
            self._small.move_to_end(size)
            while len(self._small) > _MOST_SIZES or sum(math.prod(each) for each in self._small) > _MOST_PIXELS:
                self._small.popitem(last=False)
            return self._small[size]


#: All that there are, for ``free_large_graphs``.
_EVERYONES: Final = WeakSet[SizedGraphs]()


def free_large_graphs() -> None:
    """Give back what large graphs hold and do not need at the moment: for work that needs much memory itself."""
    for graphs in list(_EVERYONES):
        graphs.free_large()


def free_unneeded_graphs(seconds: float) -> None:
    """Give back the graphs that no picture needed for so long."""
    for graphs in list(_EVERYONES):
        graphs.free_unneeded(seconds)


def in_parts(picture: NDArray[np.uint8], axis: int, run: Callable[[NDArray[np.uint8]], Outputs]) -> Outputs:
    """What ``run`` gives for a uint8 (1, H, W, 4) picture, in as many parts as memory demands, all of one size.

    Sides must be multiples of 32. The parts lie one after another along ``axis`` (1 or 2) and overlap so far that
    no output depends on where they end.
    """
    length, across = picture.shape[axis], picture.shape[3 - axis]
    count, step = 1, length - 2 * REACH
    while (step + 2 * REACH) * across > _PART_PIXELS and step > MULTIPLE:
        count += 1
        step = up(-(-(length - 2 * REACH) // count))
    if count == 1:
        return run(picture)
    size = step + 2 * REACH
    starts = [min(number * step, length - size) for number in range(count)]
    ends = [0, *(start + REACH for start in starts[1:]), length]
    found: dict[str, list[NDArray[np.float32]]] = {}
    for start, (first, last) in zip(starts, pairwise(ends), strict=True):
        part = np.ascontiguousarray(
            picture[:, start : start + size] if axis == 1 else picture[:, :, start : start + size]
        )
        for name, values in run(part).items():
            stride = int(name.rpartition("_")[2])
            kept = slice((first - start) // stride, (last - start) // stride)
            found.setdefault(name, []).append(values[kept] if axis == 1 else values[:, kept])
    return {name: np.concatenate(values, axis - 1) for name, values in found.items()}


def up(side: int) -> int:
    """The next multiple of 32."""
    return -(-side // MULTIPLE) * MULTIPLE
