"""What the page says about the models, checked against the recorded runs."""

import json
from dataclasses import replace
from typing import Any

import pytest

from emotion_core import Bundle
from emotion_core.labels import FER2013
from emotion_core.page.about_tab import measured
from emotion_core.page.words import people_figures, words_of
from emotion_core.recognition.bundle import EMBEDDED, embedded
from emotion_core.recognition.bundle_config import BundleConfig, CropShape
from support.page_server import ROOT

RUNS = ROOT / "training_notebooks/runs"
NAMES = sorted(path.name for path in EMBEDDED.iterdir())


def recorded(name: str) -> dict[str, Any]:
    """A bundle's PrivateTest figures, from its recorded run."""
    figures: dict[str, Any] = json.loads((RUNS / f"{name}.json").read_text())["metrics"]["private"]
    return figures


def config_of(name: str) -> BundleConfig:
    bundle = embedded(name)
    assert bundle is not None
    return bundle.config


KNOWN = "its figures were known while stages of training were still being chosen"


def test_a_stage_that_began_from_a_measured_network_is_told() -> None:
    config = config_of("ferplus-residual-cnn")
    [stage] = config.training["stages"]
    later = {**stage, "config": {**stage["config"], "init": "fer2013-custom-cnn"}}
    assert KNOWN not in measured(config)
    assert KNOWN in measured(replace(config, training={**config.training, "stages": [stage, later]}))


@pytest.mark.parametrize("name", NAMES)
def test_the_figures_are_those_of_the_records(name: str) -> None:
    told, run = measured(config_of(name)), recorded(name)
    twins = run["without_twins"]
    assert f"{run['faces'] - twins['faces']} of these {run['faces']} faces are in the training data, too" in told
    assert f"on the other {twins['faces']} it is right on <strong>{twins['accuracy']:.1%}" in told
    # The others' last stages began from weights that had been measured on PrivateTest.
    assert (KNOWN in told) == (name != "ferplus-residual-cnn")
    for row in run["per_class"].values():
        assert f"<td>{row['recall']:.1%}</td>" in told


@pytest.mark.parametrize("run", json.loads((RUNS / "two-truths-private.json").read_text()), ids=lambda run: run["name"])
def test_both_truths_are_told(run: dict[str, Any]) -> None:
    if run["name"] not in NAMES or config_of(run["name"]).labels != FER2013:
        pytest.skip("a peer, or a network asked among fewer labels than it serves: recorded to be compared with")
    config, majority = config_of(run["name"]), run["majority"]
    told = measured(config)
    assert f"Of {majority['faces']} test faces on which most of ten people agree" in told
    assert f"it says what they see in <strong>{majority['accuracy']:.1%}" in told
    assert f"own label it names in <strong>{run['label']['accuracy']:.1%}</strong> of {run['label']['faces']}" in told
    assert f"differ by {run['ece_of_votes']:.3f} from the share of people" in told
    assert f"What most people see in {majority['accuracy']:.0%}".lower() in words_of(config).right.lower()


def test_what_ten_people_say_is_the_only_truth_of_ferplus() -> None:
    config, run = config_of("ferplus-residual-cnn"), recorded("ferplus-residual-cnn")
    assert people_figures(config) == (run["accuracy"], run["faces"])
    assert "own label" not in measured(config)


def test_other_data_is_not_told_as_fer2013(tiny_bundle: Bundle) -> None:
    [stage] = tiny_bundle.config.training["stages"]
    training = {"stages": [{**stage, "data": {"name": "our faces", "splits": "given", "truth": "labels"}}]}
    told = measured(replace(tiny_bundle.config, training=training))
    assert "faces of the test part of our faces" in told
    assert "PrivateTest" not in told
    assert "two in three" not in told


@pytest.mark.parametrize(
    "training", [{"stages": 3}, {"stages": [{"data": ["x"]}]}, {"stages": [{"data": {"name": 5}}]}]
)
def test_a_strange_record_is_no_reason_to_fail(training: dict[str, Any]) -> None:
    shape = CropShape(48, 48, 1)
    config = BundleConfig(name="strange", labels=("a", "b"), input=shape, training=training, metrics={"private": {}})
    assert "without measured figures" in measured(config)
    assert words_of(config).right == ""


def test_what_a_bundle_says_is_text() -> None:
    """Names, labels and figures come from a model's author: none of them is HTML."""
    script = "<script>alert(1)</script>"
    config = config_of(NAMES[0])
    [label, *others] = config.labels
    figures = json.loads(json.dumps(config.metrics["private"]))
    figures["per_class"] = {script: figures["per_class"][label], **figures["per_class"]}
    told = measured(replace(config, name=script, labels=(script, *others), metrics={"private": figures}))
    assert told.count("&lt;script&gt;alert(1)") >= 3
    assert "<script" not in told
