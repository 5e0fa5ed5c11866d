"""Small videos with known truth: where each face is in every frame, and whose it is.

The portrait's face (scikit-image's astronaut) moves over a drawn background; the second person is
its mirror image in another tint.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image
from skimage import data as pictures

from emotion_core import Box
from emotion_core.images import RGB

WIDTH, HEIGHT, SIDE = 320, 240, 96
#: Left, top, width and height of the face in the pasted tile.
FACE = (0.26, 0.21, 0.48, 0.54)
#: Time in seconds -> left edge and top of a person's tile, or None when out of sight.
Path2D = Callable[[float], tuple[float, float] | None]


@lru_cache
def tile(person: int, side: int = SIDE) -> RGB:
    """The face of person 1 or 2, (side, side, 3)."""
    face = np.asarray(pictures.astronaut())[24:216, 128:320]
    if person == 2:
        face = (face[:, ::-1] * np.array([0.55, 1.0, 0.8])).astype(np.uint8)
    return np.asarray(Image.fromarray(face).resize((side, side), Image.Resampling.LANCZOS))


def background(width: int = WIDTH, height: int = HEIGHT) -> RGB:
    """A gray gradient."""
    slope = np.add.outer(np.arange(height), np.arange(width)) * 200 // (width + height) + 20
    return np.repeat(slope[..., None], 3, axis=2).astype(np.uint8)


def scene(paths: dict[int, Path2D], time: float, size: tuple[int, int] = (WIDTH, HEIGHT)) -> tuple[RGB, dict[int, Box]]:
    """The frame at a given time, and the boxes of its faces; later persons hide earlier ones."""
    frame, truth = background(*size), {}
    for person, path in paths.items():
        if (place := path(time)) is not None:
            x, y = round(place[0]), round(place[1])
            cut = frame[y : y + SIDE, max(x, 0) : x + SIDE]
            cut[:] = tile(person)[: cut.shape[0], max(-x, 0) :][:, : cut.shape[1]]
            left, top, width, height = (round(share * SIDE) for share in FACE)
            truth[person] = Box(x + left, y + top, width, height)
    return frame, truth


def across(start: float, speed: float, top: float = 60) -> Path2D:
    """A path to the right at ``speed`` pixels per second."""
    return lambda time: (start + speed * time, top)


def encode(
    path: Path,
    frames: Sequence[RGB],
    times: Sequence[float] | None = None,
    codec: str = "libx264",
    container: str | None = None,
    options: dict[str, str] | None = None,
    rotation: int = 0,
    sound: str = "",
    rate: int = 25,
) -> Path:
    """Write frames (H, W, 3) at their times in seconds, which need not start at 0; by default ``rate`` per second.

    rotation: degrees, stored only as a display matrix. sound: codec of a 440 Hz tone.
    """
    times = times or [index / rate for index in range(len(frames))]
    speed = {"deadline": "realtime", "cpu-used": "8"} if codec.startswith("libvpx") else {"preset": "ultrafast"}
    fixed = codec in ("mpeg4", "mpeg2video")  # their clock ticks once per frame
    with av.open(path, "w", format=container, options=options or {}) as out:
        height, width = frames[0].shape[:2]
        video: Any = out.add_stream(codec, rate=rate, options={} if fixed else speed, width=width, height=height)
        video.codec_context.time_base = Fraction(1, rate) if fixed else Fraction(1, 1000)
        if rotation:
            video.set_display_rotation(rotation)
        audio: Any = out.add_stream(sound, rate=48000, layout="mono") if sound else None
        sounded = round(times[0] * 48000)
        for pixels, time in zip(frames, times, strict=True):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels))
            frame.pts, frame.time_base = round(time / video.codec_context.time_base), video.codec_context.time_base
            out.mux(video.encode(frame))
            if audio:
                samples = np.arange(sounded, round((time + 1 / rate) * 48000))
                sounded += len(samples)
                tone = (0.3 * np.sin(2 * np.pi * 440 * samples / 48000)).astype(np.float32)[None]
                part = av.AudioFrame.from_ndarray(tone, format="fltp", layout="mono")
                part.sample_rate, part.pts, part.time_base = 48000, int(samples[0]), Fraction(1, 48000)
                out.mux(audio.encode(part))
        out.mux(video.encode(None))
        if audio:
            out.mux(audio.encode(None))
    return path
