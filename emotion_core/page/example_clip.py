"""A video of a drawn face that moves and changes expression: an example for the page, of no real person."""

import math
import tempfile
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..images import RGB
from ..video.writer import VideoWriter
from .examples import drawn_face

WIDTH, HEIGHT, RATE = 480, 360, 25
#: Shown in this order, each for the same time.
EXPRESSIONS: Final = ("happy", "surprise", "angry", "happy")
#: Share of an expression's time spent turning into the next one.
_CHANGE: Final = 0.2


def write_drawn_clip(path: Path, seconds: float = 4.0) -> Path:
    """Write an MP4 of WIDTH x HEIGHT pixels at RATE frames per second, without sound; returns ``path``."""
    frames = round(seconds * RATE)
    with VideoWriter(path, WIDTH, HEIGHT, Fraction(1, RATE), Fraction(RATE)) as writer:
        for number in range(frames):
            writer.write(drawn_scene(number / frames), number)
        writer.finish()
    return path


@lru_cache(maxsize=1)
def drawn_clip() -> bytes:
    """That file's content."""
    with tempfile.TemporaryDirectory(prefix="emotion-") as folder:
        return write_drawn_clip(Path(folder) / "drawn.mp4").read_bytes()


def drawn_scene(share: float) -> RGB:
    """The frame at this share of the video, 0 <= share < 1: RGB uint8 (HEIGHT, WIDTH, 3)."""
    number = int(share * len(EXPRESSIONS))
    turned = max(share * len(EXPRESSIONS) - number - 1 + _CHANGE, 0) / _CHANGE
    face = _drawn(EXPRESSIONS[number]) * (1 - turned)
    face += _drawn(EXPRESSIONS[min(number + 1, len(EXPRESSIONS) - 1)]) * turned
    room = WIDTH - HEIGHT
    left = round(room / 2 * (1 + math.sin(2 * math.pi * share)))
    # The drawing's outermost columns are wall, so repeating them widens the wall.
    return np.pad(face.round().astype(np.uint8), ((0, 0), (left, room - left), (0, 0)), mode="edge")


@lru_cache(maxsize=len(EXPRESSIONS))
def _drawn(expression: str) -> NDArray[np.float32]:
    return np.asarray(drawn_face(expression, HEIGHT), np.float32)
