"""The labels' own calibration: what a matrix mends, what it leaves alone, and how it is fitted anew."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from emotion_core import Bundle, TrainingError
from emotion_core.cli.main import main
from emotion_core.datasets.faces import load
from emotion_core.recognition.bundle_config import KeptCalibration
from emotion_core.recognition.classifier import Classifier, probabilities_by, softmax
from emotion_core.training.card import model_card
from emotion_core.training.evaluate import evaluate
from emotion_core.training.export import write_config
from emotion_core.training.matrix_scaling import FORMS, fit_biases, fit_matrix, fit_to_labels, form_of
from emotion_core.training.metrics import nll_of
from emotion_core.training.recalibration import refit_labels

#: Each class is answered for the next, as no temperature and no bias can mend.
TURN = KeptCalibration(matrix=tuple(tuple(np.roll(row, -1).tolist()) for row in np.eye(7)))


def answers(count: int, true: NDArray[np.float64]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Logits (N, C) with an offset of their own, and labels drawn from the softmax of ``true`` times them."""
    rng = np.random.default_rng(4)
    logits = rng.normal(0, 1.5, (count, len(true)))
    shares = softmax(logits @ true.T)
    truth = (shares.cumsum(axis=1) > rng.random((count, 1))).argmax(axis=1)
    return (logits + rng.normal(0, 2, (count, 1))).astype(np.float32), truth


CONFUSED = np.eye(4) + np.array([[0, 0.9, 0, 0], [0, 0, 0, 0], [0, 0, 0, -0.9], [0, 0, 0, 0]])


def test_the_matrix_that_drew_the_labels_is_found() -> None:
    logits, truth = answers(20_000, CONFUSED - CONFUSED.mean(axis=1, keepdims=True))
    found = fit_matrix(logits, truth)
    told = np.array(found.matrix)
    assert found.temperature == 1
    assert np.abs(told.sum(axis=1)).max() < 1e-3, "an offset common to a face's logits changes nothing"
    centre = np.eye(4) - 0.25
    assert np.abs(told - centre @ CONFUSED @ centre).max() < 0.15, "drawn towards 0 off the diagonal, by little"
    goal = np.eye(4)[truth]
    assert nll_of(probabilities_by(found, logits), goal) < nll_of(
        probabilities_by(fit_biases(logits, truth), logits), goal
    )


def test_probabilities_are_those_of_matrix_then_temperature_and_biases() -> None:
    logits = np.array([[1.0, 2.0], [0.0, -1.0]], np.float32)
    one = KeptCalibration(2.0, (0.5, 0.0), ((1.0, -1.0), (0.0, 3.0)))
    expected = softmax(np.array([[-1 / 2 + 0.5, 6 / 2], [1 / 2 + 0.5, -3 / 2]]))
    assert np.allclose(probabilities_by(one, logits), expected, atol=1e-6)
    assert np.allclose(probabilities_by(KeptCalibration(2.0, (0.5, 0.0)), logits), softmax(logits, 2.0, (0.5, 0.0)))


def test_the_form_that_is_right_on_more_unseen_faces_is_taken() -> None:
    logits, truth = answers(3000, CONFUSED)
    found = fit_to_labels(logits, truth)
    biases, matrix = (found.cross_fitted[form] for form in FORMS)
    assert form_of(found) == "matrix"
    assert matrix["accuracy"] > biases["accuracy"] + 0.01
    seen = (probabilities_by(found, logits).argmax(axis=1) == truth).mean()
    assert matrix["accuracy"] < seen, "never judged on the faces that it was fitted to"
    plain = fit_to_labels(*answers(1500, 1.4 * np.eye(4)))
    reached = plain.cross_fitted
    assert reached["temperature and biases"]["nll"] < reached["matrix"]["nll"], "nothing for a matrix to mend"
    assert form_of(plain) == max(FORMS, key=lambda form: (reached[form]["accuracy"], -reached[form]["nll"]))


def test_few_faces_get_no_matrix() -> None:
    logits, truth = answers(1249, CONFUSED)
    found = fit_to_labels(logits, truth)
    assert found == fit_biases(logits, truth)
    assert not found.cross_fitted
    assert fit_to_labels(*answers(1250, CONFUSED)).matrix


