"""HDR and colour tags: pictures look as intended."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video.reformatter import ColorPrimaries, ColorRange, ColorTrc

from support.streams import frames_of, of_planes, pictures

#: FFmpeg's number for the BT.2020 matrix.
BT2020 = 9


def _pq(nits: Any) -> Any:
    power = (np.maximum(nits, 0) / 10_000) ** (2610 / 16384)
    return ((3424 / 4096 + 2413 / 128 * power) / (1 + 2392 / 128 * power)) ** (2523 / 32)


def _hlg(nits: Any) -> Any:
    luma = nits @ np.array([0.2627, 0.6780, 0.0593])
    scene = nits / 1000 * np.maximum(luma / 1000, 1e-6)[..., None] ** (1 / 1.2 - 1)
    return np.where(
        scene <= 1 / 12, np.sqrt(3 * scene), 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-6)) + 0.55991073
    )


@pytest.mark.parametrize(("trc", "signal"), [(ColorTrc.SMPTE2084, _pq), (ColorTrc.ARIB_STD_B67, _hlg)])
def test_hdr_looks_like_the_ordinary_picture(tmp_path: Path, trc: ColorTrc, signal: Callable[[Any], Any]) -> None:
    """A picture with white at 203 nits, as recorded by HDR cameras, in BT.2020 colours."""
    original = frames_of(1)[0]
    to_2020 = np.array([[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]])
    nits = 203 * (original / 255) ** 2.4 @ to_2020.T
    deep = np.round(np.clip(signal(nits), 0, 1) * 65535).astype(np.uint16)
    path = tmp_path / "hdr.mp4"
    with av.open(str(path), "w") as out:
        track: Any = out.add_stream("libx265", rate=25, width=320, height=240, pix_fmt="yuv420p10le")
        track.options = {"x265-params": "log-level=none:lossless=1", "preset": "ultrafast"}
        context = track.codec_context
        context.color_trc, context.color_primaries, context.colorspace = trc, ColorPrimaries.BT2020, BT2020
        context.color_range = ColorRange.MPEG
        for number in range(3):
            frame = av.VideoFrame.from_ndarray(deep, format="rgb48le").reformat(
                format="yuv420p10le", dst_colorspace=9, dst_color_range=ColorRange.MPEG
            )
            frame.pts, frame.time_base = number, Fraction(1, 25)
            frame.color_trc, frame.color_primaries, frame.colorspace = trc, ColorPrimaries.BT2020, BT2020
            out.mux(track.encode(frame))
        out.mux(track.encode(None))
    for found in (pictures(path)[1][1], of_planes(path)[1]):
        assert abs(found.mean() - original.mean()) < 5
        middle = (original > 40) & (original < 200)
        assert np.abs(found.astype(int) - original)[middle].mean() < 6


@pytest.mark.parametrize("matrix", [1, 6])
def test_colours_are_those_of_the_tag(tmp_path: Path, matrix: int) -> None:
    """With BT.709 and BT.601, both for the analysis and in the planes."""
    original = np.zeros((64, 96, 3), np.uint8)
    original[:, :32], original[:, 32:64], original[:, 64:] = (200, 30, 30), (30, 180, 60), (60, 60, 200)
    path = tmp_path / "tagged.mp4"
    with av.open(str(path), "w") as out:
        track: Any = out.add_stream("libx264", rate=25, width=96, height=64, options={"crf": "5"})
        track.codec_context.colorspace, track.codec_context.color_range = matrix, ColorRange.MPEG
        frame = av.VideoFrame.from_ndarray(original).reformat(
            format="yuv420p", dst_colorspace=1 if matrix == 1 else 5, dst_color_range=ColorRange.MPEG
        )
        out.mux([*track.encode(frame), *track.encode(None)])
    for [found] in (pictures(path)[1], of_planes(path)):
        assert np.abs(found.astype(int) - original)[:, [10, 48, 80]].max() <= 6
