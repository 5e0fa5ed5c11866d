"""What an analysis returns: frozen, self-checking, JSON-ready."""

import csv
import io
import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from typing_extensions import TypedDict

NO_FACE: Final = "No face found"
_HTML: Final = """\
<p>{{ title }}</p>
<table>{% for row in rows %}<tr>{% for cell in row %}<td>{{ cell }}</td>{% endfor %}</tr>{% endfor %}</table>"""
#: How a cell begins that a spreadsheet takes for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


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
    """A rectangle in the picture's pixels, from its left and top edges. Raises ValueError for one without an area."""

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

    #: Where it is in the picture.
    box: Box
    #: The square around it that the network is shown.
    crop: Box
    #: The detector's confidence, 0 to 1; None from a detector that gives none.
    score: float | None = None
    #: How far it is turned, in degrees, clockwise positive, -180 to 180; 0 where the detector finds no eyes.
    angle: float = 0.0


@dataclass(frozen=True, slots=True)
class Prediction:
    """The perceived expression of one face. Raises ValueError for probabilities that do not fit its labels."""

    #: Whose expression it is.
    face: Face
    #: The model's labels.
    labels: tuple[str, ...]
    #: Calibrated, 0 to 1, in the order of the labels.
    probabilities: tuple[float, ...]
    #: Whether the best guess is weak (see ``UncertainRule``), or there are doubts.
    uncertain: bool = False
    #: Why too little of the face can be seen: any of "small", "dark", "flat", "blurred" and "faint".
    doubts: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.labels or len(self.labels) != len(self.probabilities):
            raise ValueError(f"{len(self.labels)} labels do not fit {len(self.probabilities)} probabilities.")
        if min(self.probabilities) < 0 or not math.isclose(sum(self.probabilities), 1, abs_tol=1e-4):
            raise ValueError(f"The probabilities must be at least 0 and sum to 1, not {sum(self.probabilities)}.")

    @property
    def confidence(self) -> float:
        """The greatest probability, 0 to 1."""
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
    """All faces of one picture, largest first. No face is a normal result."""

    #: Of the upright picture, in pixels.
    width: int
    #: Of the upright picture, in pixels.
    height: int
    #: One per face.
    predictions: tuple[Prediction, ...]
    #: The name of the model that answered.
    model: str
    #: The name of the detector that found the faces.
    detector: str
    #: 90, 180 or 270 where faces were found only after turning the picture clockwise, 45, 135, 225 or 315 where these
    #: turns did not do; boxes fit the unturned one.
    rotation: int = 0
    #: What a reader should know of the picture, such as that its file was cut short.
    notes: tuple[str, ...] = ()

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
        """A ``pandas.DataFrame``, a row per face; pandas, which nothing else needs, must be installed."""
        import pandas as pd

        header, rows = table(self)
        return pd.DataFrame(rows, columns=header)

    def _repr_html_(self) -> str:
        """What a notebook shows: the table of faces."""
        from jinja2 import Environment

        header, rows = table(self)
        return Environment(autoescape=True).from_string(_HTML).render(title=summary(self), rows=[header, *rows])


def face_columns(labels: Iterable[str]) -> list[str]:
    """The columns that a face has in every table, after those that say which face it is."""
    return ["emotion", "confidence", "uncertain", "x", "y", "width", "height", "detection_score", *labels]


def face_row(prediction: Prediction) -> dict[str, Any]:
    """A face's cells by column: probabilities are 0 to 1 under their labels, boxes in pixels."""
    box = prediction.box
    answer = (prediction.emotion, prediction.confidence, prediction.uncertain)
    cells = (*answer, box.x, box.y, box.width, box.height, prediction.detection_score, *prediction.probabilities)
    return dict(zip(face_columns(prediction.labels), cells, strict=True))


def table(result: FrameResult) -> tuple[list[str], list[list[Any]]]:
    """Header and one row per face, numbered from 1."""
    labels = result.predictions[0].labels if result.predictions else ()
    rows = [[number, *face_row(face).values()] for number, face in enumerate(result.predictions, 1)]
    return ["face", *face_columns(labels)], rows


def csv_row(cells: Iterable[Any]) -> list[Any]:
    """The cells for a line of CSV: text that a spreadsheet would run as a formula begins with an apostrophe."""
    return [f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell for cell in cells]


def as_csv(result: FrameResult) -> str:
    """The table as CSV, with a header even when there is no face."""
    text = io.StringIO(newline="")
    header, rows = table(result)
    csv.writer(text).writerows(map(csv_row, [header, *rows]))
    return text.getvalue()


def as_json(result: FrameResult) -> str:
    """``FrameResult.to_dict()`` as indented JSON."""
    return json.dumps(result.to_dict(), indent=2)


def summary(result: FrameResult) -> str:
    """One line: how many faces and what they seem to express."""
    if not result.predictions:
        return NO_FACE
    count = len(result.predictions)
    names = [prediction.emotion for prediction in result.predictions]
    parts = [f"{names.count(name)} {name}" for name in dict.fromkeys(names)]
    return "1 face: " + names[0] if count == 1 else f"{count} faces: " + ", ".join(parts)
