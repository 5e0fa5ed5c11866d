"""How short runs are judged: on PublicTest, raw and cross-fitted, and against another run of the same seed."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData
from ..recognition.classifier import softmax
from .calibration import fit_calibration
from .metrics import nll_of, number
from .two_truths import two_truths

#: Two-sided.
CONFIDENCE: Final = 0.95


def judged(network: Any, data: FaceData) -> dict[str, float]:
    """Figures of a Keras network on PublicTest, one view of each face; ``majority`` only with votes.

    ``accuracy``, ``nll`` and ``majority`` are of the raw logits. For the cross-fitted ones each half of the faces is
    calibrated by a fit to the labels of the other half.
    """
    public = data.of("public")
    logits = np.asarray(network.predict(public.faces, batch_size=256, verbose=0), np.float32)
    raw = two_truths(softmax(logits), public, data.labels)
    fitted = cross_fitted(logits, public.emotion)
    figures = {
        "accuracy": raw["label"]["accuracy"],
        "nll": raw["nll"],
        "cross_fitted_accuracy": number((fitted.argmax(axis=1) == public.emotion).mean()),
        "cross_fitted_nll": number(nll_of(fitted, np.eye(len(data.labels))[public.emotion])),
    }
    return figures | ({"majority": raw["majority"]["accuracy"]} if "majority" in raw else {})


def cross_fitted(logits: NDArray[np.float32], truth: NDArray[np.int64]) -> NDArray[np.float64]:
    """Calibrated probabilities (N, C): each half of the faces by the fit to the other."""
    found = np.empty(logits.shape, np.float64)
    even = np.arange(len(logits)) % 2 == 0
    for half in (even, ~even):
        fit = fit_calibration(logits[~half], truth[~half])
        found[half] = softmax(logits[half], fit.temperature, fit.bias)
    return found


def mean_and_interval(values: Sequence[float]) -> dict[str, Any]:
    """The mean, and Student's 95% interval of it; None for the interval of a single value."""
    from scipy.stats import t

    count, mean = len(values), float(np.mean(values))
    if count < 2:
        return {"mean": number(mean), "interval": None}
    half = float(t.ppf((1 + CONFIDENCE) / 2, count - 1)) * float(np.std(values, ddof=1)) / count**0.5
    return {"mean": number(mean), "interval": [number(mean - half), number(mean + half)]}


def compared(runs: Sequence[dict[str, Any]], to: str) -> list[dict[str, Any]]:
    """Per switch of ``runs``, its figures over the seeds, and their differences to the run ``to`` of the same seed."""
    figures = {(run["switch"], run["seed"]): run["figures"] for run in runs}
    rows = []
    for name in dict.fromkeys(run["switch"] for run in runs):
        seeds = [seed for switch, seed in figures if switch == name and (to, seed) in figures]
        if not seeds:
            continue
        known = list(figures[to, seeds[0]])
        own = {key: [figures[name, seed][key] for seed in seeds] for key in known}
        base = {key: [figures[to, seed][key] for seed in seeds] for key in known}
        rows.append(
            {
                "switch": name,
                "seeds": len(seeds),
                "figures": {key: mean_and_interval(own[key]) for key in known},
                "differences": {
                    key: mean_and_interval([one - other for one, other in zip(own[key], base[key], strict=True)])
                    for key in known
                },
            }
        )
    return rows
