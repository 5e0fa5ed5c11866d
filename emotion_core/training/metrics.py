"""Metrics from probabilities and truth; scikit-learn's where available."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import confusion_matrix, log_loss, precision_recall_fscore_support, roc_auc_score

from ..datasets.faces import FaceData
from ..labels import FERPLUS, places

ECE_BINS: Final = 15
RESAMPLES: Final = 1000


def metrics(probabilities: NDArray[np.float64], truth: NDArray[np.int64], labels: tuple[str, ...]) -> dict[str, Any]:
    """Accuracy, macro figures, per-class figures, NLL, ROC AUC, calibration, confusion (rows: truth).

    probabilities: (N, C), truth: int (N,). Shares are 0 to 1, rounded to five digits. A class
    without faces counts as 0 in macro figures; ``roc_auc`` is None unless all classes are present.
    """
    ids, guess = np.arange(len(labels)), probabilities.argmax(axis=1)
    precision, recall, f1, support = precision_recall_fscore_support(truth, guess, labels=ids, zero_division=0)
    return {
        "faces": len(truth),
        "accuracy": number((guess == truth).mean()),
        "balanced_accuracy": number(recall.mean()),
        "macro_precision": number(precision.mean()),
        "macro_f1": number(f1.mean()),
        "nll": number(log_loss(truth, probabilities, labels=ids)),
        "roc_auc": number(roc_auc(probabilities, truth)) if support.all() else None,
        "ece": number(expected_calibration_error(probabilities, truth)),
        "interval": interval(guess, truth, len(labels)),
        "per_class": {
            label: {
                "precision": number(precision[index]),
                "recall": number(recall[index]),
                "f1": number(f1[index]),
                "faces": int(support[index]),
            }
            for index, label in enumerate(labels)
        },
        "confusion": confusion_matrix(truth, guess, labels=ids).tolist(),
        "reliability": reliability(probabilities, truth),
    }


def roc_auc(probabilities: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    """The area under the ROC curve, one-vs-rest, averaged over the classes."""
    present = np.eye(probabilities.shape[1], dtype=int)[truth]
    return float(roc_auc_score(present, probabilities, average="macro"))


def reliability(
    probabilities: NDArray[np.float64], truth: NDArray[np.int64], bins: int = ECE_BINS
) -> list[dict[str, float]]:
    """The reliability curve: faces, mean confidence and accuracy in equal bins of the top probability."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "faces": int((bin_of == index).sum()),
            "confidence": number(confidence[bin_of == index].mean()),
            "accuracy": number(right[bin_of == index].mean()),
        }
        for index in np.unique(bin_of)
    ]


def expected_calibration_error(
    probabilities: NDArray[np.float64], truth: NDArray[np.int64], bins: int = ECE_BINS
) -> float:
    """ECE over equal-width bins of the top probability (Naeini et al. 2015; Guo et al. 2017)."""
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == truth
    bin_of = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = np.bincount(bin_of, weights=right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(truth))


def interval(guess: NDArray[np.int64], truth: NDArray[np.int64], classes: int) -> dict[str, list[float]]:
    """95% intervals: Wilson's for the accuracy, and a bootstrap over faces for macro-F1, seed 0."""
    # Each resample draws a confusion matrix: equivalent to drawing faces, and much faster. One extra face per
    # class, spread over the answers, keeps a few faces without a mistake from implying that there are none.
    cells = np.bincount(truth * classes + guess, minlength=classes**2) + 1 / classes
    drawn = np.random.default_rng(0).multinomial(len(truth), cells / cells.sum(), RESAMPLES)
    tables = drawn.reshape(RESAMPLES, classes, classes)
    hits = np.einsum("rcc->rc", tables)
    f1 = (2 * hits / np.maximum(tables.sum(axis=1) + tables.sum(axis=2), 1)).mean(axis=1)
    edges = {
        "accuracy": share_interval(guess == truth),
        "macro_f1": np.percentile(f1, (2.5, 97.5)),
    }
    return {name: [number(edge) for edge in pair] for name, pair in edges.items()}


def nll_of_votes(probabilities: NDArray[np.float64], data: FaceData) -> float | None:
    """Cross-entropy against the FER+ votes, in nats, over the faces that the voters could name.

    Votes for expressions outside the labels are ignored. None without votes.
    """
    if data.votes is None:
        return None
    known = data.votes[:, places(data.labels, FERPLUS)]
    total = known.sum(axis=1)
    told = total > 0.5
    goal = known[told] / total[told, None]
    return number(nll_of(probabilities[told], goal))


def nll_of(probabilities: NDArray[np.float64], goal: NDArray[np.floating[Any]]) -> float:
    """Mean cross-entropy in nats of (N, C) probabilities against soft targets (N, C)."""
    return float(-(goal * np.log(np.maximum(probabilities, 1e-12))).sum(axis=1).mean())


def share_interval(right: NDArray[np.bool_]) -> list[float]:
    """Wilson's 95% interval of a share (1927): for 9 right out of 9 it is 0.70 to 1, not 1 to 1."""
    hits, count, z2 = int(right.sum()), len(right), 1.96**2
    middle = (hits + z2 / 2) / (count + z2)
    half = 1.96 / (count + z2) * (hits * (count - hits) / max(count, 1) + z2 / 4) ** 0.5
    return [number(max(middle - half, 0.0)), number(min(middle + half, 1.0))]


def number(value: Any) -> float:
    """Rounded to five digits, like every recorded figure."""
    return round(float(value), 5)
