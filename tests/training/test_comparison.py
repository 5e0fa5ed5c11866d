"""Networks side by side, and several as one."""

import json
from pathlib import Path

import numpy as np

from emotion_core import Bundle
from emotion_core.cli.main import main
from emotion_core.training.comparison import MeanAnswer


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
