"""Thirty pictures per class: settings scaled to the data, calibration wary of small samples, and messages."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion_core import Bundle, DataError, EmotionRecognizer
from emotion_core.cli.main import main
from emotion_core.datasets.drawn import drawn_faces, relabelled, write_folders
from emotion_core.datasets.faces import FaceData, load
from emotion_core.datasets.sought import FaceSeeker
from emotion_core.images import RGB
from emotion_core.recognition.bundle_config import Calibration
from emotion_core.recognition.classifier import softmax
from emotion_core.training.calibration import LEAST, fit_calibration
from emotion_core.training.config import TrainConfig
from emotion_core.training.metrics import expected_calibration_error, interval, share_interval
from emotion_core.training.small import LARGE, filled, folds_of, steps_of, suited
from support import tiny


def answers(count: int, sharpness: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Logits scaled by ``sharpness``, and a truth drawn from the unscaled ones."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (count, 3))
    truth = (softmax(logits).cumsum(axis=1) > rng.random((count, 1))).argmax(axis=1)
    return (logits * sharpness).astype(np.float32), truth


def test_a_handful_of_faces_moves_nothing() -> None:
    logits, truth = answers(LEAST - 1, 1.0, 0)
    assert fit_calibration(logits, logits.argmax(axis=1)) == Calibration()
    assert fit_calibration(logits, truth) == Calibration()


def test_few_faces_that_are_all_right_do_not_make_a_network_certain() -> None:
    logits, _ = answers(30, 1.0, 1)
    found = fit_calibration(logits, logits.argmax(axis=1))
    assert 0.2 < found.temperature < 1
    assert found.bias == ()


@pytest.mark.parametrize("sharpness", [0.5, 1.0, 2.0])
def test_eighty_faces_calibrate_others(sharpness: float) -> None:
    errors = []
    for seed in range(8):
        found = fit_calibration(*answers(80, sharpness, seed))
        assert found.bias == ()
        logits, truth = answers(20_000, sharpness, 99)
        errors.append(expected_calibration_error(softmax(logits, found.temperature), truth))
    assert np.mean(errors) < 0.06
    assert max(errors) < 0.12


def test_wilsons_interval() -> None:
    # Wilson 1927; figures from Newcombe 1998, table I (81 of 263, 15 of 148, 0 of 20, 1 of 29)
    for hits, count, low, high in ((81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611)):
        assert share_interval(np.arange(count) < hits) == pytest.approx((low, high), abs=5e-4)
    low, high = interval(np.arange(9) % 3, np.arange(9) % 3, 3)["accuracy"]
    assert low == pytest.approx(0.7009, abs=1e-3)
    assert high == 1
    low, high = interval(np.arange(9) % 3, np.arange(9) % 3, 3)["macro_f1"]
    assert low < 0.9


@pytest.mark.parametrize(("count", "batch", "steps"), [(72, 16, 5), (3, 16, 1), (28_709, 64, 448), (100, 50, 2)])
def test_no_picture_is_passed_over(count: int, batch: int, steps: int) -> None:
    order = filled(np.random.default_rng(0).permutation(count), batch)
    assert steps_of(count, batch) == steps
    assert len(order) == (steps * batch if count > batch else count)
    assert len(set(order.tolist())) >= count - count // 100


def test_settings_follow_the_size_unless_they_are_asked_for() -> None:
    usual = TrainConfig()
    assert suited(usual, LARGE) == usual
    small = suited(usual, 72)
    assert small.batch_size == 16
    assert small.epochs * steps_of(72, 16) == 200
    assert 0.8 < small.ema < 0.95
    asked = suited(TrainConfig(epochs=3, ema=0.5), 72, {"epochs", "ema"})
    assert (asked.epochs, asked.ema, asked.batch_size) == (3, 0.5, 16)


def test_every_face_is_unseen_once_and_twins_together() -> None:
    data = drawn_faces(200)
    folds = folds_of(data)
    inside = {digest for fold in folds for digest in fold.hashes()}
    seen = [digest for fold in folds for digest in set(fold.of("public").hashes())]
    assert sorted(seen) == sorted(inside)
    for fold in folds:
        assert not set(fold.of("public").hashes()) & set(fold.of("train").hashes())
        shares = [
            np.bincount(fold.of(split).emotion, minlength=7) / len(fold.of(split)) for split in ("train", "public")
        ]
        assert np.abs(shares[0] - shares[1]).max() < 0.04


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes that the drawn faces' model does not know, a dozen pictures each."""
    faces = drawn_faces(200)
    data = relabelled(faces, {"happy": "Glad", "surprise": "amazed"})
    kept = np.concatenate([np.flatnonzero(data.emotion == label)[:12] for label in (0, 1)])
    return write_folders(data.only(np.isin(np.arange(len(data)), kept)), tmp_path_factory.mktemp("mine") / "mine")


