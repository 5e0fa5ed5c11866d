"""Temperature and class biases, fitted to the single label and to the votes of ten people.

FER-2013's labels name fear for 14% of the faces and neutral for 16%; its voters name fear for 3% and
neutral for 36%. A bias fitted to the labels (for the literature's figure) moves answers away from
what people see; one fitted to that data set's voters moves them away from what other photos show.
Serving uses a share of the voters' own bias, none, or takes a share of their class shares back, since photos
from elsewhere show fewer neutral faces: see ``for_people``.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..recognition.bundle_config import Calibration, UncertainRule
from ..recognition.classifier import is_uncertain, softmax
from .metrics import nll_of

#: Faces needed to fit a temperature; with fewer, logits stay unscaled.
LEAST: Final = 15
#: Faces needed to fit class biases; with fewer, only a temperature is fitted.
LEAST_FOR_BIAS: Final = 1000
#: Standard deviation of the prior on the log temperature, centred on 0 (temperature 1).
_PULL: Final = 0.4
#: Shares of the voters' bias to try.
SHARES: Final = (0.0, 0.25, 0.5, 0.75, 1.0)
#: Shares of the logarithms of the voters' class shares to try to take off (Menon et al. 2021, arXiv:2007.07314).
TAKEN_OFF: Final = (0.1, 0.2, 0.3)
#: A rarer class counts as being this frequent, so that its bias stays small.
_RAREST: Final = 0.03
#: Share of the faces not marked as uncertain that must agree with the majority of the voters.
AGREEMENT: Final = 0.92
#: Faces with fewer pixels per side are always marked as uncertain.
MIN_SIDE: Final = 24


def fit_calibration(
    logits: NDArray[np.float32], goal: NDArray[Any], bias: NDArray[np.float64] | None = None
) -> Calibration:
    """The temperature and class biases that minimise the NLL (arXiv:1901.06852).

    logits: (N, C). goal: the labels, int (N,), or soft targets, float (N, C). bias: fixed biases; only
    the temperature is fitted. A temperature alone cannot undo what class weights and soft targets did
    to the priors. The biases are regularised slightly towards 0, as a common offset changes nothing. With
    fewer than ``LEAST_FOR_BIAS`` faces no bias is fitted and the temperature is pulled towards 1; with
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
    """The calibration used in serving: one of the biases to try, and the temperature fitted with it.

    logits, votes: (N, C), from PublicTest. score: rates a calibration; the highest score wins, and no bias if
    tied. By default half of the voters' bias is used.
    """
    whole = np.array(fit_calibration(logits, votes).bias or np.zeros(logits.shape[1]))
    if score is None:
        return fit_calibration(logits, votes, 0.5 * whole)
    frequent = np.log(np.maximum(votes.sum(axis=0) / votes.sum(), _RAREST))
    biases = [share * whole for share in SHARES] + [share * (frequent.mean() - frequent) for share in TAKEN_OFF]
    return max((fit_calibration(logits, votes, bias) for bias in biases), key=score)


def coverage(probabilities: NDArray[np.float64], majority: NDArray[np.int64], rule: UncertainRule) -> dict[str, float]:
    """Share of faces that the rule marks, and of the others' agreement with the majority (-1: no majority)."""
    clear = ~is_uncertain(probabilities, rule)
    known = majority >= 0
    agreed = (probabilities.argmax(axis=1) == majority)[clear & known]
    return {
        "marked": round(float(1 - clear.mean()), 5),
        "marked_of_majority": round(float(1 - clear[known].mean()), 5),
        "agreement_unmarked": round(float(agreed.mean()), 5) if len(agreed) else 0.0,
    }


def choose_uncertain(probabilities: NDArray[np.float64], majority: NDArray[np.int64]) -> UncertainRule:
    """The rule that marks fewest faces while ``AGREEMENT`` of the unmarked ones agree with the majority.

    If no rule reaches that, the one that comes closest.
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
