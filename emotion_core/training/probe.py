"""A linear probe: a new head on a network that knows faces, trained on a few pictures in seconds.

The features stay frozen, and the last layer is a logistic regression on them, its strength chosen by
cross-validation. With few pictures this beats training the whole network, which forgets what it knew faster
than it learns (Kumar et al. 2022, "Fine-Tuning can Distort Pretrained Features", arXiv:2202.10054).
"""

import time
from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData
from ..errors import DataError
from ..recognition.architectures import HEAD, build
from ..recognition.classifier import softmax
from .config import TrainConfig
from .evaluate import mirror
from .initial_weights import load_initial
from .metrics import nll_of

#: How much the head may depend on single faces, from hardly at all upwards; scikit-learn's C.
STRENGTHS: Final = tuple(float(value) for value in np.logspace(-3.5, 0.5, 9))
PARTS: Final = 5
_STEPS: Final = 300

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Probe:
    """The fitted head. kernel (F, C), bias (C,); strength: chosen from ``STRENGTHS``; unseen: cross-validated
    logits (N, C) and truth (N,).
    """

    kernel: Floats
    bias: Floats
    strength: float
    unseen: tuple[NDArray[np.float32], NDArray[np.int64]]


def probe(
    features: Floats, truth: NDArray[np.int64], groups: NDArray[np.int64], classes: int, given: Floats | None = None
) -> Probe:
    """Fit a head to features (N, F) and truth (N,).

    groups (N,): equal for the rows of one face and its mirror image, which are held out together. given:
    logits (N, C) of the existing head, which the new one only corrects. Takes the smallest strength whose
    loss is within one standard error of the best.
    """
    start = np.zeros((len(truth), classes)) if given is None else given
    part = _parts(truth, groups)
    losses, answers = [], []
    for strength in STRENGTHS:
        logits = np.empty((len(truth), classes))
        for number in range(PARTS):
            out = part == number
            kernel, bias = _fit(features[~out], truth[~out], start[~out], strength)
            logits[out] = start[out] + features[out] @ kernel + bias
        rows = np.arange(len(truth))
        losses.append(-np.log(np.maximum(softmax(logits)[rows, truth], 1e-12)))
        answers.append(logits)
    means = np.array([loss.mean() for loss in losses])
    best = int(means.argmin())
    faces = len(np.unique(groups))
    bound = means[best] + losses[best].std() / np.sqrt(faces)
    chosen = int(np.flatnonzero(means <= bound)[0])
    kernel, bias = _fit(features, truth, start, STRENGTHS[chosen])
    first = np.unique(groups, return_index=True)[1]
    unseen = np.asarray(answers[chosen][first], np.float32), truth[first]
    return Probe(kernel, bias, STRENGTHS[chosen], unseen)


def probed(data: FaceData, config: TrainConfig) -> tuple[Any, Probe, dict[str, Any]]:
    """A network with the features of the bundle ``config.init`` and a head for the data's labels.

    Returns (network, the probe, a history row). The head is fitted to the Training faces; the strength is
    chosen on PublicTest's as well. Raises DataError when there is no network to start from.
    """
    if not config.init:
        raise DataError("A new head needs a network that knows faces: name one with --from.")
    began = time.monotonic()
    keras.utils.set_random_seed(config.seed)
    network = build(config.arch, len(data.labels), **config.arch_options)
    head = network.get_layer(HEAD)
    head.set_weights([np.zeros_like(array) for array in head.get_weights()])
    load_initial(network, config.init, data.labels)
    known = [np.array(array, np.float64) for array in head.get_weights()]
    body = keras.Model(network.input, head.input)
    inside = data.only(np.isin(data.split, ("train", "public")))
    features = np.concatenate([_features(body, faces) for faces in (inside.faces, mirror(inside.faces))])
    truth, groups = np.tile(inside.emotion, 2), np.tile(_twins(inside), 2)
    every = bool(known[0].any(axis=0).all())  # otherwise old and new columns would differ in scale
    given = features @ known[0] + known[1] if every else None
    found = probe(features, truth, groups, len(data.labels), given)
    train = np.tile(inside.split == "train", 2)
    start = np.zeros((len(truth), len(data.labels))) if given is None else given
    kernel, bias = _fit(features[train], truth[train], start[train], found.strength)
    head.set_weights([kernel + known[0], bias + known[1]] if every else [kernel, bias])
    logits = start + features @ kernel + bias
    return network, found, {"epoch": 1, **_row(logits, truth, train), "seconds": round(time.monotonic() - began, 1)}


def _row(logits: Floats, truth: NDArray[np.int64], train: NDArray[np.bool_]) -> dict[str, float]:
    goal = np.eye(logits.shape[1])[truth]
    shares = softmax(logits)
    right = shares.argmax(axis=1) == truth
    loss, public = nll_of(shares[train], goal[train]), nll_of(shares[~train], goal[~train])
    return {
        "loss": round(loss, 5),
        "accuracy": round(float(right[train].mean()), 5),
        "public_loss": round(public, 5),
        "public_accuracy": round(float(right[~train].mean()), 5),
        "public_goal": round(public, 5),
    }


def _features(body: Any, faces: NDArray[np.uint8]) -> Floats:
    return np.asarray(body.predict(faces, batch_size=64, verbose=0), np.float64)


def _twins(data: FaceData) -> NDArray[np.int64]:
    """A group number per face, equal for byte-identical faces."""
    return np.asarray(np.unique(data.hashes(), return_inverse=True)[1], np.int64)


def _parts(truth: NDArray[np.int64], groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """A fold 0 to ``PARTS`` - 1 for each row: stratified by class, groups kept together."""
    part = np.zeros(len(truth), np.int64)
    for label in np.unique(truth):
        own = np.random.default_rng(0).permutation(np.unique(groups[truth == label]))
        for place, group in enumerate(own):
            part[groups == group] = place % PARTS
    return part


def _fit(features: Floats, truth: NDArray[np.int64], start: Floats, strength: float) -> tuple[Floats, Floats]:
    """Kernel (F, C) and bias (C,) that minimise strength x summed NLL + half the kernel's squared norm."""
    from scipy.optimize import minimize

    size, classes = features.shape[1], start.shape[1]
    goal = np.eye(classes)[truth]

    def loss(point: Floats) -> tuple[float, Floats]:
        kernel, bias = point[:-classes].reshape(size, classes), point[-classes:]
        shares = softmax(start + features @ kernel + bias)
        wrong = strength * (shares - goal)
        nll = -strength * np.log(np.maximum(shares[np.arange(len(truth)), truth], 1e-12)).sum()
        slope = np.concatenate([(features.T @ wrong + kernel).ravel(), wrong.sum(axis=0)])
        return float(nll + np.square(kernel).sum() / 2), slope

    zero = np.zeros((size + 1) * classes)
    point = minimize(loss, zero, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS}).x
    return point[:-classes].reshape(size, classes), point[-classes:]
