"""Drawn stand-ins for a data set that is not available: faces with expressions, cats and dogs.

They let every line of a notebook run but teach nothing about people: a figure measured on them
only shows that the code works.
"""

from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ..labels import FER2013, FERPLUS
from .faces import SPLITS, FaceData

#: Classes of every twenty faces: uneven, like FER-2013's; one of the neutral ones is voted contempt.
_CYCLE: Final = np.repeat(np.arange(7), (3, 1, 3, 4, 3, 3, 3))
#: How an expression is drawn: the mouth's curve and opening, the brows' slope and height, the eyes' opening.
_FEATURES: Final = {
    "angry": (-0.5, 0.1, 0.9, -0.6, 0.5),
    "disgust": (-0.7, 0.4, 0.6, -0.9, 0.2),
    "fear": (-0.2, 0.6, -0.8, 0.6, 1.0),
    "happy": (1.0, 0.3, 0.0, 0.2, 0.6),
    "sad": (-1.0, 0.0, -0.9, 0.0, 0.4),
    "surprise": (0.0, 1.0, 0.0, 1.0, 1.0),
    "neutral": (0.0, 0.0, 0.0, 0.0, 0.6),
    "contempt": (0.5, 0.0, 0.2, 0.0, 0.4),
}
_FINE: Final = 4  # drawn this many times larger, then reduced, for smooth lines
_SIDE: Final = 48


def drawn_faces(count: int = 400, seed: int = 0) -> FaceData:
    """Faces of FER-2013's seven classes, 48x48 gray, with FER+ votes; 60% are for training.

    With 200 faces or more, every split has every class, and the last two faces are twins of
    training faces, as occur in the real data.
    """
    rng = np.random.default_rng(seed)
    emotion = np.resize(_CYCLE, count)
    place = np.arange(count) % len(_CYCLE)
    contempt = place == len(_CYCLE) - 1
    names = np.where(contempt, "contempt", np.array(FER2013)[emotion])
    faces = np.stack([_face(*_FEATURES[str(name)], lopsided=name == "contempt", rng=rng) for name in names])
    split = _splits(count)
    if count >= 10 * len(_CYCLE):
        faces[-2:] = faces[place[-2:]]  # copies from the first twenty, which are for training
    voted = np.array([FERPLUS.index(str(name)) for name in names])
    votes = np.full((count, len(FERPLUS)), 0.0, np.float32)
    certain = rng.uniform(0.55, 1.0, count)
    votes[np.arange(count), voted] += certain
    votes[np.arange(count), rng.integers(0, len(FERPLUS), count)] += 1 - certain
    return FaceData(faces[..., None], emotion, split, votes=votes, voted=voted)


def drawn_pets(count: int = 400, side: int = 64, seed: int = 0) -> FaceData:
    """Cats with upright ears and dogs with hanging ones, in colour; 60% are for training."""
    rng = np.random.default_rng(seed)
    kind = np.arange(count) % 2
    pictures = np.stack([_pet(bool(dog), side, rng) for dog in kind])
    return FaceData(pictures, kind, _splits(count), labels=("cat", "dog"))


