"""The fair comparison: only runs that were trained alike stand in its table."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

from emotion_core.cli.main import parser
from emotion_core.errors import ReportError
from emotion_core.recognition.bundle import Bundle
from emotion_core.reports.notebook import recorded_alike
from emotion_core.reports.trained_alike import alike_recipes, alike_size, alike_table, read_alike
from emotion_core.training.run_folder import RUNS

Run = dict[str, Any]


@pytest.fixture
def run(tiny_bundle: Bundle) -> Run:
    """A recorded run as JSON, of a size in pixels that its network may set."""
    content: Run = json.loads(tiny_bundle.config.to_json())
    content["training"]["stages"][0]["data"]["asked"] = 1200
    for split in ("public", "private"):
        content["metrics"][split]["majority"] = {"accuracy": 0.5, "interval": [0.4, 0.6]}
        content["metrics"][split]["nll_of_votes"] = 1.0
    return content


def recorded(folder: Path, *runs: Run) -> Path:
    for number, content in enumerate(runs):
        content["name"] = f"alike-{number}"
        (folder / f"alike-{number}.json").write_text(json.dumps(content))
    times = {f"alike-{number}": number + 0.25 for number in range(len(runs))}
    (folder / "graphs.json").write_text(json.dumps({"milliseconds": times}))
    return folder


def test_the_best_by_people_comes_first(run: Run, tmp_path: Path) -> None:
    better = copy.deepcopy(run)
    better["metrics"]["public"]["majority"]["accuracy"] = 0.6
    better["metrics"]["private"]["majority"] = {"accuracy": 0.55, "interval": [0.45, 0.65]}
    folder = recorded(tmp_path, run, better)
    assert [one.name for one in read_alike(folder)] == ["alike-1", "alike-0"]
    better["training"]["stages"][0]["config"]["learning_rate"] = 0.5
    folder = recorded(tmp_path, run, better)
    first, second = alike_table(folder).splitlines()[2:]
    assert "| 1.25 | 0.5 | **0.550** (0.450 to 0.650) |" in first
    assert "| **0.500** (0.400 to 0.600) |" in second
    assert "1,200 Training faces" in alike_size(folder)


def test_what_was_trained_otherwise_is_refused(run: Run, tmp_path: Path) -> None:
    for change in ({"augmentation_end": 0.5}, {"teachers": ["another"]}, {"seed": 99}, {"epochs": 50}):
        other = copy.deepcopy(run)
        other["training"]["stages"][0]["config"] |= change
        with pytest.raises(ReportError, match=f"not trained alike: {next(iter(change))} differ"):
            alike_table(recorded(tmp_path, run, other))
    other = copy.deepcopy(run)
    other["training"]["stages"][0]["data_sha256"] = "0" * 64
    with pytest.raises(ReportError, match="faces differ"):
        alike_table(recorded(tmp_path, run, other))
    other = copy.deepcopy(run)
    other["training"]["stages"] *= 2
    with pytest.raises(ReportError, match="stages differ"):
        alike_table(recorded(tmp_path, run, other))


def test_what_is_recorded_is_repeated_by_commands_that_the_parser_takes(run: Run, tmp_path: Path) -> None:
    folder = recorded(tmp_path, run, copy.deepcopy(run))
    commands = alike_recipes(folder).replace("\\\n", "").strip("`\n").removeprefix("bash\n").splitlines()
    assert len(commands) == 2
    for number, command in enumerate(commands):
        options = parser().parse_args(command.split()[3:])
        assert options.faces == 1200
        assert options.out == Path(f"alike-{number}")


def test_nothing_recorded_is_said(tmp_path: Path) -> None:
    assert alike_size(tmp_path) == "Nothing is recorded.\n"
    assert "Nothing is recorded" in recorded_alike(tmp_path)


def test_all_five_began_at_random_and_were_finished() -> None:
    runs = read_alike(RUNS / "alike")
    assert {run.arch for run in runs} == {"custom_cnn", "mobilenetv2", "resnet50", "resnet50v2", "vgg16"}
    for run in runs:
        [stage] = run.training["stages"]
        assert stage["config"]["init"] is stage["config"]["weights"] is None
        assert len(stage["history"]) == stage["config"]["epochs"] >= 8
