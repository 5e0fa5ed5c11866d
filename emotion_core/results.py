"""The results of an analysis: immutable, self-validating, convertible to JSON."""

import base64
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from typing_extensions import TypedDict

NO_FACE: Final = "No face found"
_HTML: Final = """\
<p>{{ title }}</p>
{% if picture %}<img src="data:image/jpeg;base64,{{ picture }}" alt="{{ title }}">{% endif %}
<table>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>"""


class BoxDict(TypedDict):
    """A ``Box`` as JSON, in pixels."""

    x: int
    y: int
    width: int
    height: int


class FaceDict(TypedDict):
    """A ``Prediction`` as JSON; probabilities and confidence are 0 to 1, angle in degrees (see ``Face``)."""

    box: BoxDict
    angle: float
    detection_score: float | None
    emotion: str
    confidence: float
    uncertain: bool
    doubts: list[str]
    probabilities: dict[str, float]


class FrameDict(TypedDict):
    """A ``FrameResult`` as JSON, faces largest first."""

    width: int
    height: int
    rotation: int
    notes: list[str]
    model: str
    detector: str
    faces: list[FaceDict]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels from the picture's top left corner. Raises ValueError if it has no area."""

    x: int
    y: int
    width: int
    height: int

    def __post_init__(self) -> None:
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"A box needs a positive size, not {self.width}x{self.height}.")

    @property
    def area(self) -> int:
        """In square pixels."""
        return self.width * self.height

    def overlap(self, other: "Box") -> float:
        """Intersection over union, 0 to 1."""
        width = min(self.x + self.width, other.x + other.width) - max(self.x, other.x)
        height = min(self.y + self.height, other.y + other.height) - max(self.y, other.y)
        shared = max(width, 0) * max(height, 0)
        return shared / (self.area + other.area - shared)

    def to_dict(self) -> BoxDict:
        """As JSON's types."""
        return {"x": self.x, "y": self.y, "width": self.width, "height": self.height}


@dataclass(frozen=True, slots=True)
class Face:
    """A detected face."""

    #: Its bounding box in the picture.
    box: Box
    #: The square around it that the network sees.
    crop: Box
    #: The detector's confidence, 0 to 1; None from a detector that gives none.
    score: float | None = None
    #: In-plane rotation in degrees, clockwise positive, -180 to 180; 0 if the detector finds no eyes.
    angle: float = 0.0


@dataclass(frozen=True, slots=True)
class Prediction:
    """The perceived expression of one face. Raises ValueError if probabilities and labels do not match."""

    #: The face.
    face: Face
    #: The model's labels.
    labels: tuple[str, ...]
    #: Calibrated probabilities, 0 to 1, in label order.
    probabilities: tuple[float, ...]
    #: Whether the prediction is weak (see ``UncertainRule``) or there are doubts.
    uncertain: bool = False
    #: Why the face is hard to see: any of "small", "dark", "flat", "blurred" and "faint".
    doubts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.labels or len(self.labels) != len(self.probabilities):
            raise ValueError(f"{len(self.labels)} labels do not fit {len(self.probabilities)} probabilities.")
        if min(self.probabilities) < 0 or not math.isclose(sum(self.probabilities), 1, abs_tol=1e-4):
            raise ValueError(f"The probabilities must be at least 0 and sum to 1, not {sum(self.probabilities)}.")

    @property
    def confidence(self) -> float:
        """The highest probability, 0 to 1."""
        return max(self.probabilities)

    @property
    def emotion(self) -> str:
        """The most probable label."""
        return self.labels[self.probabilities.index(self.confidence)]

    @property
    def box(self) -> Box:
        """The face's place in the picture."""
        return self.face.box

    @property
    def detection_score(self) -> float | None:
        """The detector's confidence, 0 to 1; None from a detector that gives none."""
        return self.face.score

    def ranked(self) -> list[tuple[str, float]]:
        """(label, probability), most probable first."""
        return sorted(zip(self.labels, self.probabilities, strict=True), key=lambda pair: -pair[1])

    def to_dict(self) -> FaceDict:
        """As JSON's types."""
        return {
            "box": self.face.box.to_dict(),
            "angle": self.face.angle,
            "detection_score": self.face.score,
            "emotion": self.emotion,
            "confidence": self.confidence,
            "uncertain": self.uncertain,
            "doubts": list(self.doubts),
            "probabilities": dict(zip(self.labels, self.probabilities, strict=True)),
        }


