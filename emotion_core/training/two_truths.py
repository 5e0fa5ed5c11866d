"""Agreement with both truths: the single label, and the majority of ten people."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData
from ..labels import FERPLUS, places
from .corruptions import CORRUPTIONS
from .metrics import expected_calibration_error, nll_of, number, share_interval

#: uint8 crops (N, H, W, C) -> probabilities (N, C), in the order of the data's labels.
Answer = Callable[[NDArray[np.uint8]], NDArray[np.float64]]
_HALF: Final = 0.5


def votes_on(data: FaceData, labels: tuple[str, ...]) -> NDArray[np.float64]:
    """The votes as shares over these labels, float64 (N, C); zeros where at most half of the votes name one of them."""
    if data.votes is None:
        return np.zeros((len(data), len(labels)))
    known = data.votes[:, places(labels, FERPLUS)].astype(np.float64)
    total = known.sum(axis=1, keepdims=True)
    return np.where(total > _HALF, known / np.maximum(total, 1e-9), 0.0)


def majority_on(data: FaceData, labels: tuple[str, ...]) -> NDArray[np.int64]:
    """The label named by more than half of all ten ballots, int64 (N,); -1 if there is none.

    Ballots for "unknown" and "no face" also count against a majority.
    """
    if data.votes is None:
        return np.full(len(data), -1, np.int64)
    known = data.votes[:, places(labels, FERPLUS)]
    known = known if data.named is None else known * data.named[:, None]
    return np.where(known.max(axis=1) > _HALF + 1e-4, known.argmax(axis=1), -1).astype(np.int64)


def two_truths(probabilities: NDArray[np.float64], data: FaceData, labels: tuple[str, ...]) -> dict[str, Any]:
    """Agreement with label and majority, each with its 95% interval; NLL and ECE against labels and votes.

    The ECE against votes compares the confidence with the share of voters who chose the answer.
    """
    guess, majority, votes = probabilities.argmax(axis=1), majority_on(data, labels), votes_on(data, labels)
    known, voted = majority >= 0, votes.any(axis=1)
    found: dict[str, Any] = {
        "label": _agreement(guess == data.emotion),
        "nll": number(nll_of(probabilities, np.eye(len(labels))[data.emotion])),
        "ece": number(expected_calibration_error(probabilities, data.emotion)),
    }
    if known.any():
        recall = [(guess == one)[majority == one].mean() for one in np.unique(majority[known])]
        found["majority"] = {
            **_agreement((guess == majority)[known]),
            "balanced_accuracy": number(np.mean(recall)),
        }
        chosen = votes[voted][np.arange(voted.sum()), guess[voted]]
        found["nll_of_votes"] = number(nll_of(probabilities[voted], votes[voted]))
        found["ece_of_votes"] = number(gap(probabilities[voted].max(axis=1), chosen))
    return found


def corruption_table(answer: Answer, data: FaceData, labels: tuple[str, ...]) -> dict[str, Any]:
    """Agreement with label and majority under each corruption, and the mean over all of them."""
    rows: dict[str, Any] = {}
    for name, change in CORRUPTIONS.items():
        both = two_truths(answer(change(data.faces)), data, labels)
        rows[name] = {truth: both[truth] for truth in ("label", "majority") if truth in both}
    mean = {
        truth: number(np.mean([row[truth]["accuracy"] for row in rows.values()]))
        for truth in ("label", "majority")
        if all(truth in row for row in rows.values())
    }
    return {"mean": mean, "rows": rows}


def subsets_of(answer: Answer, data: FaceData, rows: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """``two_truths`` on named subsets, given as rows of the whole data set; IndexError for rows that do not exist."""
    found = {}
    for name, chosen in rows.items():
        mask = np.zeros(len(data), bool)
        mask[chosen] = True
        part = data.only(mask)
        found[name] = {"faces": len(part), **two_truths(answer(part.faces), part, part.labels)}
    return found


def gap(confidence: NDArray[np.float64], reached: NDArray[np.float64], bins: int = 15) -> float:
    """The mean gap between confidence and what was reached, over equal bins weighted by their faces."""
    place = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(place, weights=reached - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(confidence))


def _agreement(right: NDArray[np.bool_]) -> dict[str, Any]:
    return {"faces": len(right), "accuracy": number(right.mean()), "interval": share_interval(right)}
