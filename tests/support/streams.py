"""Picture streams made plane by plane, and what the reader makes of a file."""

from pathlib import Path

import av
import numpy as np
from av.video.reformatter import ColorRange

from emotion_core import VideoLimits
from emotion_core.images import RGB
from emotion_core.video.probe import OWN_MACHINE, probe
from emotion_core.video.reader import VideoReader
from support import clips


def frames_of(count: int, size: tuple[int, int] = (clips.WIDTH, clips.HEIGHT)) -> list[RGB]:
    return [clips.scene({1: clips.across(40, 60)}, index / 25, size)[0] for index in range(count)]


def pictures(path: Path, limits: VideoLimits = OWN_MACHINE, max_side: int = 1280) -> tuple[VideoReader, list[RGB]]:
    with VideoReader(path, probe(path, limits), limits, max_side) as reader:
        return reader, [picture.rgb for picture in reader]


def of_planes(path: Path) -> list[RGB]:
    """The same pictures, read through the planes that are drawn on."""
    with VideoReader(path, probe(path), OWN_MACHINE, 1280) as reader:
        found = []
        for picture in reader:
            frame = av.VideoFrame.from_ndarray(picture.i420(), format="yuv420p")
            frame.colorspace = reader.canvas.matrix if reader.canvas.matrix == 1 else 6
            frame.color_range = ColorRange.MPEG
            found.append(np.asarray(frame.to_ndarray(format="rgb24"), np.uint8))
        return found
