"""Thirty pictures a class: how a run's settings follow the size of its data, and what cross-validation says of it."""

import json
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData
from ..files import unfinished
from ..recognition.bundle_config import BundleConfig
from ..recognition.classifier import softmax
from .card import SPLIT_NAMES
from .config import TrainConfig
from .metrics import expected_calibration_error, number, share_interval

#: Training faces: from so many on, the defaults fit.
LARGE: Final = 2000
#: Faces under which a measurement is said to say little.
FEW: Final = 200
#: Steps of the optimiser that a small run is given, and its fewest epochs.
_STEPS: Final = 200
_FEWEST_EPOCHS: Final = 14
#: Epochs that the weights' average looks back on.
_AVERAGED: Final = 2
#: With fewer than so many unseen faces, cross-validation says how good the network is, and how sure it may be.
FEW_UNSEEN: Final = 300
FOLDS: Final = 3
#: Settings that speak of how a whole network is trained: whoever gives one wants that, not a new head alone.
WHOLE_NETWORK: Final = frozenset(
    ("epochs", "batch_size", "learning_rate", "weight_decay", "dropout", "ema", "mixup", "train_from", "teachers")
)


def steps_of(count: int, batch_size: int) -> int:
    """Steps of an epoch. A last batch that is not full is filled up with faces of the same epoch, so that none is
    passed over; where it is less than a hundredth of all, it is left out, other faces every time.
    """
    whole, rest = divmod(count, batch_size)
    return whole + (rest > count / 100) or 1


def filled(order: NDArray[np.int64], batch_size: int) -> NDArray[np.int64]:
    """The order of an epoch's faces, for ``steps_of`` batches of one size."""
    length = steps_of(len(order), batch_size) * batch_size
    return np.resize(order, length) if len(order) > batch_size else order


def suited(config: TrainConfig, faces: int, asked: Collection[str] = ()) -> TrainConfig:
    """The configuration for so many Training faces; what was ``asked`` for by name stays.

    A small set is gone through oftener, in smaller batches, and its weights are averaged over epochs that
    are shorter.
    """
    if faces >= LARGE:
        return config
    largest = max(size for size in (8, 16, 32, 64) if size <= faces / 4 or size == 8)
    batch = config.batch_size if "batch_size" in asked else largest
    steps = steps_of(faces, batch)
    fitting: dict[str, Any] = {
        "batch_size": batch,
        "epochs": max(round(_STEPS / steps), _FEWEST_EPOCHS),
        "ema": round(max(1 - 1 / (_AVERAGED * steps), 0.5), 4),
        "warmup_epochs": 2.0,
    }
    return replace(config, **{name: value for name, value in fitting.items() if name not in asked})


def folds_of(data: FaceData) -> list[FaceData]:
    """The faces that are learnt from and chosen by, divided anew: in each fold others are unseen, as ``public``."""
    inside = data.only(np.isin(data.split, ("train", "public")))
    fold = np.empty(len(inside), np.int64)
    digests = np.array(inside.hashes())
    for label in range(len(data.labels)):
        own = np.flatnonzero(inside.emotion == label)
        order = sorted(set(digests[own]))
        place = {digest: number % FOLDS for number, digest in enumerate(order)}
        fold[own] = [place[digest] for digest in digests[own]]
    return [replace(inside, split=np.where(fold == number, "public", "train")) for number in range(FOLDS)]


def crossed_figures(
    logits: NDArray[np.float32], truth: NDArray[np.int64], temperature: float, folds: int
) -> dict[str, Any]:
    """What the folds say of faces that a network had not seen: for the card."""
    probabilities = softmax(logits, temperature)
    right = probabilities.argmax(axis=1) == truth
    return {
        "faces": len(truth),
        "folds": folds,
        "accuracy": number(right.mean()),
        "interval": share_interval(right),
        "ece": number(expected_calibration_error(probabilities, truth)),
    }


def kept_logits(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]] | None:
    """What a finished fold gave; None where it is to be done."""
    if not path.is_file():
        return None
    content = json.loads(path.read_text())
    return np.array(content["logits"], np.float32), np.array(content["truth"], np.int64)


def keep_logits(path: Path, logits: NDArray[np.float32], truth: NDArray[np.int64]) -> None:
    """Keep what a fold gave, for a run that is taken up again."""
    with unfinished(path) as part:
        part.write_text(json.dumps({"logits": logits.tolist(), "truth": truth.tolist()}) + "\n")


def outcome(config: BundleConfig) -> str:
    """A few lines for the end of a training: how good it is, by how many faces, and how little those say."""
    lines = []
    for split, figures in config.metrics.items():
        low, high = figures["interval"]["accuracy"]
        lines.append(
            f"{SPLIT_NAMES.get(split, split)}: accuracy {figures['accuracy']:.3f} on {figures['faces']} faces "
            f"(95% interval {low:.2f} to {high:.2f})"
        )
    if crossed := config.training.get("crossed"):
        low, high = crossed["interval"]
        lines.append(
            f"Cross-validation in {crossed['folds']} parts: accuracy {crossed['accuracy']:.3f} on {crossed['faces']} "
            f"faces, each unseen once (95% interval {low:.2f} to {high:.2f})"
        )
    if all(figures["faces"] < FEW for figures in config.metrics.values()):
        lines.append(f"So few faces say little about others: {FEW} or more in the test would say much more.")
    return "\n".join(lines)
