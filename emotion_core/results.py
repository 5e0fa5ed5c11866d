"""What an analysis returns: frozen, self-checking, JSON-ready."""

import math
from dataclasses import dataclass

from typing_extensions import TypedDict


class BoxDict(TypedDict):
    """A ``Box`` as JSON, in pixels."""

    x: int
    y: int
    width: int
    height: int


class FaceDict(TypedDict):
    """A ``Prediction`` as JSON; probabilities and confidence are 0 to 1."""

    box: BoxDict
    detection_score: float | None
    emotion: str
    confidence: float
    uncertain: bool
    probabilities: dict[str, float]


class FrameDict(TypedDict):
    """A ``FrameResult`` as JSON, faces largest first."""

    width: int
    height: int
    model: str
    detector: str
    faces: list[FaceDict]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in the picture's pixels; x and y are its left and top edges."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"A box needs a positive size, not {self.width}x{self.height}.")

    @property
    def area(self) -> int:
        return self.width * self.height

    def overlap(self, other: "Box") -> float:
        """Intersection over union, 0 to 1."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(width, 0) * max(height, 0)
        return shared / (self.area + other.area - shared)

    def to_dict(self) -> BoxDict:
        return {"x": self.x, "y": self.y, "width": self.width, "height": self.height}


@dataclass(frozen=True, slots=True)
class Face:
    """A detected face: its box, and the square around it that the network is shown.

    score: the detector's confidence, 0 to 1; None from a detector that gives none.
    """

    box: Box
    crop: Box
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """The perceived expression of one face: calibrated probabilities over the labels.

    uncertain: the network's best guess is weak (see ``UncertainRule`` in ``bundle``).
    """

    face: Face
    labels: tuple[str, ...]
    probabilities: tuple[float, ...]
    uncertain: bool = False

    def __post_init__(self) -> None:
        if not self.labels or len(self.labels) != len(self.probabilities):
            raise ValueError(f"{len(self.labels)} labels do not fit {len(self.probabilities)} probabilities.")
        if min(self.probabilities) < 0 or not math.isclose(sum(self.probabilities), 1, abs_tol=1e-4):
            raise ValueError(f"The probabilities must be at least 0 and sum to 1, not {sum(self.probabilities)}.")

    @property
    def confidence(self) -> float:
        return max(self.probabilities)

    @property
    def label(self) -> str:
        return self.labels[self.probabilities.index(self.confidence)]

    def ranked(self) -> list[tuple[str, float]]:
        """(label, probability), most probable first."""
        return sorted(zip(self.labels, self.probabilities, strict=True), key=lambda pair: -pair[1])

    def to_dict(self) -> FaceDict:
        return {
            "box": self.face.box.to_dict(),
            "detection_score": self.face.score,
            "emotion": self.label,
            "confidence": self.confidence,
            "uncertain": self.uncertain,
            "probabilities": dict(zip(self.labels, self.probabilities, strict=True)),
        }


@dataclass(frozen=True, slots=True)
class FrameResult:
    """All faces of one picture, largest first. No face is a normal result.

    width, height: of the upright picture, in pixels. model, detector: what answered.
    """

    width: int
    height: int
    predictions: tuple[Prediction, ...]
    model: str
    detector: str

    def to_dict(self) -> FrameDict:
        return {
            "width": self.width,
            "height": self.height,
            "model": self.model,
            "detector": self.detector,
            "faces": [prediction.to_dict() for prediction in self.predictions],
        }
