"""A detector and a network with scripted answers at scripted times."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np
from PIL import Image

from emotion_core import Box, EmotionRecognizer, Face, Prediction
from emotion_core.images import RGB
from emotion_core.recognition.bundle_config import BundleConfig, CropShape
from emotion_core.tracking.stream import TrackedFace, TrackedFrame

LABELS = ("happy", "sad", "neutral")


class Clock:
    """A clock that advances only on command."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Scripted:
    """Detector and classifier in one: takes ``seconds`` and sees a face, or none, whatever the picture."""

    name = "scripted"
    scored = True
    config = BundleConfig(name="scripted", labels=LABELS, input=CropShape(48, 48, 1))

    def __init__(self, clock: Clock, seconds: float = 0.0) -> None:
        self.clock, self.seconds, self.in_view = clock, seconds, True

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        self.clock.now += self.seconds
        side, place = (near, (rgb.shape[0] - near) // 2) if near else (40, 20)
        return [Face(Box(place, place, side, side), Box(place, place, side, side))] if self.in_view else []

    def probabilities(self, crops: np.ndarray) -> np.ndarray:
        return np.tile((0.8, 0.1, 0.1), (len(crops), 1))

    def unmirrored(self) -> "Scripted":
        return self

    def recognizer(self) -> EmotionRecognizer:
        parts: Any = self
        return EmotionRecognizer(parts, parts)


def jpeg(rgb: RGB | None = None) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((96, 128, 3), 120, np.uint8) if rgb is None else rgb).save(file, "JPEG", quality=90)
    return file.getvalue()


def frame(time: float, shares: dict[int, Sequence[float]]) -> TrackedFrame:
    """A frame in which persons have these probabilities."""
    face = Face(Box(0, 0, 10, 10), Box(0, 0, 10, 10))
    faces = []
    for person, values in shares.items():
        prediction = Prediction(face, LABELS, tuple(values))
        faces.append(TrackedFace(person, prediction, prediction))
    return TrackedFrame(time, 128, 96, tuple(faces))


HAPPY, SAD = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)
