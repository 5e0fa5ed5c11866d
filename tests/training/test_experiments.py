"""The ablation and the search: what they compare, and that they go on where they stopped."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotion_core import TrainingError
from emotion_core.datasets.faces import load
from emotion_core.reports.experiments import ablation_size, ablation_table, gains
from emotion_core.training import experiments
from emotion_core.training.experiments import ablate, chosen, search
from emotion_core.training.judging import compared, cross_fitted, judged, mean_and_interval
from emotion_core.training.loop import scores
from emotion_core.training.run_folder import append_history, read_history
from support import tiny


def test_an_ablation_goes_on_where_it_stopped(tiny_csv: Path, tmp_path: Path) -> None:
    data, base = load(tiny_csv), tiny.settings(2)
    ablate(data, base, tmp_path, faces=84, switches={"plain": {}}, seeds=1)
    begun = (tmp_path / "plain-seed-0" / "history.csv").read_text()
    record = ablate(data, base, tmp_path, faces=84, switches={"plain": {}, "mixup": {"mixup": 0.2}}, seeds=2)
    assert (tmp_path / "plain-seed-0" / "history.csv").read_text() == begun
    assert [(run["switch"], run["seed"]) for run in record["runs"]] == [
        ("plain", 0),
        ("mixup", 0),
        ("plain", 1),
        ("mixup", 1),
    ]
    assert record["training_faces"] == 84
    assert record["runs"][0]["figures"] != record["runs"][2]["figures"]
    plain, mixup = record["switches"]
    assert plain["seeds"] == mixup["seeds"] == 2
    assert plain["differences"]["nll"] == {"mean": 0.0, "interval": [0.0, 0.0]}
    assert mixup["differences"]["nll"]["interval"]
    assert "| mixup | " in ablation_table(tmp_path)
    assert "±" in ablation_table(tmp_path)
    assert "4 runs of `tiny`: 84 Training faces, 2 epochs, 2 seeds" in ablation_size(tmp_path)
    assert list(gains(record)) == ["mixup"]
    with pytest.raises(TrainingError, match="begins with 'plain'"):
        ablate(data, base, tmp_path, switches={"mixup": {"mixup": 0.2}})


def test_a_finished_run_is_neither_trained_nor_judged_again(
    tiny_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, base = load(tiny_csv), tiny.settings(1)
    before = ablate(data, base, tmp_path, faces=84, switches={"plain": {}}, seeds=1)["runs"]
    monkeypatch.setattr(experiments, "train", None)
    assert ablate(data, base, tmp_path, faces=84, switches={"plain": {}}, seeds=1)["runs"] == before


def test_a_stopped_ablation_keeps_what_it_had(tiny_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, base = load(tiny_csv), tiny.settings(1)
    two = {"plain": {}, "mixup": {"mixup": 0.2}}
    ablate(data, base, tmp_path, faces=84, switches=two, seeds=2)

    def stopped(*_: Any, **__: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(experiments, "train", stopped)
    with pytest.raises(KeyboardInterrupt):
        ablate(data, base, tmp_path, faces=84, switches={**two, "EMA": {"ema": 0.5}}, seeds=2)
    assert ablation_table(tmp_path).count("±") > 0
    assert "4 runs" in ablation_size(tmp_path)


def test_switches_are_chosen_by_name() -> None:
    assert list(chosen(["EMA", "mixup 0.2"])) == ["plain", "mixup 0.2", "EMA"]
    assert len(chosen([])) == 11
    with pytest.raises(TrainingError, match="No switch is called more: use one of plain"):
        chosen(["more"])


def test_a_difference_is_that_of_the_same_seed() -> None:
    def run(switch: str, seed: int, accuracy: float) -> dict[str, Any]:
        return {"switch": switch, "seed": seed, "figures": {"accuracy": accuracy}}

    runs = [run("plain", seed, share) for seed, share in enumerate((0.40, 0.50, 0.60))]
    runs += [run("EMA", seed, share) for seed, share in enumerate((0.41, 0.52, 0.63))]
    _, row = compared(runs, "plain")
    assert row["differences"]["accuracy"]["mean"] == pytest.approx(0.02)
    # Student's t of two degrees of freedom is 4.303; the spread is that of the differences, not of the seeds.
    assert row["differences"]["accuracy"]["interval"][1] == pytest.approx(0.02 + 4.303 * 0.01 / 3**0.5, abs=1e-4)
    assert mean_and_interval([0.5]) == {"mean": 0.5, "interval": None}
    [alone] = compared([*runs[:3], run("EMA", 7, 0.9)], "plain")  # a seed without its plain run
    assert alone["switch"] == "plain"


def test_a_calibration_is_never_judged_on_the_faces_that_it_was_fitted_to() -> None:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 2400)
    logits = (2 * np.eye(3)[truth] + rng.normal(size=(2400, 3))).astype(np.float32)
    even = np.arange(2400) % 2 == 0
    logits[even, 0] += 8.0  # only these faces' logits are biased: the others' fit does not know it
    found = cross_fitted(logits, truth)
    assert found[even].mean(axis=0)[0] > 0.5
    assert np.allclose(found.sum(axis=1), 1)


def test_raw_figures_are_those_of_the_logits(tiny_csv: Path) -> None:
    data = load(tiny_csv)

    class Sure:
        def predict(self, faces: Any, **_: Any) -> Any:
            return np.tile([0.0] * 3 + [8.0] + [0.0] * 3, (len(faces), 1))

    figures = judged(Sure(), data)
    assert figures["accuracy"] == pytest.approx(1 / 7, abs=1e-4)
    assert figures["nll"] > 6 > 3 > figures["cross_fitted_nll"]
    assert "majority" not in figures


def test_an_epoch_is_judged_as_if_its_temperature_were_fitted(tiny_csv: Path) -> None:
    data = load(tiny_csv).of("public")
    rng = np.random.default_rng(0)
    hints = rng.normal(size=(len(data), 7)) + 2 * np.eye(7)[data.emotion]

    class Network:
        def __init__(self, sharpness: float) -> None:
            self.sharpness = sharpness

        def predict(self, faces: Any, **_: Any) -> Any:
            return self.sharpness * np.resize(hints, (len(faces), 7))

    plain, sure = (scores(Network(sharpness), data, tiny.settings(1)) for sharpness in (1.0, 4.0))
    assert sure["public_goal"] > 1.2 * plain["public_goal"]
    assert sure["public_scaled"] == pytest.approx(plain["public_scaled"], abs=0.05)
    assert plain["public_scaled"] <= plain["public_goal"] + 1e-3


def test_a_history_that_older_code_began_keeps_its_columns(tmp_path: Path) -> None:
    append_history(tmp_path, {"epoch": 1, "public_goal": 0.8})
    append_history(tmp_path, {"epoch": 2, "public_goal": 0.7, "public_scaled": 0.6})
    assert read_history(tmp_path) == [{"epoch": "1", "public_goal": "0.8"}, {"epoch": "2", "public_goal": "0.7"}]


def test_a_search_goes_on_where_it_stopped(tiny_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, base = load(tiny_csv), tiny.settings(1)
    [first] = search(data, base, tmp_path, trials=1, faces=84)["trials"]
    assert first["dropout"] == base.dropout

    def killed(*_: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(experiments, "judged", killed)
        with pytest.raises(KeyboardInterrupt):
            search(data, base, tmp_path, trials=2, faces=84)
    record = search(data, base, tmp_path, trials=4, faces=84)
    assert [trial["number"] for trial in record["trials"]] == [0, 1, 2, 3]
    rates = [trial["learning_rate"] for trial in record["trials"]]
    assert len(set(rates)) == 4, "a continued search draws what it has drawn before"
    # The killed trial was trained: its settings are taken up, and its epochs with them.
    assert (tmp_path / "trial-1" / "judged.json").is_file()
    assert record["best"]["cross_fitted_nll"] == min(trial["cross_fitted_nll"] for trial in record["trials"])
    assert record["random_trials"] == 10
