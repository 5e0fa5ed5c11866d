"""Tone mapping from HDR (PQ and HLG, ITU-R BT.2100) to SDR, which screens show and the networks know.

FFmpeg's scaler can do something similar, but takes seconds before its first frame.
"""

import functools
import itertools
import tempfile
from pathlib import Path
from typing import Final, cast

import numpy as np
from av.filter import Graph
from av.video.format import VideoFormat
from av.video.frame import VideoFrame
from av.video.reformatter import ColorPrimaries, Colorspace, ColorTrc, VideoReformatter
from numpy.typing import NDArray

HDR: Final = (ColorTrc.SMPTE2084, ColorTrc.ARIB_STD_B67)
#: Diffuse white in nits (ITU-R BT.2408), and the peak luminance assumed for HLG.
WHITE: Final = 203.0
_HLG_PEAK: Final = 1000.0
#: Light up to this share of white is unchanged; highlights above it are compressed.
KNEE: Final = 0.75
#: Display gamma of an SDR screen (ITU-R BT.1886).
_GAMMA: Final = 2.4
#: BT.2020 to BT.709 primaries, in linear light (ITU-R BT.2087).
_PRIMARIES: Final = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]])
_LUMA: Final = np.array([0.2627, 0.6780, 0.0593])
#: Nodes per channel of the lookup table; values in between are interpolated.
_NODES: Final = 33

Values = NDArray[np.float64]


def is_hdr(frame: VideoFrame) -> bool:
    """Whether the frame is PQ or HLG."""
    return frame.color_trc in HDR


class ToneMapper:
    """Converts HDR frames of one size to SDR, in full-range 10-bit RGB. Not thread-safe.

    max_side: larger frames are scaled down to it, keeping the aspect ratio.
    """

    def __init__(self, first: VideoFrame, max_side: int) -> None:
        self._kind = _kind(first)
        scale = min(1.0, max_side / max(first.width, first.height))
        width, height = (max(round(side * scale), 2) for side in (first.width, first.height))
        self._size = width, height
        self._scaler = VideoReformatter()
        self._graph = Graph()
        source = self._graph.add_buffer(
            width=width, height=height, format=VideoFormat("gbrp10le"), time_base=first.time_base
        )
        with tempfile.TemporaryDirectory() as folder:
            table = Path(folder) / "table.cube"
            table.write_text(table_of(ColorTrc(first.color_trc)), encoding="ascii")
            # The path is a filter option's value: on Windows its colons and backslashes must be escaped.
            path = str(table).replace("\\", "/").replace(":", "\\:")
            mapped = self._graph.add("lut3d", file=path, interp="tetrahedral")
            sink = self._graph.add("buffersink")
            source.link_to(mapped)
            mapped.link_to(sink)
            self._graph.configure()

    def fits(self, frame: VideoFrame) -> bool:
        """Whether the frame has the size and transfer function this mapper was made for."""
        return _kind(frame) == self._kind

    def __call__(self, frame: VideoFrame) -> VideoFrame:
        """The frame converted to SDR."""
        wide = self._scaler.reformat(frame, *self._size, "gbrp10le", src_colorspace=Colorspace.BT2020)
        self._graph.push(wide)
        mapped = cast("VideoFrame", self._graph.pull())
        mapped.color_trc, mapped.color_primaries = ColorTrc.BT709, ColorPrimaries.BT709
        return mapped


def _kind(frame: VideoFrame) -> tuple[int, int, int]:
    return frame.color_trc, frame.width, frame.height


@functools.cache
def table_of(trc: ColorTrc) -> str:
    """A lookup table with ``_NODES`` nodes per side, as a .cube file; kept, as each size of frames needs it anew."""
    steps = np.linspace(0, 1, _NODES)
    # Red changes fastest, as the format requires.
    signal = np.array([(red, green, blue) for blue, green, red in itertools.product(steps, repeat=3)])
    rows = "\n".join(" ".join(f"{value:.6f}" for value in row) for row in ordinary(signal, trc))
    return f"LUT_3D_SIZE {_NODES}\n{rows}\n"


def ordinary(signal: Values, trc: ColorTrc) -> Values:
    """BT.2020 signals (N, 3), 0 to 1 -> BT.709 signals, scaled so that diffuse white is white."""
    light = _pq(signal) if trc == ColorTrc.SMPTE2084 else _hlg(signal)
    light = np.maximum(light / WHITE @ _PRIMARIES.T, 0)
    brightest = light.max(axis=1, keepdims=True)
    room = 1 - KNEE
    pressed = np.where(brightest > KNEE, KNEE + room * -np.expm1(-(brightest - KNEE) / room), brightest)
    light = light * pressed / np.maximum(brightest, 1e-9)
    return np.asarray(np.clip(light, 0, 1) ** (1 / _GAMMA), np.float64)


def _pq(signal: Values) -> Values:
    """PQ signals -> nits (SMPTE ST 2084)."""
    m1, m2, c1, c2, c3 = 2610 / 16384, 2523 / 32, 3424 / 4096, 2413 / 128, 2392 / 128
    power = signal ** (1 / m2)
    return np.asarray(10_000 * (np.maximum(power - c1, 0) / (c2 - c3 * power)) ** (1 / m1), np.float64)


def _hlg(signal: Values) -> Values:
    """HLG signals -> nits (ARIB STD-B67), on a screen with a peak of ``_HLG_PEAK``."""
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    scene = np.where(signal <= 0.5, signal**2 / 3, (np.exp((signal - c) / a) + b) / 12)
    return np.asarray(_HLG_PEAK * np.maximum(scene @ _LUMA, 1e-9)[:, None] ** 0.2 * scene, np.float64)
