"""Metrics of a bundle on a split, as it serves: one crop, quantised, calibrated."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score, confusion_matrix, log_loss, precision_recall_fscore_support

from ..classifier import Classifier, is_uncertain, softmax
from ..errors import DataError
from .data import FaceData

ECE_BINS: Final = 15


def evaluate(classifier: Classifier, data: FaceData, split: str) -> dict[str, Any]:
    """Measure on one split of the data; see ``metrics`` for what comes back.

    ``without_twins`` repeats the main figures without the faces that are byte-identical to a
    Training face. Raises DataError when the bundle's labels are not the data's.
    """
    if classifier.labels != data.labels:
        raise DataError(f"The model knows {', '.join(classifier.labels)}; the data has {', '.join(data.labels)}.")
    part = data.of(split)
    probabilities = classifier.probabilities(part.faces)
    known = set(data.of("train").hashes())
    own = np.array([digest not in known for digest in part.hashes()])
    whole = metrics(probabilities, part.emotion, classifier.labels)
    certain = ~is_uncertain(probabilities, classifier.config.uncertain)
    right = probabilities.argmax(axis=1) == part.emotion
    without = metrics(probabilities[own], part.emotion[own], classifier.labels)
    return {
        **whole,
        "uncertain_share": _number(1 - certain.mean()),
        "accuracy_when_certain": _number(right[certain].mean()) if certain.any() else None,
        "without_twins": {name: without[name] for name in ("faces", "accuracy", "macro_f1", "ece")},
    }


def metrics(probabilities: NDArray[np.float64], truth: NDArray[np.int64], labels: tuple[str, ...]) -> dict[str, Any]:
    """Accuracy, macro-F1, per-class figures, NLL, ECE and confusion matrix (rows: truth).

    probabilities: (N, C), truth: int (N,). Shares are 0 to 1, rounded to five digits.
    """
    ids, guess = np.arange(len(labels)), probabilities.argmax(axis=1)
    precision, recall, f1, support = precision_recall_fscore_support(truth, guess, labels=ids, zero_division=0)
    return {
        "faces": len(truth),
        "accuracy": _number(accuracy_score(truth, guess)),
        "balanced_accuracy": _number(recall.mean()),
        "macro_f1": _number(f1.mean()),
        "nll": _number(log_loss(truth, probabilities, labels=ids)),
        "ece": _number(expected_calibration_error(probabilities, truth)),
        "per_class": {
            label: {
                "precision": _number(precision[index]),
                "recall": _number(recall[index]),
                "f1": _number(f1[index]),
                "faces": int(support[index]),
            }
            for index, label in enumerate(labels)
        },
        "confusion": confusion_matrix(truth, guess, labels=ids).tolist(),
    }


def expected_calibration_error(
    probabilities: NDArray[np.float64], truth: NDArray[np.int64], bins: int = ECE_BINS
) -> float:
    """ECE over equal-width bins of the top probability (Naeini et al. 2015; Guo et al. 2017)."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(bin_of, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(truth))


def fit_calibration(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> tuple[float, tuple[float, ...]]:
    """The temperature and the class biases that make the NLL smallest (arXiv:1901.06852).

    A temperature alone cannot undo what class weights and soft targets did to the priors. The
    biases are drawn towards 0 a little: their common part changes nothing.
    """
    from scipy.optimize import minimize

    def loss(point: NDArray[np.float64]) -> float:
        chosen = softmax(logits, float(np.exp(point[0])), point[1:].tolist())[np.arange(len(truth)), truth]
        return float(-np.log(np.maximum(chosen, 1e-12)).mean() + 1e-3 * np.square(point[1:]).mean())

    classes = logits.shape[1]
    best = minimize(loss, np.zeros(1 + classes), method="L-BFGS-B", bounds=[(-3.0, 3.0)] * (1 + classes)).x
    return round(float(np.exp(best[0])), 4), tuple(round(float(value), 4) for value in best[1:])


def _number(value: Any) -> float:
    return round(float(value), 5)
