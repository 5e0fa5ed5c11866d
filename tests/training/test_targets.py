"""Training targets: labels, votes, a teacher's answers, mixup, oversampled rare classes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import emotion_core
from emotion_core import Bundle, DataError, TrainingError
from emotion_core.datasets.faces import FaceData
from emotion_core.labels import FER2013, FERPLUS
from emotion_core.recognition.classifier import Classifier
from emotion_core.training.augment import Augmentation
from emotion_core.training.batches import batches, mixed
from emotion_core.training.config import TrainConfig
from emotion_core.training.targets import class_weights, targets
from emotion_core.training.views import Views
from support.noise import noise

TEACHERS = ("ferplus-residual-cnn", "fer2013-custom-cnn")


def test_mixup_mixes_faces_and_targets_alike() -> None:
    config = TrainConfig(batch_size=8, mixup=0.4, augmentation=Augmentation(flip=0), augmentation_start=0)
    data = noise(8)
    [(chosen, faces, own)] = batches(data, 48, config, 0)
    assert not np.allclose(own, 1)
    assert np.allclose(faces, mixed(data.faces[chosen].astype(np.float32), own), atol=0.01)
    eye = np.eye(8, dtype=np.float32)
    assert np.allclose(mixed(eye, own).sum(axis=1), 1)
    assert np.allclose(np.diag(mixed(eye, own)), own)


def test_balanced_sampling_draws_rare_classes_more_often() -> None:
    emotion = np.array([0] * 900 + [1] * 100)
    for power, low, high in ((0.0, 0.1, 0.1), (1.0, 0.45, 0.55)):
        config = TrainConfig(batch_size=1000, balanced_sampling=power)
        data = FaceData(np.zeros((1000, 8, 8, 1), np.uint8), emotion, np.array(["train"] * 1000))
        [(chosen, _, _)] = batches(data, 8, config, 0)
        assert low <= emotion[chosen].mean() <= high


def face_data(votes: np.ndarray | None = None) -> FaceData:
    faces = np.zeros((8, 48, 48, 1), np.uint8)
    return FaceData(faces, np.array([0, 1, 2, 3, 4, 5, 6, 3]), np.array(["train"] * 8), votes=votes)


def test_targets_blend_labels_and_votes() -> None:
    votes = np.zeros((8, 8), np.float32)
    votes[0, FERPLUS.index("fear")] = 1  # labelled angry, voted fear
    votes[1, FERPLUS.index("contempt")] = 1  # not one of the labels
    config = TrainConfig(label_smoothing=0.07, votes_share=0.5)
    goal = targets(face_data(votes), config)
    assert np.allclose(goal.sum(axis=1), 1, atol=1e-6)
    assert np.isclose(goal[0, 0], 0.5 * 0.94)
    assert np.isclose(goal[0, 2], 0.5 * 0.01 + 0.5)
    plain = targets(face_data(), config)
    assert np.array_equal(goal[1:], plain[1:])


def test_class_weights() -> None:
    data = face_data()
    assert np.allclose(class_weights(data, 0), 1)
    balanced = class_weights(data, 1)
    assert np.isclose(balanced[0], 2 * balanced[3])
    assert np.isclose(balanced[data.emotion].mean(), 1)
    with pytest.raises(DataError, match="angry"):
        class_weights(data.only(data.emotion > 0), 1)


def test_a_teacher_may_know_more_and_count_more() -> None:
    """A teacher of eight emotions answers with the student's seven alone; one named twice counts twice."""
    eight, seven = (Path(emotion_core.__file__).parent / "bundles" / name for name in TEACHERS)
    faces = noise(3).faces
    data = replace(noise(3), faces=np.maximum(faces, faces[:, :, ::-1]))  # the same when mirrored
    config = TrainConfig(teachers=(str(eight), str(seven), str(eight)), distil_share=1, distil_temperature=1)

    def mean_answer(faces: np.ndarray) -> np.ndarray:
        answers = [Classifier.from_bundle(Bundle.open(each)).probabilities(faces) for each in (eight, seven)]
        answers[0] = answers[0][:, [FERPLUS.index(name) for name in FER2013]]
        answers[0] /= answers[0].sum(axis=1, keepdims=True)
        return np.asarray((2 * answers[0] + answers[1]) / 3)

    assert np.allclose(targets(data, config), mean_answer(data.faces), atol=1e-4)
    seen, goal = Views(data, replace(config, teacher_views=1)).of_epoch(0)
    assert np.allclose(goal, mean_answer(seen), atol=1e-4)
    with pytest.raises(TrainingError, match="knows neutral"):
        targets(replace(data, labels=tuple("abcdefg")), config)
