"""Metrics against cases worked out by hand."""

import numpy as np
import pytest

from emotion_core import TrainingError
from emotion_core.datasets.faces import FaceData
from emotion_core.labels import FERPLUS
from emotion_core.training.evaluate import mirror, ten_crops
from emotion_core.training.metrics import expected_calibration_error, interval, metrics, nll_of_votes, reliability

LABELS = ("cat", "dog")
SURE = np.array([[0.9, 0.1]] * 6 + [[0.2, 0.8]] * 4)
TRUTH = np.array([0] * 5 + [1] + [1] * 3 + [0])


def test_figures_of_two_classes() -> None:
    figures = metrics(SURE, TRUTH, LABELS)
    assert figures["faces"] == 10
    assert figures["accuracy"] == 0.8
    assert figures["confusion"] == [[5, 1], [1, 3]]
    assert figures["per_class"]["dog"] == {"precision": 0.75, "recall": 0.75, "f1": 0.75, "faces": 4}
    assert figures["balanced_accuracy"] == pytest.approx((5 / 6 + 3 / 4) / 2, abs=1e-5)
    assert figures["macro_precision"] == pytest.approx((5 / 6 + 3 / 4) / 2, abs=1e-5)
    nll = -(5 * np.log(0.9) + np.log(0.1) + 3 * np.log(0.8) + np.log(0.2)) / 10
    assert figures["nll"] == pytest.approx(nll, abs=1e-5)
    # Of the 24 pairs of a cat and a dog, 15 are in the right order, 5 + 3 are tied.
    pairs = [
        np.sign(SURE[d, 1] - SURE[c, 1]) / 2 + 0.5 for d in np.flatnonzero(TRUTH) for c in np.flatnonzero(1 - TRUTH)
    ]
    assert figures["roc_auc"] == pytest.approx(np.mean(pairs), abs=1e-5)


def test_a_class_without_faces_has_no_area() -> None:
    figures = metrics(np.full((4, 3), 1 / 3), np.array([0, 0, 1, 1]), ("a", "b", "c"))
    assert figures["roc_auc"] is None
    assert figures["per_class"]["c"]["faces"] == 0


def test_expected_calibration_error() -> None:
    sure = np.array([[0.9, 0.1]] * 10)
    assert expected_calibration_error(sure, np.array([0] * 9 + [1])) == pytest.approx(0)
    assert expected_calibration_error(sure, np.array([0] * 5 + [1] * 5)) == pytest.approx(0.4)


def test_reliability_curve() -> None:
    low, high = reliability(SURE, TRUTH, bins=10)
    assert low == {"faces": 4, "confidence": 0.8, "accuracy": 0.75}
    assert high == {"faces": 6, "confidence": 0.9, "accuracy": pytest.approx(5 / 6, abs=1e-5)}


def test_the_interval_is_that_of_a_share() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 7, 3589)
    guess = np.where(rng.random(3589) < 0.7, truth, (truth + 1) % 7)
    low, high = interval(guess, truth, 7)["accuracy"]
    width = 1.96 * np.sqrt(0.7 * 0.3 / 3589)
    assert high - low == pytest.approx(2 * width, rel=0.1)
    assert low < (guess == truth).mean() < high


def test_votes() -> None:
    votes = np.zeros((3, 8), np.float32)
    votes[0, FERPLUS.index("happy")] = 1
    votes[1, [FERPLUS.index("happy"), FERPLUS.index("sad")]] = 0.5  # the third face has none
    faces = FaceData(np.zeros((3, 48, 48, 1), np.uint8), np.array([3, 3, 3]), np.array(["private"] * 3), votes=votes)
    flat = np.full((3, 7), 1 / 7)
    assert nll_of_votes(flat, faces) == pytest.approx(np.log(7), abs=1e-5)
    assert nll_of_votes(flat, faces.only(np.array([True] * 3))) is not None
    bare = FaceData(faces.faces, faces.emotion, faces.split)
    assert nll_of_votes(flat, bare) is None


def test_views() -> None:
    face = np.zeros((1, 48, 48, 1), np.uint8)
    face[0, :, :24] = 200
    assert (mirror(face)[0, :, 24:] == 200).all()
    crops = ten_crops(face)
    assert len(crops) == 10
    assert all(crop.shape == face.shape and crop.dtype == np.uint8 for crop in crops)
    assert np.array_equal(crops[9], mirror(crops[4]))


def test_unknown_views(tiny_bundle) -> None:  # type: ignore[no-untyped-def]
    from emotion_core.recognition.classifier import Classifier
    from emotion_core.training.evaluate import seen

    with pytest.raises(TrainingError, match="one, flip, ten"):
        seen(Classifier.from_bundle(tiny_bundle), np.zeros((1, 48, 48, 1), np.uint8), "eleven")
