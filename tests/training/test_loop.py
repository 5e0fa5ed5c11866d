"""Training with the real loop: it learns, it is recorded, and a kill costs at most the current epoch."""

import hashlib
import json
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image

from emotion_core import Bundle, BundleError, TrainingError
from emotion_core.datasets.faces import load
from emotion_core.labels import FER2013
from emotion_core.recognition.architectures import build
from emotion_core.recognition.classifier import Classifier, softmax
from emotion_core.recognition.keras_network import load_network
from emotion_core.training.batch_norm import Statistics, renew_statistics
from emotion_core.training.batches import batches
from emotion_core.training.calibration import fit_calibration
from emotion_core.training.config import TrainConfig
from emotion_core.training.evaluate import evaluate
from emotion_core.training.initial_weights import load_initial
from emotion_core.training.loop import CHECKPOINT, train
from emotion_core.training.pipeline import continued, train_bundle
from emotion_core.training.recipe import recipe
from emotion_core.training.run_folder import read_history
from emotion_core.training.targets import targets
from emotion_core.training.views import Views
from emotion_core.training.weight_average import average_bundles
from support import tiny
from support.noise import noise
from support.processes import importing


def test_it_learns_and_the_bundle_says_what_it_reached(tiny_bundle: Bundle, tiny_csv: Path) -> None:
    figures = tiny_bundle.config.metrics
    assert figures["public"]["accuracy"] > 0.8
    assert evaluate(Classifier.from_bundle(tiny_bundle), load(tiny_csv), "private") == figures["private"]
    [stage] = tiny_bundle.config.training["stages"]
    assert [row["epoch"] for row in stage["history"]] == list("123456")
    assert tiny_bundle.config.export["form"] in tiny_bundle.config.export["forms"]


def test_a_killed_run_resumes_to_the_same_history(tiny_csv: Path, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    command = [sys.executable, str(Path(tiny.__file__)), str(tiny_csv), str(broken), "6"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=importing(OMP_NUM_THREADS="1"))
    deadline = time.monotonic() + 120
    while len(read_history(broken)) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert 2 <= len(read_history(broken)) < 6
    # In this process, which knows of the killed one only what it left on the disk
    train(load(tiny_csv), tiny.settings(6), broken, resume=True)
    train(load(tiny_csv), tiny.settings(6), whole)

    def learnt(folder: Path) -> list[dict[str, str]]:
        return [{name: value for name, value in row.items() if name != "seconds"} for row in read_history(folder)]

    assert learnt(broken) == learnt(whole)


def test_another_run_is_not_overwritten(tiny_csv: Path, tmp_path: Path) -> None:
    data = load(tiny_csv)
    train(data, tiny.settings(1), tmp_path)
    with pytest.raises(TrainingError, match="--resume"):
        train(data, tiny.settings(1), tmp_path)
    with pytest.raises(TrainingError, match="other data or settings"):
        train(data, tiny.settings(2), tmp_path, resume=True)
    voted = replace(data, votes=np.full((len(data), 8), 1 / 8, np.float32))
    with pytest.raises(TrainingError, match="other data or settings"):
        train(voted, tiny.settings(1), tmp_path, resume=True)
    for wrong in ({"epochs": 0}, {"batch_size": 0}, {"learning_rate": -1.0}):
        with pytest.raises(TrainingError, match="at least 1"):
            TrainConfig(**wrong)
    assert json.loads((tmp_path / "run.json").read_text())["config"]["epochs"] == 1


def test_a_second_stage_starts_from_the_first_and_is_told_with_it(
    tiny_bundle: Bundle, tiny_csv: Path, tmp_path: Path
) -> None:
    best = tiny_bundle.folder / "run" / "best.weights.h5"
    config = replace(tiny.settings(1), init=str(best), learning_rate=1e-5, teachers=(str(tiny_bundle.folder),))
    later = train_bundle(load(tiny_csv), config, tmp_path / "second")
    first, second = later.config.training["stages"]
    assert [first] == tiny_bundle.config.training["stages"]
    assert second["config"]["init"] == "best.weights.h5"
    asked = (tiny_bundle.folder / "model.tflite").read_bytes()
    assert second["teachers_sha256"] == [hashlib.sha256(asked).hexdigest()]
    assert float(second["history"][0]["public_accuracy"]) > 0.8
    # Also from a bundle's float16 weights, keeping the whole chain of stages.
    config = replace(config, init=str(later.folder / "model.weights.h5"))
    third = train_bundle(load(tiny_csv), config, tmp_path / "third")
    assert third.config.training["stages"][:2] == [first, second]
    with pytest.raises(TrainingError, match=r"elsewhere\.weights\.h5"):
        train_bundle(load(tiny_csv), replace(config, init=str(tmp_path / "elsewhere.weights.h5")), tmp_path / "fourth")


def test_a_loss_that_is_no_number_ends_it_and_a_lower_rate_may_begin_there(tiny_csv: Path, tmp_path: Path) -> None:
    data, config = load(tiny_csv), replace(tiny.settings(2), learning_rate=1e30, warmup_epochs=0)
    with pytest.raises(TrainingError, match=r"In epoch \d the loss is nan: .*lower --learning-rate \(it is 1e\+30\)"):
        train(data, config, tmp_path / "run")
    assert not (tmp_path / "run" / CHECKPOINT).exists()
    train(data, tiny.settings(1), tmp_path / "run")


def test_batches_depend_on_seed_and_epoch_alone() -> None:
    config = TrainConfig(batch_size=8)
    data = noise(20)
    first, again, later = (list(batches(data, 64, config, epoch)) for epoch in (0, 0, 1))
    assert len(first) == 3
    for (left, left_faces, _), (right, right_faces, _) in zip(first, again, strict=True):
        assert np.array_equal(left, right)
        assert np.array_equal(left_faces, right_faces)
        assert left_faces.shape == (8, 64, 64, 1)
    assert not np.array_equal(first[0][0], later[0][0])


def test_calibration_finds_what_was_done_to_the_logits() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (20_000, 3))
    shares = softmax(logits)
    truth = (shares.cumsum(axis=1) > rng.random((len(shares), 1))).argmax(axis=1)
    bias = np.array([0.5, -0.2, -0.3])
    found = fit_calibration(((logits - bias) * 1.7).astype(np.float32), truth)
    assert abs(found.temperature - 1.7) < 0.1
    assert np.abs(np.array(found.bias) - bias).max() < 0.08


