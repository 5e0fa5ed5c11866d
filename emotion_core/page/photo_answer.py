"""A photo's answer: its faces detected and classified once, in reading order."""

import statistics
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..images import RGB
from ..recognition.catalogue import Catalogue
from ..results import FrameResult, Prediction, summary

#: Faces whose centres differ by less than this share of a face's height are in one row.
_SAME_ROW: Final = 0.6


@dataclass(frozen=True)
class PhotoAnswer:
    """rgb: the upright photo. result: its faces in reading order. crops: network inputs, uint8 (N, H, W, C).

    other: the same faces classified by another model, or None.
    """

    rgb: RGB
    result: FrameResult
    crops: NDArray[np.uint8]
    other: FrameResult | None = None


def answer_photo(
    catalogue: Catalogue, rgb: RGB, model: str | None, detector: str | None, other: str | None = None
) -> PhotoAnswer:
    """Analyse a decoded photo with the named model and detector; None means the default.

    other: a model to compare with, on the same faces. Raises ModelNotFoundError for an unknown name.
    """
    recognizer = catalogue.get(model, detector)
    second = catalogue.get(other) if other else None
    analysis = recognizer.look(rgb)
    result = reading_order(analysis.result)
    order = [analysis.result.predictions.index(prediction) for prediction in result.predictions]
    compared = reading_order(second.name_again(analysis).result) if second else None  # same boxes, so the same order
    return PhotoAnswer(rgb, result, analysis.crops[order], compared)


def reading_order(result: FrameResult) -> FrameResult:
    """The same faces row by row from the top, left to right within a row."""
    rows: list[list[Prediction]] = []
    for prediction in sorted(result.predictions, key=_middle):
        row = rows[-1] if rows else []
        limit = _SAME_ROW * min([prediction.face.box.height, *(one.face.box.height for one in row)])
        if row and _middle(prediction) - statistics.fmean(map(_middle, row)) <= limit:
            row.append(prediction)
        else:
            rows.append([prediction])
    ordered = [one for row in rows for one in sorted(row, key=lambda one: one.face.box.x)]
    return replace(result, predictions=tuple(ordered))


def heading(result: FrameResult) -> str:
    """One line: how many faces, what they seem to express, and how many answers are uncertain."""
    doubts = sum(prediction.uncertain for prediction in result.predictions)
    if not doubts:
        return summary(result)
    return f"{summary(result)} ({'uncertain' if len(result.predictions) == 1 else f'{doubts} uncertain'})"


def _middle(prediction: Prediction) -> float:
    box = prediction.face.box
    return box.y + box.height / 2
