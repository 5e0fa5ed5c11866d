"""Drawing on planes gives the same result as drawing on pictures."""

import av
import cv2
import numpy as np
import pytest
from av.video.reformatter import ColorRange, Colorspace

from emotion_core import Box, Face, Prediction
from emotion_core.render import paint
from emotion_core.video.drawing import paint_i420, to_yuv
from support import clips

LABELS = ("happy", "sad")


def said(x: int, y: int, width: int, height: int, happy: float) -> tuple[Prediction, str]:
    box = Box(x, y, width, height)
    return Prediction(Face(box, box), LABELS, (happy, 1 - happy)), f"{x} happy 90%"


@pytest.mark.parametrize("matrix", [Colorspace.ITU601, Colorspace.ITU709])
def test_boxes_and_captions_on_planes(matrix: Colorspace) -> None:
    """At odd coordinates, across the edges, captions above and below: luma accurate to one pixel, chroma to two."""
    faces = [
        said(41, 61, 77, 91, 0.9),
        said(-20, -10, 90, 80, 0.2),
        said(260, 190, 90, 90, 0.8),
        said(150, 5, 60, 50, 0.3),
    ]
    wanted = clips.background()
    plain = av.VideoFrame.from_ndarray(wanted).reformat(
        format="yuv420p", dst_colorspace=matrix, dst_color_range=ColorRange.MPEG
    )
    pixels = np.ascontiguousarray(plain.to_ndarray(), np.uint8)
    paint_i420(pixels, faces, matrix)
    paint(wanted, faces)
    y, u, v = to_yuv(wanted, matrix)
    height = wanted.shape[0]
    assert np.abs(pixels[:height].astype(int) - y).mean() < 1
    assert np.abs(pixels[:height].astype(int) - y).max() < 8
    small = np.concatenate(
        [cv2.resize(part, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA).ravel() for part in (u, v)]
    )
    assert np.abs(pixels[height:].ravel().astype(int) - small).mean() < 1.2
    assert np.abs(small.astype(int) - 128).mean() > 3  # the picture does have colour


def test_outside_of_the_picture_nothing_is_drawn() -> None:
    pixels = np.full((360, 320), 128, np.uint8)
    paint_i420(pixels, [said(400, 300, 40, 40, 0.9)], Colorspace.ITU601)
    assert (pixels[:, :200] == 128).all()