def test_a_teacher_is_learnt_from(tiny_bundle: Bundle, tiny_csv: Path, tmp_path: Path) -> None:
    data = load(tiny_csv)
    config = TrainConfig(teachers=(str(tiny_bundle.folder),), distil_share=1.0, label_smoothing=0)
    answers = Classifier.from_bundle(tiny_bundle).probabilities(data.faces)
    goal = targets(data, config)
    assert np.allclose(goal.sum(axis=1), 1, atol=1e-5)
    assert (goal.argmax(axis=1) == answers.argmax(axis=1)).mean() > 0.9
    assert goal.max(axis=1).mean() < answers.max(axis=1).mean()  # the temperature softens
    half = targets(data, replace(config, distil_share=0.5))
    assert np.allclose(half, (goal + np.eye(7)[data.emotion]) / 2, atol=1e-5)
    assert np.array_equal(targets(data, config, tmp_path), goal)
    [kept] = tmp_path.iterdir()
    np.save(kept, np.zeros((len(data), 7), np.float32))  # shows that the cache is read
    assert np.allclose(targets(data, config, tmp_path), 1 / 7)
    assert np.array_equal(targets(data.of("train"), config, tmp_path), targets(data.of("train"), config))
    with pytest.raises(TrainingError, match="Teacher"):
        targets(replace(data, labels=tuple("abcdefg")), config)


def test_fine_tuning_on_other_classes(tiny_bundle: Bundle, tmp_path: Path) -> None:
    """The head keeps its weights for the labels that stay, and the bundle serves the new ones."""
    faces, emotion, usage = tiny.drawn_faces()
    words = {3: "happy", 4: "sad", 6: "bored"}
    for row, (face, label, split) in enumerate(zip(faces, emotion, usage, strict=True)):
        if label in words:
            part = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}[split]
            folder = tmp_path / "mine" / part / words[label]
            folder.mkdir(parents=True, exist_ok=True)
            Image.fromarray(face).save(folder / f"{row}.png")
    config = continued(replace(tiny.settings(2), learning_rate=3e-3), tiny_bundle)
    bundle = train_bundle(load(tmp_path / "mine"), config, tmp_path / "bundle")
    assert bundle.config.labels == ("bored", "happy", "sad")
    assert bundle.config.metrics["private"]["accuracy"] > 0.8
    assert len(bundle.config.training["stages"]) == 2
    assert Classifier.from_bundle(Bundle.open(bundle.folder)).probabilities(faces[:2, ..., None]).shape == (2, 3)
    start = build("tiny", 3)
    load_initial(start, tiny_bundle.folder, ("bored", "happy", "sad"))
    old = build("tiny", 7)
    old.load_weights(tiny_bundle.folder / "model.weights.h5")
    assert np.allclose(
        start.layers[-1].get_weights()[0][:, 1], old.layers[-1].get_weights()[0][:, FER2013.index("happy")]
    )
    with pytest.raises(TrainingError, match="not a residual_cnn"):
        load_initial(build("residual_cnn", 3), tiny_bundle.folder, ("bored", "happy", "sad"))


