"""What a network is asked to answer: labels, softened by smoothing, FER+ votes and teachers."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..bundle import Bundle
from ..classifier import Classifier, softmax
from ..errors import DataError
from ..labels import FERPLUS
from .config import TrainConfig
from .data import FaceData


def targets(data: FaceData, config: TrainConfig) -> NDArray[np.float32]:
    """Soft targets, float32 (N, C): the label, smoothed, and shares of the FER+ votes and the teachers.

    Votes act as a label smoothing that knows each face; a face without any keeps its label.
    """
    classes = len(data.labels)
    goal = np.eye(classes, dtype=np.float32)[data.emotion]
    goal = goal * (1 - config.label_smoothing) + config.label_smoothing / classes
    if data.votes is not None and config.votes_share > 0:
        known = np.stack([data.votes[:, FERPLUS.index(name)] for name in data.labels], axis=1)
        total = known.sum(axis=1, keepdims=True)
        blend = goal * (1 - config.votes_share) + config.votes_share * known / np.maximum(total, 1e-6)
        goal = np.where(total > 0.5, blend, goal)
    if config.teachers:
        goal = np.asarray(goal * (1 - config.distil_share) + config.distil_share * teaching(data, config), np.float32)
    return np.asarray(goal, np.float32)


def teaching(data: FaceData, config: TrainConfig) -> NDArray[np.float64]:
    """The teachers' mean answer to each face and its mirror image, float64 (N, C).

    Raises DataError for a teacher of other labels or another crop.
    """
    answers = []
    for teacher in config.teachers:
        # Both views are asked for here: one that looks twice by itself would be asked for four.
        classifier = Classifier.from_bundle(Bundle.open(Path(teacher))).one_look()
        if classifier.labels != data.labels:
            raise DataError(f"Teacher {teacher} knows {', '.join(classifier.labels)}, not {', '.join(data.labels)}.")
        try:
            views = [classifier.logits(data.faces), classifier.logits(np.ascontiguousarray(data.faces[:, :, ::-1]))]
        except ValueError as error:
            raise DataError(f"Teacher {teacher} takes other crops: {error}") from error
        logits = np.mean(views, axis=0) / classifier.config.temperature
        bias = np.asarray(classifier.config.bias or 0.0)
        answers.append(softmax(logits + bias, config.distil_temperature))
    return np.asarray(np.mean(answers, axis=0))


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
