"""Draws an analysis: boxes and labels that are readable on small and 4K photos."""

import io
import math
import os
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from .errors import EmotionError
from .images import RGB, ImageLike, load_image
from .labels import colour_of, ink_on
from .results import Box, FrameResult, Prediction

#: Smaller pictures are enlarged to this longest side, so that labels fit.
_SMALLEST: Final = 480
#: Larger ones are scaled down: WebP allows 16,383 pixels a side, JPEG 65,500.
_LARGEST: Final = 16_000
#: Longest side in a notebook.
_SHOWN: Final = 1024


def caption(prediction: Prediction, number: int | None = None) -> str:
    """``2 happy 93%``; a question mark after an uncertain expression."""
    prefix = f"{number} " if number is not None else ""
    doubt = "?" if prediction.uncertain else ""
    return f"{prefix}{prediction.emotion}{doubt} {prediction.confidence:.0%}"


def annotate(rgb: RGB, result: FrameResult) -> Image.Image:
    """Draw every face's box, expression and confidence on a copy of the picture.

    Faces are numbered, largest first, if there are several. Pictures under 480 pixels are
    enlarged, those over 16,000 scaled down, as JPEG and WebP have size limits.
    """
    return Image.fromarray(annotate_over(rgb.copy(), result))


def annotate_over(rgb: RGB, result: FrameResult) -> RGB:
    """The same, RGB uint8 (H, W, 3), drawn on the given picture itself if its size stays: large ones come once."""
    height, width = rgb.shape[:2]
    scale = max(1, -(-_SMALLEST // max(height, width)))
    if scale > 1:
        rgb = _resized(rgb, scale, Image.Resampling.LANCZOS)
    many = len(result.predictions) > 1
    paint(rgb, [(face, caption(face, n if many else None)) for n, face in enumerate(result.predictions, 1)], scale)
    if max(rgb.shape) > _LARGEST:
        rgb = _resized(rgb, _LARGEST / max(rgb.shape), Image.Resampling.BOX)
    return rgb


def _resized(rgb: RGB, factor: float, by: Image.Resampling) -> RGB:
    size = (max(round(rgb.shape[1] * factor), 1), max(round(rgb.shape[0] * factor), 1))
    return np.array(Image.fromarray(rgb).resize(size, by))


class Drawing:
    """Draws a result on the picture it came from, for notebooks, without keeping that picture in memory."""

    def __init__(self, image: ImageLike | None) -> None:
        """image: as given to ``EmotionRecognizer.analyze``: a path is read again, an array or PIL picture is drawn
        while its owner keeps it. Bytes and streams are not drawn, as they can be neither read again nor watched.
        """
        self._path = os.fspath(image) if isinstance(image, str | os.PathLike) else None
        self._image = weakref.ref(image) if isinstance(image, np.ndarray | Image.Image) else None

    def __reduce__(self) -> tuple[type["Drawing"], tuple[str | None]]:
        """In another process a path can be read again, an object not."""
        return Drawing, (self._path,)

    def __call__(self, result: FrameResult, kind: str) -> bytes | None:
        """The picture with its faces as "PNG" or "JPEG", at most 1,024 pixels a side; None if it is gone or changed."""
        image = self._path if self._image is None else self._image()
        if image is None:
            return None
        try:
            rgb = load_image(image)
        except EmotionError:
            return None
        if rgb.shape[:2] != (result.height, result.width):  # another picture by now
            return None
        drawn = annotate(rgb, result)
        drawn.thumbnail((_SHOWN, _SHOWN))
        file = io.BytesIO()
        drawn.save(file, kind)
        return file.getvalue()


@dataclass(frozen=True, slots=True)
class Stroke:
    """One drawn rectangle from (left, top) to (right, bottom), exclusive: in one colour, or a label chip.

    It may extend outside the picture. chip: text, colour, font size and padding of a label.
    """

    left: int
    top: int
    right: int
    bottom: int
    colour: str
    chip: tuple[str, str, int, int] | None = None


def strokes(size: tuple[int, int], faces: Sequence[tuple[Prediction, str]], scale: int = 1) -> Iterator[Stroke]:
    """What to draw on a picture of ``size`` (width, height): boxes and captions, the first face on top.

    scale: factor by which the picture was enlarged after detection.
    """
    longest = max(size)
    line = max(2, round(longest / 400))
    for prediction, text in reversed(faces):
        box, colour = prediction.face.box, colour_of(prediction.emotion)
        left, top = box.x * scale, box.y * scale
        right, bottom = left + box.width * scale, top + box.height * scale
        # A dark outline keeps a light colour visible on a light photo.
        yield from _outline((left - line, top - line, right + line, bottom + line), max(1, line // 2), "#000000")
        yield from _outline((left, top, right, bottom), line, colour)
        letters = round(max(12, longest / 75, min(0.16 * (right - left), longest / 24)))
        chip = (text, colour, letters, max(2, line))
        height, width = label(*chip).shape[:2]
        x = min(max(left, 0), max(size[0] - width, 0))
        above = top - height - line
        y = above if above >= 0 else max(min(bottom + line, size[1] - height), 0)
        yield Stroke(x, y, x + width, y + height, colour, chip)


def paint(rgb: RGB, faces: Sequence[tuple[Prediction, str]], scale: int = 1) -> None:
    """Draw boxes and captions on the picture in place, RGB uint8 (H, W, 3), the first face on top.

    Fast enough for every frame of a video: only the pixels of outlines and labels are touched.
    """
    for stroke in strokes((rgb.shape[1], rgb.shape[0]), faces, scale):
        place = rgb[max(stroke.top, 0) : max(stroke.bottom, 0), max(stroke.left, 0) : max(stroke.right, 0)]
        if stroke.chip is None:
            place[:] = ImageColor.getrgb(stroke.colour)
        else:
            place[:] = label(*stroke.chip)[: place.shape[0], : place.shape[1]]


def thumbnail(rgb: RGB, box: Box, side: int = 96) -> Image.Image:
    """The part of the picture in a box (clipped), at most ``side`` pixels a side."""
    x, y = max(box.x, 0), max(box.y, 0)
    cut = rgb[y : max(box.y + box.height, y + 1), x : max(box.x + box.width, x + 1)]
    image = Image.fromarray(np.ascontiguousarray(cut))
    image.thumbnail((side, side))
    return image


def _outline(edges: tuple[int, int, int, int], width: int, colour: str) -> Iterator[Stroke]:
    """The inner border, ``width`` pixels wide, of the rectangle (left, top, right, bottom)."""
    left, top, right, bottom = edges
    yield Stroke(left, top, right, top + width, colour)
    yield Stroke(left, bottom - width, right, bottom, colour)
    yield Stroke(left, top, left + width, bottom, colour)
    yield Stroke(right - width, top, right, bottom, colour)


@lru_cache(maxsize=512)
def label(text: str, colour: str, size: int, pad: int) -> RGB:
    """A caption chip, RGB uint8 (H, W, 3); cached, as a video repeats the same few."""
    font = ImageFont.load_default(size=size)
    x0, y0, x1, y1 = font.getbbox(text)
    chip = Image.new("RGB", (math.ceil(x1 - x0) + 2 * pad + 1, math.ceil(y1 - y0) + 2 * pad + 1), colour)
    draw = ImageDraw.Draw(chip)
    draw.rectangle((0, 0, chip.width - 1, chip.height - 1), outline="#000000")
    draw.text((pad - x0, pad - y0), text, font=font, fill=ink_on(colour))
    return np.asarray(chip)
