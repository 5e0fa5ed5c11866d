"""The labels' own calibration: matrix scaling, or temperature and biases where those are right on more unseen faces.

Only the comparison with the literature uses it. A bias names a class more often whatever else the face resembles; a
matrix can tell in favour of which other class.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..recognition.bundle_config import KeptCalibration
from ..recognition.bundle_figures import CrossFitted
from ..recognition.classifier import probabilities_by
from .calibration import LEAST_FOR_BIAS, fit_calibration
from .metrics import nll_of, number

#: Weight of the squares off the diagonal. Of 0.001 to 0.1, chosen cross-fitted on PublicTest, where it hardly matters.
_OFF_DIAGONAL: Final = 0.03
#: Weight of the squares of the biases.
_BIAS: Final = 1e-4
#: Largest entry of the fitted matrix, which faces that are all answered rightly would let grow without end.
_LARGEST: Final = 20.0
#: Cross-fitting: parts, and how often the faces are divided anew.
PARTS: Final = 5
REPEATS: Final = 3

_Fit = Callable[[NDArray[np.float32], NDArray[np.int64]], KeptCalibration]


def fit_matrix(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> KeptCalibration:
    """The matrix and biases that minimise the NLL of the labels (matrix scaling, Guo et al. 2017, arXiv:1706.04599).

    logits: (N, C). truth: int (N,). Entries off the diagonal, and biases, are drawn towards 0 (Kull et al. 2019,
    arXiv:1910.12656). The rows of the matrix sum to 0, and so do its columns: an offset common to all logits of a
    face changes nothing, before or after.
    """
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    count, classes = (int(size) for size in logits.shape)
    known, wanted, off = _centred(logits.astype(np.float64), 1), np.eye(classes)[truth], 1 - np.eye(classes)

    def loss(point: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        matrix, bias = point[:-classes].reshape(classes, classes), point[-classes:]
        told = log_softmax(known @ matrix.T + bias, axis=1)
        slope = (np.exp(told) - wanted) / count
        drawn = _OFF_DIAGONAL * float(np.square(off * matrix).sum()) + _BIAS * float(np.square(bias).sum())
        by_matrix = slope.T @ known + 2 * _OFF_DIAGONAL * off * matrix
        by_bias = slope.sum(axis=0) + 2 * _BIAS * bias
        return float(-(wanted * told).sum() / count + drawn), np.concatenate([by_matrix.ravel(), by_bias])

    start = np.concatenate([np.eye(classes).ravel(), np.zeros(classes)])
    bounds = [(-_LARGEST, _LARGEST)] * len(start)
    best = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds).x
    matrix = _centred(_centred(best[:-classes].reshape(classes, classes), 1), 0)
    rows = tuple(tuple(round(float(value), 4) for value in row) for row in matrix)
    return KeptCalibration(bias=tuple(round(float(value), 4) for value in best[-classes:]), matrix=rows)


def fit_biases(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> KeptCalibration:
    """``fit_calibration``, to be kept beside the one that serves."""
    found = fit_calibration(logits, truth)
    return KeptCalibration(found.temperature, found.bias)


#: The forms that a calibration can take, the simplest first.
FORMS: Final[Mapping[str, _Fit]] = {"temperature and biases": fit_biases, "matrix": fit_matrix}


def form_of(calibration: KeptCalibration) -> str:
    """Which of ``FORMS`` it has."""
    return list(FORMS)[bool(calibration.matrix)]


def fit_to_labels(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> KeptCalibration:
    """The form with the highest cross-fitted accuracy, fitted to all faces, with what each form reached.

    logits: (N, C). truth: int (N,). The accuracy is what the literature compares; the NLL decides between equals.
    Where four fifths of the faces are too few for biases, it is ``fit_biases``.
    """
    if len(logits) * (PARTS - 1) // PARTS < LEAST_FOR_BIAS:
        return fit_biases(logits, truth)
    reached = {form: cross_fitted(fit, logits, truth) for form, fit in FORMS.items()}
    best = max(reached, key=lambda form: (reached[form]["accuracy"], -reached[form]["nll"]))
    return replace(FORMS[best](logits, truth), cross_fitted=reached)


def cross_fitted(fit: _Fit, logits: NDArray[np.float32], truth: NDArray[np.int64]) -> CrossFitted:
    """Accuracy and NLL, each part of the faces calibrated by a fit to the others; means over ``REPEATS`` divisions."""
    rights, losses, wanted = [], [], np.eye(logits.shape[1])[truth]
    for seed in range(REPEATS):
        part = np.random.default_rng(seed).permutation(len(logits)) % PARTS
        found: NDArray[Any] = np.empty(logits.shape)
        for own in (part == place for place in range(PARTS)):
            found[own] = probabilities_by(fit(logits[~own], truth[~own]), logits[own])
        rights.append((found.argmax(axis=1) == truth).mean())
        losses.append(nll_of(found, wanted))
    return {"accuracy": number(np.mean(rights)), "nll": number(np.mean(losses))}


def _centred(values: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    return np.asarray(values - values.mean(axis=axis, keepdims=True))
