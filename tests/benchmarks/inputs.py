"""Inputs of the benchmarks: photos and clips with known numbers of faces, over a textured, moving background.

The face is scikit-image's astronaut, the background its cup of coffee. Run as a program, it writes them all
into a folder for programs in other environments: ``python tests/benchmarks/inputs.py FOLDER``.
"""

import sys
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import av
import cv2
import numpy as np
from PIL import Image
from skimage import data as pictures

from emotion_core.images import RGB

SIZES: Final = {"VGA": (640, 480), "HD": (1280, 720), "4K": (3840, 2160)}
FACES: Final = (1, 5, 20)
#: The peer's own clip size, and the one common for phones and meetings.
CLIPS: Final = {"596x336": (596, 336, 25), "720p": (1280, 720, 30)}
CLIP_SECONDS: Final = 16


@lru_cache
def face(side: int, person: int = 0) -> RGB:
    """The portrait's face, (side, side, 3); every second person is its mirror image."""
    cut = np.asarray(pictures.astronaut())[24:216, 128:320]
    cut = cut[:, ::-1] if person % 2 else cut
    return np.asarray(cv2.resize(cut, (side, side), interpolation=cv2.INTER_AREA if side < 192 else cv2.INTER_CUBIC))


@lru_cache
def _wide_ground(width: int, height: int) -> RGB:
    cup = np.asarray(pictures.coffee())
    scale = max((width + 128) / cup.shape[1], height / cup.shape[0])
    size = (int(np.ceil(cup.shape[1] * scale)), int(np.ceil(cup.shape[0] * scale)))
    return np.asarray(cv2.resize(cup, size, interpolation=cv2.INTER_LINEAR))


def ground(width: int, height: int, shift: int = 0) -> RGB:
    """The background, cut from a slightly larger one at an offset of ``shift`` pixels."""
    return np.array(_wide_ground(width, height)[:height, shift % 128 :][:, :width])


def scene(width: int, height: int, faces: int, moved: int = 0) -> RGB:
    """A picture with ``faces`` faces in a grid, displaced by ``moved`` pixels."""
    picture = ground(width, height, moved // 2)
    columns = 1 if faces == 1 else int(np.ceil(np.sqrt(faces * width / height)))
    rows = -(-faces // columns)
    cell = min(width // columns, height // rows)
    side = round(cell * (0.6 if faces == 1 else 0.9))
    for number in range(faces):
        row, column = divmod(number, columns)
        x = (column * width) // columns + (width // columns - side) // 2
        x = min(max(x + (moved % 64 - 32 if faces == 1 else 0), 0), width - side)
        y = (row * height) // rows + (height // rows - side) // 2
        picture[y : y + side, x : x + side] = face(side, number)
    return picture


def write_photos(folder: Path) -> dict[str, Path]:
    """JPEGs of every size and number of faces: a name such as ``VGA 5`` to its path."""
    paths = {}
    for size, (width, height) in SIZES.items():
        for faces in FACES:
            path = paths[f"{size} {faces}"] = folder / f"{size}-{faces}.jpg"
            Image.fromarray(scene(width, height, faces)).save(path, quality=92)
    return paths


def write_clip(path: Path, width: int, height: int, rate: int, seconds: float, faces: int = 1) -> Path:
    """An H.264 clip in which everything moves two pixels per frame."""
    with av.open(path, "w") as out:
        options = {"preset": "veryfast", "crf": "23"}
        video: Any = out.add_stream("libx264", rate=rate, options=options, width=width, height=height)
        video.pix_fmt = "yuv420p"
        for number in range(round(rate * seconds)):
            frame = av.VideoFrame.from_ndarray(scene(width, height, faces, 2 * number))
            frame.pts, frame.time_base = number, Fraction(1, rate)
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
    return path


def write_all(folder: Path) -> None:
    """Write every photo and clip, for any program to read."""
    folder.mkdir(parents=True, exist_ok=True)
    write_photos(folder)
    for name, (width, height, rate) in CLIPS.items():
        write_clip(folder / f"{name}.mp4", width, height, rate, CLIP_SECONDS)


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
