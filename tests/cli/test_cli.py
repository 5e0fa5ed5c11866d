"""The command line, as called by a user."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion_core import Bundle
from emotion_core.cli.main import main
from support import tiny


@pytest.fixture
def photos(tmp_path: Path, astronaut: np.ndarray) -> Path:
    Image.fromarray(astronaut).save(tmp_path / "astronaut.png")
    Image.new("RGB", (100, 80), "gray").save(tmp_path / "empty.png")
    (tmp_path / "broken.jpg").write_bytes(b"nothing")
    return tmp_path


def test_image_prints_and_writes(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = photos / "new" / "folder"
    files = [str(photos / name) for name in ("astronaut.png", "empty.png")]
    assert main(["image", *files, "--detector", "haar", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "1 happy" in printed
    assert "No face found" in printed
    with Image.open(out / "astronaut.png.annotated.png") as annotated:
        assert annotated.size == (512, 512)
    assert json.loads((out / "astronaut.png.json").read_text())["faces"][0]["emotion"] == "happy"


def test_one_bad_photo_stops_nothing(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = [str(photos / name) for name in ("broken.jpg", "astronaut.png", "absent.png")]
    assert main(["image", *files, "--json", "--detector", "haar"]) == 1
    captured = capsys.readouterr()
    bad, good, absent = json.loads(captured.out)
    assert "not a picture" in bad["error"]
    assert len(good["faces"]) == 1
    assert "no file" in absent["error"]
    assert "broken.jpg" in captured.err


def test_answers_do_not_overwrite_each_other(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photo = str(photos / "empty.png")
    assert main(["image", photo, photo, "--detector", "haar", "--out", str(photos / "out")]) == 1
    assert "Several photos are called empty.png" in capsys.readouterr().err
    assert main(["image", photo, "--detector", "haar", "--out", photo]) == 1
    assert "cannot be made:" in capsys.readouterr().err


def test_a_wrong_model_is_one_readable_line(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["image", str(photos / "astronaut.png"), "--model", "no such model"]) == 1
    assert capsys.readouterr().err.startswith("Error: No model 'no such model'")


def test_train_then_evaluate(
    tiny_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    tiny.register()
    out = tmp_path / "mine"
    options = ["--arch", "tiny", "--epochs", "1", "--batch-size", "70", "--precision", "float32"]
    train = ["train", "--data", str(tiny_csv), "--out", str(out), *options]
    assert main(train) == 0
    assert f"--model {out}" in capsys.readouterr().out
    assert main(train) == 1
    assert "--resume" in capsys.readouterr().err
    assert main(["evaluate", str(out), "--data", str(tiny_csv), "--split", "private", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == Bundle.open(out).config.metrics["private"]
    assert main(["evaluate", str(out), "--data", str(tiny_csv), "--split", "public"]) == 0
    assert "macro_f1" in capsys.readouterr().out
    monkeypatch.chdir(tmp_path)
    assert main(["evaluate", "mine", "--data", "elsewhere.csv", "--split", "public"]) == 1
