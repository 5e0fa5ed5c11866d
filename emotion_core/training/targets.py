"""Training targets: labels, softened by smoothing, FER+ votes and teachers."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData
from ..errors import DataError, TrainingError
from ..files import sha256_of, unfinished
from ..labels import FERPLUS, places
from ..recognition.bundle import Bundle
from ..recognition.classifier import Classifier, softmax
from .config import TrainConfig


def targets(data: FaceData, config: TrainConfig, folder: Path | None = None) -> NDArray[np.float32]:
    """Soft targets, float32 (N, C): the smoothed label, with shares of the FER+ votes and the teachers.

    Votes act as label smoothing specific to each face; a face without votes keeps its label.
    folder: caches the teachers' answers for a resumed run, since computing them takes minutes.
    """
    classes = len(data.labels)
    goal = np.eye(classes, dtype=np.float32)[data.emotion]
    goal = goal * (1 - config.label_smoothing) + config.label_smoothing / classes
    if data.votes is not None and config.votes_share > 0:
        known = data.votes[:, places(data.labels, FERPLUS)]
        total = known.sum(axis=1, keepdims=True)
        blend = goal * (1 - config.votes_share) + config.votes_share * known / np.maximum(total, 1e-6)
        goal = np.where(total > 0.5, blend, goal)
    if config.teachers:
        taught = teaching(data, config, folder)
        goal = np.asarray(goal * (1 - config.distil_share) + config.distil_share * taught, np.float32)
    return np.asarray(goal, np.float32)


def without_teachers(config: TrainConfig) -> TrainConfig:
    """The same configuration, with labels and votes as the only targets."""
    return replace(config, teachers=())


def teaching(data: FaceData, config: TrainConfig, folder: Path | None = None) -> NDArray[np.float64]:
    """The teachers' mean answer to each face and its mirror image, float64 (N, C).

    A teacher named twice counts twice. Raises TrainingError for one that lacks a label, or takes other crops.
    """
    known = {each: _answers(Bundle.open(Path(each)), data, folder) for each in dict.fromkeys(config.teachers)}
    told = [softmax(known[teacher], config.distil_temperature) for teacher in config.teachers]
    return np.asarray(np.mean(told, axis=0))


def asked_weights(teacher: Bundle) -> Path:
    """The weights file that the teacher serves from, and whose answers are learnt."""
    return teacher.folder / teacher.serves_from()


def taking(teacher: Bundle, data: FaceData) -> Bundle:
    """The teacher, if it has all of the data's labels and takes its crops; TrainingError otherwise."""
    config = teacher.config
    if not set(data.labels) <= set(config.labels):
        raise TrainingError(f"Teacher {teacher.origin} knows {', '.join(config.labels)}, not {', '.join(data.labels)}.")
    if (config.height, config.width, config.channels) != data.faces.shape[1:]:
        raise TrainingError(f"Teacher {teacher.origin} takes other crops than {data.faces.shape[1:]}.")
    return teacher


def served_logits(logits: NDArray[np.float32], teacher: Bundle, labels: tuple[str, ...]) -> NDArray[np.float32]:
    """A teacher's logits (N, its labels) as it serves them, float32 (N, C): of these labels alone, in their order."""
    config = teacher.config
    served = logits / config.temperature + np.asarray(config.bias or 0.0, np.float32)
    return np.asarray(served[:, places(labels, config.labels)], np.float32)


def _answers(teacher: Bundle, data: FaceData, folder: Path | None) -> NDArray[np.float32]:
    """A teacher's calibrated logits, float32 (N, C), the mean of both views; cached in the folder."""
    config = taking(teacher, data).config
    weights = sha256_of(asked_weights(teacher))
    served = f"{data.digest()} {weights} {config.temperature} {config.bias} {data.labels}"
    asked = hashlib.sha256(served.encode()).hexdigest()
    kept = folder / f"answers-{asked[:16]}.npy" if folder else None
    if kept and kept.is_file():
        return np.asarray(np.load(kept, allow_pickle=False), np.float32)
    # Both views are computed here; a classifier that mirrors by itself would compute four.
    classifier = Classifier.from_bundle(teacher).unmirrored()
    views = [classifier.logits(data.faces), classifier.logits(np.ascontiguousarray(data.faces[:, :, ::-1]))]
    answers = served_logits(np.mean(views, axis=0), teacher, data.labels)
    if kept:
        with unfinished(kept) as part, part.open("wb") as file:
            np.save(file, answers)
    return answers


def class_weights(data: FaceData, power: float) -> NDArray[np.float32]:
    """One weight per class, mean 1 over the faces: (mean count / count) ** power.

    Raises DataError when a class has no face.
    """
    counts = np.bincount(data.emotion, minlength=len(data.labels))
    if not counts.all():
        absent = [label for label, count in zip(data.labels, counts, strict=True) if not count]
        raise DataError(f"No training face is {', '.join(absent)}.")
    weights = (counts.mean() / counts) ** power
    return np.asarray(weights * counts.sum() / (weights * counts).sum(), np.float32)