@pytest.fixture(scope="module")
def trained(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("small") / "own"
    # A failed start does not block the next one.
    wrong = ["train", "--data", str(folder), "--arch", tiny.register(), "--flip", "--out", str(out)]
    assert main([*wrong, "--train-from", "nowhere"]) == 1
    assert main([*wrong, "--epochs", "4", "--learning-rate", "0.01", "--whole-picture"]) == 0
    return out


def test_a_small_set_is_trained_told_and_served(trained: Path, folder: Path) -> None:
    bundle = Bundle.open(trained)
    config = bundle.config
    assert config.labels == ("Glad", "amazed")
    crossed = config.training["crossed"]
    assert crossed["faces"] + config.metrics["private"]["faces"] == 24
    assert not config.bias
    low, high = crossed["interval"]
    assert high - low > 0.2
    [stage] = config.training["stages"]
    assert stage["data"] == {"name": "mine", "splits": "made", "truth": "labels", "sought": False}
    assert stage["config"]["batch_size"] == 8
    recognizer = EmotionRecognizer.load(str(trained))
    assert recognizer.detector.name == "none"
    assert "Glad, amazed" in repr(recognizer)
    [prediction] = recognizer.analyze(next(folder.glob("Glad/*.png"))).predictions
    assert prediction.emotion in config.labels


def test_the_end_says_how_little_was_measured(trained: Path, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["train", "--data", str(folder), "--arch", "tiny", "--flip", "--out", str(trained), "--resume"]
    assert main([*command, "--epochs", "4", "--learning-rate", "0.01"]) == 0
    told = capsys.readouterr().out
    assert "PrivateTest: accuracy" in told or "test: accuracy" in told
    assert "Cross-validation in 3 parts" in told
    assert "So few faces say little" in told
    assert "--whole-picture" in told  # its classes are not expressions
    assert "README.md" in told
    assert json.loads((trained / "config.json").read_text())["sees"] == "face"


def test_photos_are_cropped_as_serving_crops_them(
    tmp_path: Path, astronaut: RGB, recognizer: EmotionRecognizer
) -> None:
    for split in ("train", "val"):
        for name, photo in (("happy", astronaut), ("sad", astronaut[:, ::-1])):
            (tmp_path / split / name).mkdir(parents=True)
            Image.fromarray(photo).save(tmp_path / split / name / "photo.png")
    Image.new("RGB", (300, 300)).save(tmp_path / "train" / "sad" / "nobody.png")
    seeker = FaceSeeker(recognizer.detector)
    data = load(tmp_path, seek=seeker)
    assert data.origin.sought
    faces = recognizer.detector.detect(astronaut)
    assert np.array_equal(data.faces[data.emotion == 0][0], recognizer.crops(astronaut, faces)[0])
    [line] = data.skipped
    assert "nobody.png" in line
    assert "no face found" in line


def test_files_that_cannot_be_are_said_and_not_thrown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["notebook", str(tmp_path / "absent.ipynb")]) == 1
    assert "no notebook absent.ipynb" in capsys.readouterr().err
    (tmp_path / "file").write_text("")
    sheet = ["data", "--data", str(write_folders(drawn_faces(60), tmp_path / "d")), "--out"]
    assert main([*sheet, str(tmp_path / "file" / "x.png")]) == 1
    assert "Error: " in capsys.readouterr().err


def test_help_tells_the_defaults(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["train", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert f"passes over all faces (default {TrainConfig().epochs})" in told
    assert f"(default {TrainConfig().learning_rate})" in told


def test_a_class_without_faces_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    data = drawn_faces(200)
    from emotion_core.training.pipeline import train_bundle

    keep = (data.split != "train") | (data.emotion != 0)
    with pytest.raises(DataError, match="No training face is angry"):
        train_bundle(data.only(keep), TrainConfig(arch="custom_cnn"), tmp_path / "out")
    assert not (tmp_path / "out").exists()
    assert isinstance(data, FaceData)