@dataclass(frozen=True, slots=True)
class FrameResult:
    """All faces in one picture, largest first. Finding no face is a normal result."""

    #: Width of the upright picture, in pixels.
    width: int
    #: Height of the upright picture, in pixels.
    height: int
    #: One per face.
    predictions: tuple[Prediction, ...]
    #: Name of the model.
    model: str
    #: Name of the face detector.
    detector: str
    #: Clockwise rotation needed to find upright faces: 90, 180 or 270, or else 45, 135, 225 or 315; 0 for none.
    #: Boxes are in the unrotated picture.
    rotation: int = 0
    #: What the user should know about the picture, for example that its file was truncated.
    notes: tuple[str, ...] = ()
    #: Draws this result on its picture, as "PNG" or "JPEG", for notebooks: from ``analyze`` of a file, or of an
    #: object that still exists. It answers None once the picture is gone, and keeps none alive.
    drawing: "Callable[[FrameResult, str], bytes | None] | None" = field(default=None, compare=False, repr=False)

    def to_dict(self) -> FrameDict:
        """As JSON's types."""
        return {
            "width": self.width,
            "height": self.height,
            "rotation": self.rotation,
            "notes": list(self.notes),
            "model": self.model,
            "detector": self.detector,
            "faces": [prediction.to_dict() for prediction in self.predictions],
        }

    def to_pandas(self) -> Any:
        """A ``pandas.DataFrame`` with one row per face; requires pandas, which nothing else needs."""
        import pandas as pd

        header, rows = table(self)
        return pd.DataFrame(rows, columns=header)

    def _repr_png_(self) -> bytes | None:
        """The picture with its faces, as shown where tables are not; None if it is not at hand (see ``drawing``)."""
        return self.drawing(self, "PNG") if self.drawing else None

    def _repr_html_(self) -> str:
        """The picture, if it is at hand, and the table of faces, as shown in notebooks."""
        from jinja2 import Environment

        header, rows = table(self)
        drawn = self.drawing(self, "JPEG") if self.drawing else None
        picture = base64.b64encode(drawn).decode() if drawn else ""
        shown = {"title": summary(self), "picture": picture, "rows": [header, *rows]}
        return Environment(autoescape=True).from_string(_HTML).render(shown)


def face_columns(labels: Iterable[str]) -> list[str]:
    """The columns for a face in every table, after those that identify the face."""
    return ["emotion", "confidence", "uncertain", "x", "y", "width", "height", "detection_score", *labels]


def face_row(prediction: Prediction) -> dict[str, Any]:
    """A face's cells by column: probabilities are 0 to 1, boxes in pixels."""
    box = prediction.box
    answer = (prediction.emotion, prediction.confidence, prediction.uncertain)
    cells = (*answer, box.x, box.y, box.width, box.height, prediction.detection_score, *prediction.probabilities)
    return dict(zip(face_columns(prediction.labels), cells, strict=True))


def table(result: FrameResult) -> tuple[list[str], list[list[Any]]]:
    """Header and one row per face, numbered from 1."""
    labels = result.predictions[0].labels if result.predictions else ()
    rows = [[number, *face_row(face).values()] for number, face in enumerate(result.predictions, 1)]
    return ["face", *face_columns(labels)], rows


def summary(result: FrameResult) -> str:
    """One line: how many faces and what they seem to express."""
    if not result.predictions:
        return NO_FACE
    count = len(result.predictions)
    names = [prediction.emotion for prediction in result.predictions]
    parts = [f"{names.count(name)} {name}" for name in dict.fromkeys(names)]
    return "1 face: " + names[0] if count == 1 else f"{count} faces: " + ", ".join(parts)