@pytest.mark.parametrize("flip", [False, True])
def test_a_classifier_answers_by_another_calibration(tiny_bundle: Bundle, tiny_csv: Path, flip: bool) -> None:
    plain, data = Classifier.from_bundle(tiny_bundle), load(tiny_csv)
    own = Classifier(plain._network, replace(tiny_bundle.config, flip=flip, calibrations={"labels": TURN}))
    other, faces = own.calibrated_by(TURN), data.of("private").faces
    assert np.allclose(other.probabilities(faces), probabilities_by(TURN, own.logits(faces)), atol=1e-5)
    assert (other.probabilities(faces).argmax(axis=1) == (own.logits(faces).argmax(axis=1) + 1) % 7).all()
    kept, turned = evaluate(own, data, "private")["label_calibrated"], evaluate(other, data, "private")
    assert {name: turned[name] for name in ("accuracy", "nll", "ece")} == pytest.approx(kept, abs=1e-4)


def test_a_bundle_is_evaluated_by_it(
    tiny_bundle: Bundle, tiny_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = shutil.copytree(tiny_bundle.folder, tmp_path / "turned")
    write_config(folder, replace(tiny_bundle.config, calibrations={"labels": TURN}))
    words = ["evaluate", str(folder), "--data", str(tiny_csv), "--split", "private", "--json"]
    assert main(words) == 0
    served = json.loads(capsys.readouterr().out)
    assert main([*words, "--calibration", "labels"]) == 0
    turned = json.loads(capsys.readouterr().out)
    assert turned["accuracy"] == served["label_calibrated"]["accuracy"] < served["accuracy"]


def test_the_labels_calibration_alone_is_fitted_anew(tiny_bundle: Bundle, tiny_csv: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_bundle.folder, tmp_path / "anew")
    once = {"accuracy": 0.5, "nll": 9.0, "ece": 0.5}
    old: Any = {
        split: {**figures, "accuracy": 0.123, "label_calibrated": once} for split, figures in _figures(tiny_bundle)
    }
    write_config(folder, replace(tiny_bundle.config, calibrations={"labels": TURN}, metrics=old))
    assert main(["calibrate", str(folder), "--data", str(tiny_csv), "--labels-only"]) == 0
    found = Bundle.open(folder).config
    public = load(tiny_csv).of("public")
    logits = Classifier.from_bundle(tiny_bundle).logits(public.faces)
    assert found.calibrations["labels"] == replace(fit_to_labels(logits, public.emotion), fitted_anew=True)
    for split, figures in _figures(tiny_bundle):
        assert found.metrics[split]["label_calibrated"]["accuracy"] == figures["accuracy"], "no bias with so few"
        assert {**found.metrics[split], "label_calibrated": once} == old[split], "nothing else is measured"
    assert replace(found, metrics={}, calibrations={}, files={}) == replace(tiny_bundle.config, metrics={}, files={})
    assert (folder / "README.md").read_text() == model_card(found)
    assert "PrivateTest was opened a second time for its figure alone" in model_card(found)


def test_what_is_fitted_anew_has_to_be_there_and_leaves_what_serves(
    tiny_bundle: Bundle, tiny_csv: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(TrainingError, match="calibrate it without --labels-only"):
        refit_labels(tiny_bundle, load(tiny_csv))
    words = ["calibrate", str(tiny_bundle.folder), "--data", str(tiny_csv), "--labels-only", "--one-look"]
    assert main(words) != 0
    assert "give it no --photos and no --one-look" in capsys.readouterr().err


def test_the_card_tells_its_form_and_what_each_reaches(tiny_bundle: Bundle) -> None:
    reached = {form: {"accuracy": 0.61 + place / 10, "nll": 1.5} for place, form in enumerate(FORMS)}
    kept = replace(TURN, cross_fitted=reached)  # type: ignore[arg-type]
    text = model_card(replace(tiny_bundle.config, calibrations={"labels": kept}))
    assert "It multiplies the logits by a matrix" in text
    assert "temperature and biases 0.6100 (NLL 1.5000), matrix 0.7100 (NLL 1.5000)" in text
    assert "PrivateTest was opened a second time" not in text
    plain = model_card(replace(tiny_bundle.config, calibrations={"labels": KeptCalibration()}))
    assert "matrix" not in plain


def _figures(bundle: Bundle) -> list[tuple[str, dict[str, object]]]:
    return [(split, dict(figures)) for split, figures in bundle.config.metrics.items()]
