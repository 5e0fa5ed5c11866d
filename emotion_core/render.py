"""An analysis as a picture: boxes and labels that can be read on small and on 4K photos."""

from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from .images import RGB
from .results import Box, FrameResult, Prediction

#: Okabe and Ito's palette, told apart with every common colour vision; text repeats the meaning.
COLOURS: Final = {
    "angry": "#D55E00",
    "disgust": "#009E73",
    "fear": "#CC79A7",
    "happy": "#F0E442",
    "sad": "#0072B2",
    "surprise": "#E69F00",
    "neutral": "#56B4E9",
    "contempt": "#999999",
}
OTHER_COLOUR: Final = "#999999"
#: Smaller pictures are enlarged to this longest side, so that labels fit.
_SMALLEST: Final = 480


def colour_of(label: str) -> str:
    """The emotion's colour, ``#RRGGBB``; gray for labels of other data sets."""
    return COLOURS.get(label, OTHER_COLOUR)


def ink_on(colour: str) -> str:
    """Black or white, whichever reads better on a colour (WCAG relative luminance)."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if luminance > 0.179 else "#FFFFFF"


def caption(prediction: Prediction, number: int | None = None) -> str:
    """``2 happy 93%``; a question mark after an uncertain expression."""
    prefix = f"{number} " if number is not None else ""
    doubt = "?" if prediction.uncertain else ""
    return f"{prefix}{prediction.label}{doubt} {prediction.confidence:.0%}"


def annotate(rgb: RGB, result: FrameResult) -> Image.Image:
    """Draw every face's box, expression and confidence on a copy of the picture.

    Faces are numbered, largest first, when there are several. Pictures under 480 pixels come
    back enlarged.
    """
    image = Image.fromarray(rgb)
    scale = max(1, -(-_SMALLEST // max(image.size)))
    if scale > 1:
        image = image.resize((image.width * scale, image.height * scale), Image.Resampling.LANCZOS)
    draw = ImageDraw.Draw(image)
    many = len(result.predictions) > 1
    # The largest face is drawn last: its label lies on top.
    for index in reversed(range(len(result.predictions))):
        prediction = result.predictions[index]
        _draw_face(draw, image.size, prediction, scale, caption(prediction, index + 1 if many else None))
    return image


def thumbnail(rgb: RGB, box: Box, side: int = 96) -> Image.Image:
    """The part of the picture in a box (cut at the edges), at most ``side`` pixels a side."""
    x, y = max(box.x, 0), max(box.y, 0)
    cut = rgb[y : max(box.y + box.height, y + 1), x : max(box.x + box.width, x + 1)]
    image = Image.fromarray(np.ascontiguousarray(cut))
    image.thumbnail((side, side))
    return image


def _draw_face(draw: ImageDraw.ImageDraw, size: tuple[int, int], prediction: Prediction, scale: int, text: str) -> None:
    box, colour = prediction.face.box, colour_of(prediction.label)
    left, top = box.x * scale, box.y * scale
    right, bottom = left + box.width * scale - 1, top + box.height * scale - 1
    longest = max(size)
    line = max(2, round(longest / 400))
    # A dark rim keeps a light colour visible on a light photo.
    draw.rectangle((left - line, top - line, right + line, bottom + line), outline="#000000", width=max(1, line // 2))
    draw.rectangle((left, top, right, bottom), outline=colour, width=line)
    wanted = 0.16 * (right - left)
    font = ImageFont.load_default(size=max(12, longest / 75, min(wanted, longest / 24)))
    x0, y0, x1, y1 = draw.textbbox((0, 0), text, font=font)
    pad = max(2, line)
    width, height = x1 - x0 + 2 * pad, y1 - y0 + 2 * pad
    x = min(max(left, 0), max(size[0] - width, 0))
    above = top - height - line
    y = above if above >= 0 else min(bottom + line, size[1] - height)
    draw.rectangle((x, y, x + width, y + height), fill=colour, outline="#000000")
    draw.text((x + pad - x0, y + pad - y0), text, font=font, fill=ink_on(colour))