def write_folders(data: FaceData, root: Path) -> Path:
    """Write the pictures as ``root/<class>/<number>.png``, a typical class folder; returns root."""
    for number, (face, label) in enumerate(zip(data.faces, data.emotion, strict=True)):
        folder = root / data.labels[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(face[..., 0] if face.shape[-1] == 1 else face).save(folder / f"{number:05d}.png")
    return root


def relabelled(data: FaceData, words: dict[str, str]) -> FaceData:
    """Only the faces with the given labels, renamed; two labels may map to the same word."""
    labels = tuple(sorted(set(words.values())))
    index = {number: labels.index(words[name]) for number, name in enumerate(data.labels) if name in words}
    kept = data.only(np.isin(data.emotion, list(index)))
    return replace(kept, emotion=np.array([index[number] for number in kept.emotion]), labels=labels)


def _splits(count: int) -> NDArray[np.str_]:
    """60% for training, then 20% for each of the others."""
    fifth = count // 5
    return np.repeat(SPLITS, [count - 2 * fifth, fifth, fifth])


def _face(
    curve: float,
    opening: float,
    slope: float,
    height: float,
    eyes: float,
    lopsided: bool,
    rng: np.random.Generator,
) -> NDArray[np.uint8]:
    """One face, uint8 (48, 48): the expression's measures with a little random variation."""
    curve, opening, slope, height, eyes = (
        value + rng.normal(0, 0.12) for value in (curve, opening, slope, height, eyes)
    )
    unit = _SIDE * _FINE / 48 * rng.uniform(0.9, 1.08)
    cx, cy = (np.array([24, 24]) * _FINE + rng.normal(0, 1.2 * _FINE, 2)).tolist()
    skin, dark = int(rng.integers(120, 225)), int(rng.integers(5, 60))
    image = Image.new("L", (_SIDE * _FINE, _SIDE * _FINE), int(rng.integers(30, 220)))
    pen, line = ImageDraw.Draw(image), round(1.6 * unit)
    pen.ellipse((cx - 18 * unit, cy - 23 * unit, cx + 18 * unit, cy + 23 * unit), fill=skin)
    for side in (-1, 1):
        x, y = cx + side * 8 * unit, cy - 6 * unit
        wide = max(0.6, 2.6 * eyes) * unit
        pen.ellipse((x - 3.4 * unit, y - wide, x + 3.4 * unit, y + wide), fill=min(skin + 35, 255))
        pen.ellipse((x - 1.5 * unit, y - min(wide, 1.5 * unit), x + 1.5 * unit, y + min(wide, 1.5 * unit)), fill=dark)
        brow, tilt = y - (6 + 2.2 * height) * unit, side * 2 * slope * unit  # inner ends down: a frown
        pen.line((x - 4.5 * unit, brow + tilt, x + 4.5 * unit, brow - tilt), fill=dark, width=line)
    across = np.linspace(-1, 1, 15)
    rise = np.where(across > 0, curve, 0.0) if lopsided else np.full(15, curve)
    x, y = cx + 9 * unit * across, cy + 12 * unit + 4 * unit * rise * (0.5 - across**2)
    gap = 5 * unit * max(opening, 0.0) * (1 - across**2)
    outline = [*zip(x.tolist(), (y - gap / 2).tolist(), strict=True)]
    outline += [*zip(x[::-1].tolist(), (y + gap)[::-1].tolist(), strict=True)]
    pen.polygon(outline, fill=dark)
    pen.line(outline[:15], fill=dark, width=line)
    return _noisy(image, _SIDE, rng)


def _pet(dog: bool, side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """One head, uint8 (side, side, 3)."""
    large = side * _FINE
    unit = large / 48 * rng.uniform(0.85, 1.1)
    cx, cy = (large / 2 + rng.normal(0, 1.5 * unit, 2)).tolist()
    fur = (rng.integers(90, 230) * np.array([1, rng.uniform(0.7, 0.95), rng.uniform(0.45, 0.8)])).astype(int)
    coat, shade = tuple(fur.tolist()), tuple((fur * 0.7).astype(int).tolist())
    image = Image.new("RGB", (large, large), tuple(rng.integers(40, 235, 3).tolist()))
    pen = ImageDraw.Draw(image)
    pen.ellipse((cx - 13 * unit, cy - 12 * unit, cx + 13 * unit, cy + 13 * unit), fill=coat)
    for way in (-1, 1):
        x = cx + way * 10 * unit
        if dog:
            pen.ellipse((x - 4.5 * unit, cy - 9 * unit, x + 4.5 * unit, cy + 12 * unit), fill=shade)
        else:
            ear = [(x - 5 * unit, cy - 6 * unit), (x + 5 * unit, cy - 6 * unit), (x + way * 3 * unit, cy - 18 * unit)]
            pen.polygon(ear, fill=shade)
            for tilt in (-2, 0, 2):
                start, end = (cx + way * 4 * unit, cy + 6 * unit), (cx + way * 15 * unit, cy + (6 + tilt) * unit)
                pen.line((*start, *end), fill="black", width=max(round(0.4 * unit), 1))
        eye = cx + way * 5 * unit
        pen.ellipse((eye - 1.8 * unit, cy - 4 * unit, eye + 1.8 * unit, cy), fill="black")
    if dog:
        pen.ellipse((cx - 6 * unit, cy + 2 * unit, cx + 6 * unit, cy + 12 * unit), fill=shade)
    pen.ellipse((cx - 2 * unit, cy + 3 * unit, cx + 2 * unit, cy + 6 * unit), fill="black")
    return _noisy(image, side, rng)


def _noisy(image: Image.Image, side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    small = np.asarray(image.resize((side, side), Image.Resampling.BOX), np.float32)
    return np.asarray(np.clip(small + rng.normal(0, 6, small.shape), 0, 255), np.uint8)
