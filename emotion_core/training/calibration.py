"""Temperature and class biases: fitted to what the single label says, and to what ten people say.

FER-2013's labels name fear for 14% of the faces and neutral for 16%; its voters name fear for 3% and
neutral for 36%. A bias fitted to the labels (for the literature's figure) moves answers away from
what people see, and one fitted to the voters of that data set away from what other photos show.
What serves lies between none and the voters' own: see ``for_people``.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..recognition.bundle_config import Calibration, UncertainRule
from ..recognition.classifier import is_uncertain, softmax
from .metrics import nll_of

#: Fewer faces than this say nothing of a temperature: logits are taken as they are.
LEAST: Final = 15
#: Fewer than this say nothing of each class's share: a temperature alone.
LEAST_FOR_BIAS: Final = 1000
#: How far, in its logarithm, a temperature is thought to lie from 1 before any face was seen (a standard deviation).
_PULL: Final = 0.4
#: How much of the voters' bias may serve.
SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Of the faces that are not marked as uncertain, so many agree with the majority of the voters.
AGREEMENT: Final = 0.92
#: Faces of fewer pixels a side are marked whatever the network says of them.
MIN_SIDE: Final = 24


def fit_calibration(
    logits: NDArray[np.float32], goal: NDArray[Any], bias: NDArray[np.float64] | None = None
) -> Calibration:
    """The temperature and the class biases that make the NLL smallest (arXiv:1901.06852).

    logits: (N, C). goal: the labels, int (N,), or soft targets, float (N, C). bias: keeps these and
    fits the temperature alone. A temperature alone cannot undo what class weights and soft targets
    did to the priors. The biases are drawn towards 0 a little: their common part changes nothing. From
    fewer than ``LEAST_FOR_BIAS`` faces no bias is fitted, and the temperature is pulled towards 1; from
    fewer than ``LEAST`` it is 1.
    """
    from scipy.optimize import minimize

    count, classes = (int(size) for size in logits.shape)
    if count < LEAST:
        return Calibration()
    few, pull = False, 0.0
    if count < LEAST_FOR_BIAS:
        few, pull = bias is None, 1 / (2 * count * _PULL**2)
        bias = np.zeros(classes) if bias is None else bias
    wanted = np.eye(classes)[goal] if goal.ndim == 1 else goal
    free = 0 if bias is not None else classes

    def loss(point: NDArray[np.float64]) -> float:
        offsets = point[1:] if bias is None else bias
        found = softmax(logits, float(np.exp(point[0])), offsets.tolist())
        drawn = pull * float(point[0]) ** 2 + 1e-3 * float(np.square(offsets).mean())
        return nll_of(found, wanted) + drawn

    best = minimize(loss, np.zeros(1 + free), method="L-BFGS-B", bounds=[(-3.0, 3.0)] * (1 + free)).x
    offsets = best[1:] if bias is None else bias
    told = tuple(round(float(value), 4) for value in offsets)
    return Calibration(round(float(np.exp(best[0])), 4), () if few else told)


def for_people(
    logits: NDArray[np.float32], votes: NDArray[Any], score: Callable[[Calibration], float] | None = None
) -> Calibration:
    """The calibration that serves people: a share of the voters' bias, and the temperature that fits with it.

    logits, votes: (N, C), of PublicTest. score: what a calibration is worth, the share with the highest
    one being taken, the smallest of several; by default half of the bias is.
    """
    whole = np.array(fit_calibration(logits, votes).bias or np.zeros(logits.shape[1]))
    if score is None:
        return fit_calibration(logits, votes, 0.5 * whole)
    return max((fit_calibration(logits, votes, share * whole) for share in SHARES), key=score)


def coverage(probabilities: NDArray[np.float64], majority: NDArray[np.int64], rule: UncertainRule) -> dict[str, float]:
    """What the rule marks, and how many of the others agree with the majority; majority: -1 where there is none."""
    clear = ~is_uncertain(probabilities, rule)
    known = majority >= 0
    agreed = (probabilities.argmax(axis=1) == majority)[clear & known]
    return {
        "marked": round(float(1 - clear.mean()), 5),
        "marked_of_majority": round(float(1 - clear[known].mean()), 5),
        "agreement_unmarked": round(float(agreed.mean()), 5) if len(agreed) else 0.0,
    }


def choose_uncertain(probabilities: NDArray[np.float64], majority: NDArray[np.int64]) -> UncertainRule:
    """Of the rules under which ``AGREEMENT`` of the unmarked faces agree with the majority, the one that marks least.

    Where none reaches it, the one that comes nearest.
    """
    rules = [
        UncertainRule(min_confidence=round(float(first), 2), min_margin=margin, min_side=MIN_SIDE)
        for first in np.arange(0.2, 0.9, 0.01)
        for margin in (0.0, 0.05, 0.1, 0.15, 0.2)
    ]
    found = [(rule, coverage(probabilities, majority, rule)) for rule in rules]
    good = [(rule, seen) for rule, seen in found if seen["agreement_unmarked"] >= AGREEMENT]
    if not good:
        return max(found, key=lambda pair: pair[1]["agreement_unmarked"])[0]
    return min(good, key=lambda pair: pair[1]["marked"])[0]
