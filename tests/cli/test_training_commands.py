"""The training commands, in the order in which a user needs them, on drawn faces."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from emotion_core import Bundle
from emotion_core.cli.main import main, parser
from emotion_core.cli.training_options import train_config
from emotion_core.recognition.bundle import EMBEDDED

#: Without the networks of cross-validation, which few faces would ask for: three more to train.
QUICK = ("--epochs", "1", "--batch-size", "28", "--precision", "float32", "--no-folds")
SMALL = ("--arch", "custom_cnn", "--width", "4", *QUICK)


@pytest.fixture(scope="module")
def trained(tiny_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("commands") / "small"
    assert main(["train", "--data", str(tiny_csv), "--out", str(out), "--flip", *SMALL]) == 0
    return out


def test_data(tiny_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "--data", str(tiny_csv), "--out", str(tmp_path / "sheet.png")]) == 0
    assert "140" in capsys.readouterr().out
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.width > sheet.height
    assert main(["data", "--data", str(tiny_csv), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["faces"] == 224
    assert main(["data", "--data", str(tiny_csv), "--ferplus"]) == 1
    assert "--votes" in capsys.readouterr().err


def test_train_writes_a_bundle(trained: Path) -> None:
    config = Bundle.open(trained).config
    assert config.arch == "custom_cnn"
    assert config.arch_options == {"crop_size": 48, "channels": 1, "width": 4, "stride": 1}
    assert config.flip
    [stage] = config.training["stages"]
    assert stage["config"]["epochs"] == 1
    assert set(stage["code"]) == {"version", "commit"}


def test_a_start_and_teachers_are_found_by_name(
    tiny_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    given = ["train", "--data", str(tiny_csv), "--out", "mine", "--init", "fer2013-custom-cnn"]
    config = train_config(parser().parse_args([*given, "--teachers", "fer2013-custom-cnn"]))
    assert (config.init,) == config.teachers == (str(EMBEDDED / "fer2013-custom-cnn"),)
    assert config.as_json()["init"] == "fer2013-custom-cnn"
    assert (
        main([*given, "--arch", "custom_cnn", "--width", "64", "--stride", "2", *QUICK, "--learning-rate", "1e-6"]) == 0
    )
    assert "arrays taken from fer2013-custom-cnn" in capsys.readouterr().out
    assert len(Bundle.open(Path("mine")).config.training["stages"]) > 1
    for lost, told in (("no-such-network", "No model 'no-such-network'"), ("gone.npz", "gone.npz: not a readable")):
        assert main([*given[:-3], "other", "--init", lost, "--arch", "custom_cnn", *QUICK]) == 1
        assert told in capsys.readouterr().err
    (tmp_path / "fer2013-custom-cnn").mkdir()  # what is in this folder comes first
    assert train_config(parser().parse_args(given)).init == "fer2013-custom-cnn"


def test_train_from_a_bundle(trained: Path, tiny_csv: Path, tmp_path: Path) -> None:
    command = ["train", "--from", str(trained), "--data", str(tiny_csv), "--out", str(tmp_path / "more")]
    assert main([*command, *QUICK, "--train-from", "logits"]) == 0
    config = Bundle.open(tmp_path / "more").config
    assert len(config.training["stages"]) == 2
    assert config.arch_options["width"] == 4


def test_evaluate(trained: Path, tiny_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["evaluate", str(trained), "--data", str(tiny_csv), "--split", "public"]
    assert main([*command, "--out", str(tmp_path), "--json"]) == 0
    figures = json.loads(capsys.readouterr().out)
    assert figures == Bundle.open(trained).config.metrics["public"]
    assert json.loads((tmp_path / "metrics-public.json").read_text()) == figures
    for name in ("confusion-public.png", "reliability-public.png", "history.png"):
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 300
    assert main([*command, "--views", "one"]) == 0
    assert "one view" in capsys.readouterr().out


def test_export_one_form(trained: Path, tiny_csv: Path, tmp_path: Path) -> None:
    command = ["export", str(trained), "--data", str(tiny_csv), "--out", str(tmp_path)]
    assert main([*command, "--form", "float16"]) == 0
    assert list(json.loads((tmp_path / "parity.json").read_text())) == ["float32", "float16"]


def test_what_cannot_be_done_is_said(tiny_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    begin = ["train", "--data", str(tiny_csv), "--out", str(tmp_path / "x")]
    for more, says in (
        (["--arch", "resnet51"], "custom_cnn"),
        (["--arch", "custom_cnn", "--image-size", "96"], "takes no option image_size"),
        (["--arch", "custom_cnn", "--dropout", "2"], "dropout"),
        (["--teachers", "nobody"], "No model 'nobody'"),
        (["--from", "nobody"], "No model 'nobody'"),
        (["--votes", str(tmp_path / "absent.csv")], "absent.csv"),
    ):
        assert main([*begin, *more]) == 1
        assert says in capsys.readouterr().err


@pytest.mark.parametrize("command", ["average", "calibrate", "export"])
def test_tensorflow_tells_nothing_of_itself(command: str, trained: Path, tmp_path: Path) -> None:
    """Without the variable that hides some of its lines: a user has not set it."""
    more = [] if command == "calibrate" else ["--out", str(tmp_path / "out")]
    words = [sys.executable, "-m", "emotion_core", command, str(trained), "--data", "absent.csv", *more]
    own = {name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"}
    told = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120, env=own).stderr
    assert told.startswith("Error: No data at absent.csv."), told
    assert len(told.splitlines()) == 1


@pytest.mark.parametrize(("command", "default"), [("ablate", 8000), ("ablate", 3), ("search", 30), ("data", 48)])
def test_help_tells_what_holds_where_nothing_is_given(
    command: str, default: int, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert f"(default {default})" in " ".join(capsys.readouterr().out.split())
