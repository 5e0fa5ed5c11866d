"""Small data sets, such as thirty pictures per class: settings scaled to the data's size, and cross-validation."""

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

#: Training faces from which the default settings apply.
LARGE: Final = 2000
#: With fewer test faces than this, the user is told that the figures say little.
FEW: Final = 200
#: Optimiser steps of a small run, and its minimum number of epochs.
_STEPS: Final = 200
_FEWEST_EPOCHS: Final = 14
#: Epochs covered by the weight average.
_AVERAGED: Final = 2
#: With fewer unseen faces than this, accuracy and calibration come from cross-validation.
FEW_UNSEEN: Final = 300
FOLDS: Final = 3
#: Settings that only apply to training a whole network: giving one selects that over a new head alone.
WHOLE_NETWORK: Final = frozenset(
    ("epochs", "batch_size", "learning_rate", "weight_decay", "dropout", "ema", "mixup", "train_from", "teachers")
)


def steps_of(count: int, batch_size: int) -> int:
    """Steps per epoch. A partial last batch is filled up with faces of the same epoch, so that none is skipped;
    if it has less than a hundredth of all faces, it is dropped (different faces each epoch).
    """
    whole, rest = divmod(count, batch_size)
    return whole + (rest > count / 100) or 1


def filled(order: NDArray[np.int64], batch_size: int) -> NDArray[np.int64]:
    """The order of an epoch's faces, for ``steps_of`` batches of one size."""
    length = steps_of(len(order), batch_size) * batch_size
    return np.resize(order, length) if len(order) > batch_size else order


def suited(config: TrainConfig, faces: int, asked: Collection[str] = ()) -> TrainConfig:
    """The configuration scaled to this many Training faces; settings named in ``asked`` stay.

    A small set gets more epochs and smaller batches, and a weight average that fits its shorter epochs.
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
    """Cross-validation folds over the train and public faces; each fold's held-out faces are its ``public`` split."""
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
    """Cross-validated figures, for the card."""
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
    """A finished fold's logits and truth; None if it is still to be done."""
    if not path.is_file():
        return None
    content = json.loads(path.read_text())
    return np.array(content["logits"], np.float32), np.array(content["truth"], np.int64)


def keep_logits(path: Path, logits: NDArray[np.float32], truth: NDArray[np.int64]) -> None:
    """Save a fold's logits and truth, for resumed runs."""
    with unfinished(path) as part:
        part.write_text(json.dumps({"logits": logits.tolist(), "truth": truth.tolist()}) + "\n")


def outcome(config: BundleConfig) -> str:
    """A summary to end training with: the accuracy, on how many faces, and how little they may say."""
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
