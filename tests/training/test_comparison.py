"""Networks side by side, and several as one."""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import emotion_core
from emotion_core import Bundle, DataError
from emotion_core.cli.main import main
from emotion_core.datasets.faces import load
from emotion_core.recognition.classifier import Classifier
from emotion_core.reports.records import label_calibrations
from emotion_core.training.comparison import MeanAnswer, compare


def test_the_mean_of_networks_is_a_row_of_its_own(tiny_bundle: Bundle, tiny_csv: Path, tmp_path: Path) -> None:
    out, folder = tmp_path / "compared.json", str(tiny_bundle.folder)
    words = ["compare", folder, folder, "--data", str(tiny_csv), "--split", "public", "--mean", "--out", str(out)]
    assert main(words) == 0
    one, same, mean = json.loads(out.read_text())
    assert one["name"] == same["name"] == tiny_bundle.config.name
    assert mean["name"] == "mean of the 2 networks' answers"
    assert one["label"]["faces"] == 42
    assert {name: mean[name] for name in ("label", "nll", "ece")} == {
        name: one[name] for name in ("label", "nll", "ece")
    }


def test_probabilities_are_averaged_not_answers() -> None:
    sure, unsure = np.array([[0.9, 0.1]]), np.array([[0.4, 0.6]])
    both = MeanAnswer([lambda _: sure, lambda _: unsure])
    assert np.allclose(both(np.zeros((1, 48, 48, 1), np.uint8)), [[0.65, 0.35]])


def test_a_network_that_knows_more_answers_with_the_datas_labels(
    tiny_bundle: Bundle, tiny_csv: Path, tmp_path: Path
) -> None:
    eight = Bundle.open(Path(emotion_core.__file__).parent / "bundles" / "ferplus-residual-cnn")
    out, data = tmp_path / "compared.json", load(tiny_csv)
    folders = [str(tiny_bundle.folder), str(eight.folder)]
    assert main(["compare", *folders, "--data", str(tiny_csv), "--split", "public", "--out", str(out)]) == 0
    _, row = json.loads(out.read_text())
    public = data.of("public")
    found = Classifier.from_bundle(eight).probabilities(public.faces)
    among = found[:, [eight.config.labels.index(label) for label in data.labels]]
    assert row["label"]["accuracy"] == pytest.approx((among.argmax(axis=1) == public.emotion).mean(), abs=1e-5)
    only = row["label_calibration"]
    assert (only["form"], only["label"]["faces"]) == ("temperature and biases", 42), (
        "fitted to its answers on PublicTest"
    )
    with pytest.raises(DataError, match=r"does not know bored\. Leave it out"):
        compare(
            [eight], replace(data, labels=("bored", *data.labels[1:])), argparse.Namespace(split="public", mean=False)
        )


def test_the_labels_own_calibration_alone_is_measured_again(
    tiny_bundle: Bundle, tiny_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    eight = Bundle.open(Path(emotion_core.__file__).parent / "bundles" / "ferplus-residual-cnn")
    out = tmp_path / "compared.json"
    folders = [str(tiny_bundle.folder), str(eight.folder)]
    words = ["compare", *folders, "--data", str(tiny_csv), "--split", "public", "--out", str(out)]
    assert main([*words, "--mean"]) == 0
    first = json.loads(out.read_text())
    assert "label_calibration" not in first[0], "the labels' is what serves it"
    old = [{**row, "nll": 9.0, "label_calibration": {"label": {}}} for row in first]
    out.write_text(json.dumps(old))
    assert main([*words, "--labels-only"]) == 0
    tiny, other, mean = json.loads(out.read_text())
    assert {**tiny, "label_calibration": {"label": {}}} == old[0]
    assert other == {**old[1], "label_calibration": first[1]["label_calibration"]}
    assert mean == old[2], "not compared this time"
    assert main([*words[:-4], "--split", "private", "--out", str(out), "--labels-only"]) != 0
    assert "No row of" in capsys.readouterr().err
    assert main([*words, "--labels-only", "--corruptions"]) != 0
    assert "renews one figure" in capsys.readouterr().err


def test_the_table_of_forms_leaves_out_what_was_not_tried(tmp_path: Path) -> None:
    """Records with rows that have no calibration to the labels, or one of few faces, still make a table."""
    both = {"matrix": {"accuracy": 0.7, "nll": 0.8}, "temperature and biases": {"accuracy": 0.6, "nll": 0.9}}
    rows = [
        {"name": "none"},
        {"name": "few", "label_calibration": {"form": "temperature", "cross_fitted": {}}},
        {"name": "both", "label_calibration": {"form": "matrix", "cross_fitted": both}},
    ]
    (tmp_path / "two-truths-public.json").write_text(json.dumps(rows))
    lines = label_calibrations(tmp_path).splitlines()
    assert lines[0] == "| network | matrix: label, NLL | temperature and biases: label, NLL |"
    assert lines[2:] == ["| none | - | - |", "| few | - | - |", "| both | **0.7000, 0.8000** | 0.6000, 0.9000 |"]
