"""Faces shown as averages: what a class, a kind of mistake or a heat map looks like over many people.

The licence of FER-2013's public copies does not clearly allow showing its people again.
A mean of many faces shows no one.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData
from ..errors import DataError
from ..labels import FERPLUS

#: Fewer faces than this are never averaged, as one of them might be recognised.
FEWEST: Final = 12


def mean_faces(data: FaceData) -> dict[str, NDArray[np.uint8]]:
    """The mean face of every class with at least ``FEWEST`` faces: label to uint8 (H, W, C)."""
    counts = np.bincount(data.emotion, minlength=len(data.labels))
    return {
        label: mean_face(data.faces[data.emotion == index])
        for index, label in enumerate(data.labels)
        if counts[index] >= FEWEST
    }


def mean_face(faces: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The mean of (N, H, W, C) as uint8 (H, W, C), contrast-stretched; DataError for under ``FEWEST`` faces."""
    if len(faces) < FEWEST:
        raise DataError(f"{len(faces)} faces are too few to average: at least {FEWEST}, so that nobody is shown.")
    mean = faces.mean(axis=0)
    low, high = mean.min(), mean.max()
    return np.asarray(np.round(255 * (mean - low) / max(high - low, 1e-9)), np.uint8)


def differences(data: FaceData) -> dict[str, NDArray[np.float64]]:
    """What sets a class apart: label to float (H, W), gray levels by which the mean of all faces is lighter.

    For every class with at least ``FEWEST`` faces. The means are over raw pixels, each face counted once.
    """
    gray = data.faces.mean(axis=3)
    everyone = gray.mean(axis=0)
    counts = np.bincount(data.emotion, minlength=len(data.labels))
    return {
        label: np.asarray(everyone - gray[data.emotion == index].mean(axis=0), np.float64)
        for index, label in enumerate(data.labels)
        if counts[index] >= FEWEST
    }


def worst_mistakes(probabilities: NDArray[np.float64], data: FaceData, most: int = 8) -> list[dict[str, Any]]:
    """The most costly kinds of mistake, each as an average: the largest summed NLL first.

    probabilities: (N, C) for the faces of ``data``. A kind is a pair of label and answer with at
    least ``FEWEST`` faces; it has ``labelled``, ``answered``, ``faces``, ``share`` of the label's
    faces, mean ``confidence``, summed ``nll``, the ``mean`` face, and ``votes``: the share of its
    faces whose FER+ majority is the answer (None without votes).
    """
    answers, rows = probabilities.argmax(axis=1), np.arange(len(data))
    nll = -np.log(np.maximum(probabilities[rows, data.emotion], 1e-12))
    kinds = []
    for label, answer in np.argwhere(~np.eye(len(data.labels), dtype=bool)):
        inside = (data.emotion == label) & (answers == answer)
        if inside.sum() < FEWEST:
            continue
        kinds.append(
            {
                "labelled": data.labels[label],
                "answered": data.labels[answer],
                "faces": int(inside.sum()),
                "share": float(inside.sum() / (data.emotion == label).sum()),
                "confidence": float(probabilities[inside, answer].mean()),
                "nll": float(nll[inside].sum()),
                "mean": mean_face(data.faces[inside]),
                "votes": _agree(data.only(inside), data.labels[answer]),
            }
        )
    return sorted(kinds, key=lambda kind: -kind["nll"])[:most]


def who_is_right(probabilities: NDArray[np.float64], data: FaceData) -> dict[str, float]:
    """Whom the FER+ majority supports on faces whose answer differs from the label: shares that sum to 1.

    ``no majority`` counts faces on which the voters did not agree. Raises DataError without votes.
    """
    if data.voted is None:
        raise DataError("Whom the voters support needs the FER+ votes: give fer2013new.csv.")
    answers = probabilities.argmax(axis=1)
    wrong = answers != data.emotion
    names = np.array([*data.labels, "no majority"])
    voted = np.array([*FERPLUS, "no majority"])[data.voted]  # -1 takes the last
    sides = {
        "the label": wrong & (names[data.emotion] == voted),
        "the answer": wrong & (names[answers] == voted),
        "no majority": wrong & (voted == "no majority"),
    }
    shares = {side: float(mask.sum() / max(wrong.sum(), 1)) for side, mask in sides.items()}
    return {**shares, "neither": max(0.0, 1.0 - sum(shares.values()))}


def agreement(data: FaceData) -> NDArray[np.int64]:
    """The FER+ majority for each label: counts, int64 (labels, FER+'s 8 and ``no majority``).

    Raises DataError without votes.
    """
    if data.voted is None:
        raise DataError("Label noise is seen through the FER+ votes: give fer2013new.csv.")
    table = np.zeros((len(data.labels), len(FERPLUS) + 1), np.int64)
    np.add.at(table, (data.emotion, data.voted), 1)  # -1 counts in the last column
    return table


def _agree(data: FaceData, answer: str) -> float | None:
    if data.voted is None:
        return None
    return float((data.voted == FERPLUS.index(answer)).mean()) if answer in FERPLUS else 0.0