def test_normalisation_statistics_are_those_of_the_faces(tiny_csv: Path) -> None:
    faces = load(tiny_csv).of("train").faces
    network = build(tiny.register(), 7)
    norm = next(layer for layer in network.layers if layer.name.startswith("batch_norm"))
    seen = keras.Model(network.input, norm.input)

    def statistics() -> np.ndarray:
        return np.stack([np.array(norm.moving_mean), np.array(norm.moving_variance)])

    began, momentum = statistics(), norm.momentum
    with Statistics(network, faces).own():
        within = statistics()
    assert (statistics() == began).all()
    assert norm.momentum == momentum
    assert renew_statistics(network, faces) == 1
    assert (statistics() == within).all()
    views = [np.asarray(seen(view)) for view in (faces, faces[:, :, ::-1])]
    mean = np.concatenate(views).mean(axis=(0, 1, 2))
    assert np.allclose(statistics()[0], mean, atol=0.05), "the mean over the faces, about half of them mirrored"
    norm.trainable = False
    assert renew_statistics(network, faces) == 0, "a frozen layer keeps its statistics"


def test_the_mean_of_two_stages(tiny_bundle: Bundle, tiny_csv: Path, tmp_path: Path) -> None:
    data = load(tiny_csv)
    config = continued(replace(tiny.settings(1), learning_rate=1e-3), tiny_bundle)
    second = train_bundle(data, config, tmp_path / "second")
    mean = average_bundles([tiny_bundle, second], data, tmp_path / "mean")
    one, other, both = (
        load_network(bundle, "model.weights.h5").get_weights() for bundle in (tiny_bundle, second, mean)
    )
    for left, right, middle in zip(one, other, both, strict=True):
        assert np.allclose((left + right) / 2, middle, atol=2e-3)
    assert mean.config.metrics["private"]["accuracy"] > 0.8
    assert [member["stages"] for member in mean.config.training["stages"][-1]["averaged"]] == [1, 2]
    command = "python -m emotion_core average mean-stage-1 mean-stage-2 --data fer2013.csv --out mean"
    assert command in recipe(mean.config)
    assert "stages 1 and 2" in (mean.folder / "README.md").read_text()
    other_labels = replace(second.config, labels=tuple("abcdefg"))
    with pytest.raises(BundleError, match="differ"):
        average_bundles([tiny_bundle, replace(second, config=other_labels)], data, tmp_path / "x")


def test_a_teacher_sees_the_very_pictures_of_its_student(tiny_bundle: Bundle, tiny_csv: Path, tmp_path: Path) -> None:
    data = load(tiny_csv).of("train")
    config = replace(tiny.settings(4), teachers=(str(tiny_bundle.folder),), distil_share=1.0, teacher_views=2)
    views = Views(data, config, tmp_path)
    (faces, goal), (others, _), (again, _) = (views.of_epoch(epoch) for epoch in (0, 1, 2))
    assert np.array_equal(faces, again)
    assert not np.array_equal(faces, others)
    logits = Classifier.from_bundle(tiny_bundle).logits(faces) / tiny_bundle.config.temperature
    asked = softmax(logits + np.asarray(tiny_bundle.config.bias or 0.0), config.distil_temperature)
    assert np.allclose(goal, asked, atol=2e-3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["view-0.npz", "view-1.npz"]
    kept = {"answers": np.full((len(data), 7), 1 / 7), "teachers": np.load(tmp_path / "view-0.npz")["teachers"]}
    np.savez(tmp_path / "view-0.npz", **kept)  # shows that the cache is read
    assert np.allclose(views.of_epoch(0)[1], 1 / 7)
    taught = train(load(tiny_csv), replace(config, init=str(tiny_bundle.folder)), tmp_path / "run")
    assert taught.count_params() == tiny_bundle.config.training["parameters"]
    with pytest.raises(TrainingError, match="Teacher"):
        Views(replace(data, labels=tuple("abcdefg")), config)
