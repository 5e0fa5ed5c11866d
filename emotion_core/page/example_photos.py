"""The Image tab's examples: several people, ages, skin tones and lighting, drawn by code, of no real person.

If scikit-image is installed, as it is for training, there is also a photograph: NASA's portrait of the
astronaut Eileen Collins, which is in the public domain and comes with that package. Serving does not
require scikit-image: with its dependencies it takes five times the space of the rest.
"""

import importlib.util
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Final

import numpy as np
from PIL import Image, ImageOps

from .examples import APPEARANCES, CHILD, OLD, Appearance, drawn_face

_DRAWN: Final = 420
_THUMBNAIL: Final = (104, 72)


@dataclass(frozen=True)
class Example:
    """title: what the photo shows. make: returns the photo, RGB."""

    title: str
    make: Callable[[], Image.Image]


def _group() -> Image.Image:
    return _beside(380, ("happy", APPEARANCES[0]), ("neutral", APPEARANCES[1]), ("surprise", APPEARANCES[2]))


def _generations() -> Image.Image:
    return _beside(420, ("happy", OLD), ("neutral", CHILD))


def _evening() -> Image.Image:
    """Two people in weak, red evening light."""
    bright = np.asarray(_beside(360, ("neutral", APPEARANCES[1]), ("happy", APPEARANCES[2])))
    return Image.fromarray((bright * np.array((0.7, 0.6, 0.5))).round().astype(np.uint8))


def _portrait(path: Path) -> Image.Image:
    return Image.open(path).convert("RGB")


def _beside(side: int, *people: tuple[str, Appearance]) -> Image.Image:
    """People side by side, each ``side`` pixels square: a size at which every detector finds them all."""
    whole = Image.new("RGB", (_DRAWN * len(people), _DRAWN))
    for number, (expression, person) in enumerate(people):
        whole.paste(drawn_face(expression, _DRAWN, person), (number * _DRAWN, 0))
    return whole.resize((side * len(people), side), Image.Resampling.LANCZOS)


def _astronaut() -> Path | None:
    """The portrait's file inside scikit-image, located without importing it."""
    package = importlib.util.find_spec("skimage")
    for folder in (package.submodule_search_locations or ()) if package else ():
        if (path := Path(folder) / "data" / "astronaut.png").is_file():
            return path
    return None


_PORTRAIT: Final = _astronaut()
EXAMPLES: Final = {
    **({"astronaut": Example("An astronaut", partial(_portrait, _PORTRAIT))} if _PORTRAIT else {}),
    "three": Example("Three people", _group),
    "generations": Example("Old and young", _generations),
    "evening": Example("Evening light", _evening),
}


@lru_cache(maxsize=len(EXAMPLES))
def photo_file(name: str) -> bytes:
    """The named example as a JPEG."""
    return _jpeg(EXAMPLES[name].make())


@lru_cache(maxsize=len(EXAMPLES))
def thumbnail_file(name: str) -> bytes:
    """A small JPEG of it: the middle of each person, side by side."""
    photo = EXAMPLES[name].make()
    people = max(1, round(photo.width / photo.height))
    whole = Image.new("RGB", _THUMBNAIL)
    for number in range(people):
        left, right = (round(photo.width * edge / people) for edge in (number, number + 1))
        start, end = (round(_THUMBNAIL[0] * edge / people) for edge in (number, number + 1))
        one = photo.crop((left, 0, right, photo.height))
        whole.paste(ImageOps.fit(one, (end - start, _THUMBNAIL[1]), centering=(0.5, 0.3)), (start, 0))
    return _jpeg(whole)


def _jpeg(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92)
    return file.getvalue()
