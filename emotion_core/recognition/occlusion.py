"""What the network looked at: its input crop, and which parts of it mattered."""

from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .classifier import Classifier, softmax

#: Side and step of the occluding square, as shares of the crop's side.
_SQUARE: Final = 1 / 4
_STEP: Final = 1 / 16
#: Okabe and Ito's vermilion and blue: evidence for the label, and against it.
FOR: Final = (213, 94, 0)
AGAINST: Final = (0, 114, 178)


def occlusion_map(classifier: Classifier, crop: NDArray[np.uint8], label: str) -> NDArray[np.float32]:
    """How much of the label's probability is lost when a region is occluded (Zeiler and Fergus 2014,
    arXiv:1311.2901): float32 (H, W), positive where the face is evidence for the label.

    crop: uint8 (H, W, C), as the bundle's config says. A square of the crop's mean value slides over
    it; each pixel gets the mean over the squares that cover it. Raises ValueError for a label that
    the bundle does not have.
    """
    if label not in classifier.labels:
        raise ValueError(f"The model has no label {label!r}; it has {', '.join(classifier.labels)}.")
    index = classifier.labels.index(label)
    height, width = crop.shape[:2]
    side, step = max(round(height * _SQUARE), 1), max(round(height * _STEP), 1)
    places = [(y, x) for y in range(0, height - side + 1, step) for x in range(0, width - side + 1, step)]
    covered = np.repeat(crop[None], len(places) + 1, axis=0)
    for face, (y, x) in zip(covered, places, strict=False):  # the last face stays as it is
        face[y : y + side, x : x + side] = round(float(crop.mean()))
    config = classifier.config
    shares = softmax(classifier.one_view(covered), config.temperature, config.bias)[:, index]
    total, times = np.zeros((height, width)), np.zeros((height, width))
    for (y, x), share in zip(places, shares, strict=False):
        total[y : y + side, x : x + side] += shares[-1] - share
        times[y : y + side, x : x + side] += 1
    return np.asarray(total / np.maximum(times, 1), np.float32)


def heat_picture(crop: NDArray[np.uint8], heat: NDArray[np.float32], side: int = 192) -> Image.Image:
    """The crop in gray, tinted where it counts ``FOR`` the label or ``AGAINST`` it; RGB, ``side`` pixels."""
    gray = as_seen(crop, side).convert("L")
    base = np.repeat(np.asarray(gray, np.float32)[..., None], 3, axis=2)
    strength = np.abs(heat).max()
    level = np.asarray(
        Image.fromarray(heat / strength if strength > 0 else heat).resize((side, side), Image.Resampling.BILINEAR)
    )[..., None]
    tint = np.where(level > 0, np.array(FOR, np.float32), np.array(AGAINST, np.float32))
    share = 0.75 * np.abs(level)
    return Image.fromarray((base * (1 - share) + tint * share).round().astype(np.uint8))


def as_seen(crop: NDArray[np.uint8], side: int = 192) -> Image.Image:
    """The network's input crop, enlarged with its pixels visible."""
    pixels = crop[..., 0] if crop.shape[-1] == 1 else crop
    return Image.fromarray(pixels).resize((side, side), Image.Resampling.NEAREST)
