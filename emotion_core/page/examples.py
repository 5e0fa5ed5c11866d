"""Faces drawn by code, of no real person: examples for the page, and clips and pictures for tests."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, int, int]

EXPRESSIONS: Final = ("happy", "surprise", "angry", "sad", "neutral")
_OVERSAMPLING: Final = 3
_LIP: Final[Colour] = (170, 80, 75)
_MOUTH: Final[Colour] = (105, 25, 28)
#: How far down the brows' inner ends and the whole brows are moved; how wide the eyes are open.
_BROWS: Final = {"surprise": (-0.02, -0.05), "angry": (0.05, 0.015), "sad": (-0.045, -0.02)}
_EYES: Final = {"surprise": 1.5, "happy": 0.8, "angry": 0.8}


@dataclass(frozen=True)
class Appearance:
    """The colours and age of a drawn person."""

    skin: Colour = (224, 172, 135)
    hair: Colour = (60, 40, 30)
    shirt: Colour = (70, 90, 120)
    wall: Colour = (176, 190, 205)
    #: From 0, a child's larger eyes and shorter chin, to 1, an adult's.
    grown: float = 1.0
    wrinkled: bool = False


APPEARANCES: Final = (
    Appearance(),
    Appearance((141, 94, 66), (28, 22, 20), (150, 80, 60), (205, 196, 176)),
    Appearance((240, 200, 170), (150, 95, 45), (80, 120, 90), (190, 200, 190)),
)
OLD: Final = Appearance((226, 184, 158), (150, 150, 155), (95, 85, 110), (196, 198, 190), wrinkled=True)
CHILD: Final = Appearance((215, 165, 130), (40, 28, 22), (200, 150, 60), (200, 206, 214), grown=0.5)


def drawn_face(expression: str, size: int = 360, person: Appearance = APPEARANCES[0]) -> Image.Image:
    """A face with shoulders, RGB, ``size`` pixels square; ValueError for an unknown expression."""
    if expression not in EXPRESSIONS:
        raise ValueError(f"Unknown expression {expression!r}: use one of {', '.join(EXPRESSIONS)}.")
    pen = _Pen(size * _OVERSAMPLING, person)
    pen.head()
    for side in (-1, 1):
        pen.eye(0.5 + side * 0.11, _EYES.get(expression, 1.0) * (1.25 - 0.25 * person.grown))
        pen.brow(side, *_BROWS.get(expression, (0.0, 0.0)))
    pen.nose()
    pen.mouth(expression)
    if person.wrinkled:
        pen.wrinkles()
    pixels = np.asarray(pen.image.resize((size, size), Image.Resampling.LANCZOS), np.float32)
    pixels = pixels * np.linspace(1.08, 0.88, size, dtype=np.float32)[None, :, None]  # light from the left
    pixels += np.random.default_rng(0).normal(0, 3, pixels.shape)  # no surface is perfectly even
    smooth = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    return smooth.filter(ImageFilter.GaussianBlur(size / 450))


def drawn_group(expressions: tuple[str, ...] = ("happy", "surprise", "angry"), size: int = 300) -> Image.Image:
    """Several people side by side, each with a different appearance."""
    group = Image.new("RGB", (size * len(expressions), size))
    for index, expression in enumerate(expressions):
        group.paste(drawn_face(expression, size, APPEARANCES[index % len(APPEARANCES)]), (index * size, 0))
    return group


class _Pen:
    """Draws in fractions of the picture's side."""

    def __init__(self, side: int, person: Appearance) -> None:
        self.side, self.person = side, person
        self.image = Image.new("RGB", (side, side), person.wall)
        self._draw = ImageDraw.Draw(self.image)
        self._shade = _darker(person.skin, 0.72)

    def _px(self, *shares: float) -> list[float]:
        return [share * self.side for share in shares]

    def _ellipse(self, x: float, y: float, rx: float, ry: float, fill: Colour) -> None:
        self._draw.ellipse(self._px(x - rx, y - ry, x + rx, y + ry), fill=fill)

    def head(self) -> None:
        skin, hair = self.person.skin, self.person.hair
        self._draw.rectangle(self._px(0.42, 0.75, 0.58, 0.95), fill=_darker(skin, 0.85))
        self._ellipse(0.5, 1.14, 0.4, 0.26, self.person.shirt)
        self._ellipse(0.5, 0.39, 0.3, 0.33, hair)
        for x in (0.245, 0.755):
            self._ellipse(x, 0.51, 0.035, 0.07, _darker(skin, 0.9))
        self._ellipse(0.5, 0.51 - 0.015 * (1 - self.person.grown), 0.25, 0.355 + 0.015 * self.person.grown, skin)
        self._draw.chord(self._px(0.24, 0.08, 0.76, 0.42), 180, 360, fill=hair)

    def eye(self, x: float, opened: float) -> None:
        y, height = 0.47, 0.028 * opened
        self._draw.ellipse(
            self._px(x - 0.055, y - height, x + 0.055, y + height),
            fill=(250, 250, 250),
            outline=(60, 40, 30),
            width=self.side // 200,
        )
        self._ellipse(x, y, 0.026, 0.026, (70, 50, 35))
        self._ellipse(x, y, 0.012, 0.012, (10, 10, 10))
        self._ellipse(x + 0.006, y - 0.01, 0.004, 0.004, (255, 255, 255))

    def brow(self, side: int, inner: float, whole: float) -> None:
        x, y = 0.5 + side * 0.11, 0.40 + whole
        ends = (x - side * 0.05, y + inner), (x + side * 0.065, y - inner * 0.4)
        middle = ((ends[0][0] + ends[1][0]) / 2, (ends[0][1] + ends[1][1]) / 2 - 0.015)
        points = [share for end in (ends[0], middle, ends[1]) for share in end]
        self._draw.line(self._px(*points), fill=self.person.hair, width=self.side // 45, joint="curve")

    def wrinkles(self) -> None:
        width = self.side // 220
        for y in (0.285, 0.315):
            self._draw.arc(self._px(0.38, y, 0.62, y + 0.05), 200, 340, fill=self._shade, width=width)
        for side in (-1, 1):
            x = 0.5 + side * 0.19
            for turn in (-0.02, 0.015):
                self._draw.line(self._px(x, 0.475, x + side * 0.035, 0.475 + turn), fill=self._shade, width=width)

    def nose(self) -> None:
        self._draw.line(self._px(0.5, 0.46, 0.485, 0.58), fill=self._shade, width=self.side // 90)
        self._draw.arc(self._px(0.45, 0.55, 0.55, 0.62), 20, 160, fill=self._shade, width=self.side // 80)

    def mouth(self, expression: str) -> None:
        draw, line = self._draw, self.side // 45
        if expression == "happy":
            draw.chord(self._px(0.38, 0.58, 0.62, 0.78), 10, 170, fill=_MOUTH, outline=_LIP, width=self.side // 70)
            draw.chord(self._px(0.40, 0.60, 0.60, 0.74), 12, 168, fill=(250, 250, 250))
            for x, angles in ((0.64, (300, 60)), (0.36, (120, 240))):
                draw.arc(self._px(x - 0.05, 0.58, x + 0.05, 0.72), *angles, fill=self._shade, width=self.side // 120)
        elif expression == "surprise":
            draw.ellipse(self._px(0.44, 0.66, 0.56, 0.81), fill=_MOUTH, outline=_LIP, width=self.side // 60)
        elif expression == "sad":
            draw.arc(self._px(0.41, 0.70, 0.59, 0.82), 200, 340, fill=_LIP, width=line)
        elif expression == "angry":
            draw.line(self._px(0.42, 0.73, 0.58, 0.73), fill=_LIP, width=line)
            for x in (0.478, 0.522):
                draw.line(self._px(x, 0.40, x, 0.44), fill=self._shade, width=self.side // 120)
        else:
            draw.line(self._px(0.42, 0.71, 0.5, 0.715, 0.58, 0.71), fill=_LIP, width=line)


def _darker(colour: Colour, share: float) -> Colour:
    red, green, blue = (int(channel * share) for channel in colour)
    return red, green, blue
