"""Cards report what was recorded about the data, whatever its labels look like."""

import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion_core import Bundle
from emotion_core.cli.main import main
from emotion_core.datasets.drawn import drawn_faces
from emotion_core.datasets.sources import fewer
from emotion_core.images import RGB
from emotion_core.labels import FERPLUS
from emotion_core.recognition.bundle_config import BundleConfig, CropShape
from emotion_core.recognition.classifier import Classifier
from emotion_core.recognition.origin import Origin
from emotion_core.training.card import model_card
from emotion_core.training.recipe import recipe


def card(bundle: Bundle, origin: Origin, labels: tuple[str, ...]) -> str:
    [stage] = bundle.config.training["stages"]
    training = {**bundle.config.training, "stages": [{**stage, "data": origin.as_json()}]}
    return model_card(replace(bundle.config, labels=labels, bias=(), calibrations={}, training=training))


def test_affectnet_is_not_called_ferplus(tiny_bundle: Bundle) -> None:
    text = card(tiny_bundle, Origin("AffectNet", "official"), FERPLUS)
    assert "AffectNet PublicTest" in text
    assert "Mollahosseini" in text
    assert "fer2013" not in text.replace(tiny_bundle.config.name, "")
    assert "FER-2013" not in text
    assert "Article 5(1)(f)" in text


def test_a_folder_of_ones_own_is_told_as_that(tiny_bundle: Bundle) -> None:
    text = card(tiny_bundle, Origin("shapes", "made"), ("circle", "square", *"abcde"))
    assert "type: shapes" in text
    assert "fer2013" not in text.replace(tiny_bundle.config.name, "")
    assert "taken from the data by content, a tenth each" in text


def test_a_model_of_whole_pictures_is_not_said_to_look_at_faces(tiny_bundle: Bundle) -> None:
    [stage] = tiny_bundle.config.training["stages"]
    training = {**tiny_bundle.config.training, "stages": [{**stage, "data": Origin("shapes", "made").as_json()}]}
    text = model_card(replace(tiny_bundle.config, sees="picture", name="mine", training=training))
    assert "names what a picture shows" in text
    for untrue in ("expression", "emotion-recognition", "of a face", "cut out", "FER"):
        assert untrue not in text, untrue


def test_every_stage_s_data_are_cited(tiny_bundle: Bundle) -> None:
    [stage] = tiny_bundle.config.training["stages"]
    stages = [{**stage, "data": Origin(name, "made").as_json()} for name in ("FER-2013", "AffectNet")]
    cited = model_card(replace(tiny_bundle.config, training={**tiny_bundle.config.training, "stages": stages}))
    assert {"Goodfellow", "Mollahosseini"} <= set(cited.split("## Citation")[1].split())


@pytest.mark.parametrize("truth", ["labels", "votes"])
def test_fer2013_is_told_by_its_truth(tiny_bundle: Bundle, truth: str) -> None:
    text = card(tiny_bundle, Origin("FER-2013", "official", truth), tiny_bundle.config.labels)
    assert ("majority of the FER+ votes" in text) == (truth == "votes")
    assert "Goodfellow" in text
    assert "PrivateTest had no part in either" in text


def test_a_bundle_without_a_record_says_little() -> None:
    bare = BundleConfig(name="bare", labels=("a", "b"), input=CropShape(48, 48, 1))
    assert "FER" not in model_card(bare)


def started(bundle: Bundle, *inits: str | None) -> str:
    """The card of a bundle whose stages started from these."""
    [stage] = bundle.config.training["stages"]
    fer = Origin("FER-2013", "official").as_json()
    stages = [{**stage, "data": fer, "config": {**stage["config"], "init": init}} for init in inits]
    return model_card(replace(bundle.config, training={**bundle.config.training, "stages": stages}))


def test_a_stage_that_began_from_measured_weights_is_told(tiny_bundle: Bundle) -> None:
    assert "PrivateTest had no part in either" in started(tiny_bundle, "imagenet.npz", "best.weights.h5")
    text = started(tiny_bundle, None, "stage-1", "best.weights.h5", "stage-3")
    assert "PrivateTest had no part in either" not in text
    assert "stages 2 and 4 began from were known" in text


def test_a_base_model_is_named_where_the_weights_are_published(tiny_bundle: Bundle) -> None:
    [stage] = tiny_bundle.config.training["stages"]
    training = {**tiny_bundle.config.training, "stages": [{**stage, "base_model": "we/fer"}]}
    assert "base_model: we/fer" in model_card(replace(tiny_bundle.config, training=training))
    assert "base_model" not in model_card(tiny_bundle.config)


def test_a_card_repeats_its_training_from_what_can_be_had(tiny_bundle: Bundle) -> None:
    plain = model_card(tiny_bundle.config)
    assert "### To repeat it" in plain
    assert f"--out {tiny_bundle.config.name}" in plain
    assert "Not bit by bit" not in plain
    text = started(tiny_bundle, "resnet50v2_imagenet_partial.npz").replace("\\\n ", "")
    commands = text.split("### To repeat it")[1].split("### Stage")[0]
    assert "--weights imagenet" in commands
    assert "--init" not in commands
    assert "is not published: its weights came from Keras" in commands
    [stage] = tiny_bundle.config.training["stages"]
    taught = {**stage, "config": {**stage["config"], "teachers": ["fer2013-custom-cnn", "lost"]}}
    told = model_card(replace(tiny_bundle.config, training={**tiny_bundle.config.training, "stages": [taught]}))
    assert "The weights of its teachers (`lost`) are not published" in told


def test_the_data_of_the_network_that_it_began_with_are_not_its_own(tiny_bundle: Bundle) -> None:
    [stage] = tiny_bundle.config.training["stages"]
    first = {**stage, "data": Origin("FER-2013", "official").as_json(), "votes_sha256": "0" * 64}
    last = {**stage, "data": Origin("shapes", "made").as_json(), "votes_sha256": None}
    training = {**tiny_bundle.config.training, "stages": [first, last]}
    head = model_card(replace(tiny_bundle.config, training=training)).split("language:")[0]
    assert "- shapes" in head
    assert "ferplus" not in head


def test_energy_is_called_an_estimate(tiny_bundle: Bundle) -> None:
    told = {**tiny_bundle.config.training, "hours": 10.0, "hardware": "2 x86_64 cores"}
    assert "not measured. Estimated at 0.3 kWh" in model_card(replace(tiny_bundle.config, training=told))
    unknown = {**told, "hardware": "something"}
    assert "neither measured nor estimated" in model_card(replace(tiny_bundle.config, training=unknown))


def test_the_snippet_runs_as_it_stands_and_answers_as_the_bundle_does(tiny_bundle: Bundle, tmp_path: Path) -> None:
    for path in tiny_bundle.folder.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    config = tiny_bundle.config
    rng = np.random.default_rng(3)
    face = rng.integers(0, 256, (config.height, config.width), dtype=np.uint8)
    Image.fromarray(face).save(tmp_path / "face.png")
    without_project = re.findall(r"```python\n(.*?)```", model_card(config), re.DOTALL)[1]
    done = subprocess.run(
        [sys.executable, "-c", without_project], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60
    )
    label, share = done.stdout.split()
    [answer] = Classifier.from_bundle(tiny_bundle).unmirrored().probabilities(face[None, :, :, None])
    assert label == config.labels[answer.argmax()]
    assert float(share) == pytest.approx(answer.max(), abs=1e-5)


def test_a_part_of_the_data_is_told_and_repeated_as_a_part(tiny_bundle: Bundle) -> None:
    whole, labels = Origin("FER-2013", "official"), tiny_bundle.config.labels
    data = drawn_faces(400)
    few = fewer(replace(data, origin=whole), 70).origin
    text = card(tiny_bundle, few, labels).replace("\\\n ", "")
    assert re.search(r"emotion_core train --data fer2013.csv .*--faces 70 ", text)
    assert "About 70 of its Training faces were used" in text
    assert "--faces" not in card(tiny_bundle, whole, labels)
    assert fewer(replace(data, origin=whole), 10_000).origin == whole
    votes = card(tiny_bundle, replace(few, truth="votes"), labels)
    assert "majority of the FER+ votes" in votes


def test_a_card_tells_what_cross_validation_said_and_no_more_of_publictest(tiny_bundle: Bundle) -> None:
    crossed = {"faces": 72, "folds": 5, "accuracy": 0.75, "interval": [0.64, 0.83], "ece": 0.04}
    text = model_card(replace(tiny_bundle.config, training={**tiny_bundle.config.training, "crossed": crossed}))
    assert "accuracy 0.7500 (95% interval 0.6400 to 0.8300), ECE 0.0400, on 72 faces" in text
    assert "PublicTest chose the epoch and\nthe calibration" not in text
    assert "cross-validation" not in model_card(tiny_bundle.config)
    [stage] = tiny_bundle.config.training["stages"]
    own = {**tiny_bundle.config.training, "stages": [{**stage, "data": Origin("shapes", "made").as_json()}]}
    for training, chosen in ((own, "the epoch and the calibration"), ({**own, "crossed": crossed}, "the epoch")):
        assert f"PublicTest, to choose {chosen} by, and" in model_card(replace(tiny_bundle.config, training=training))


def test_stages_on_other_hardware_are_told_and_estimated_each_for_itself(tiny_bundle: Bundle) -> None:
    stage = {**tiny_bundle.config.training["stages"][0], "votes_sha256": None}
    stages = [
        {**stage, "hardware": "NVIDIA H200", "backend": "jax", "history": [{"epoch": "1", "seconds": "3600"}]},
        {**stage, "hardware": "2 x86_64 cores", "backend": "torch", "history": [{"epoch": "1", "seconds": "7200"}]},
    ]
    told = {**tiny_bundle.config.training, "stages": stages, "hours": 3.0, "hardware": "2 x86_64 cores"}
    text = model_card(replace(tiny_bundle.config, training=told))
    assert "1 hours on NVIDIA H200 and 2 hours on 2 x86_64 cores; Keras" in text
    assert " on jax and torch." in text
    assert "Estimated at 0.76 kWh" in text


def test_a_card_tells_of_the_photos_that_chose_the_calibration(
    tiny_bundle: Bundle, tiny_csv: Path, tmp_path: Path, astronaut: RGB
) -> None:
    folder = tmp_path / "bundle"
    shutil.copytree(tiny_bundle.folder, folder)
    for name in ("happy", "sad"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        Image.fromarray(astronaut).save(tmp_path / "photos" / name / "face.png")
    words = ["calibrate", str(folder), "--data", str(tiny_csv), "--photos", str(tmp_path / "photos")]
    assert main(words) == 0
    chosen = Bundle.open(folder)
    assert chosen.config.training["calibrated_on_photos"] == 2
    for origin in (Origin("FER-2013", "official"), Origin("shapes", "made")):
        assert "(with 2 photos from elsewhere)" in card(chosen, origin, chosen.config.labels)
        assert "elsewhere" not in card(tiny_bundle, origin, chosen.config.labels)
    assert main(words[:-2]) == 0
    assert "calibrated_on_photos" not in Bundle.open(folder).config.training


def test_a_stage_that_began_from_a_mean_is_repeated_by_it(tiny_bundle: Bundle) -> None:
    [stage] = tiny_bundle.config.training["stages"]
    begun = {**stage, "config": {**stage["config"], "init": "some-mean"}}
    stages = [stage, {**begun, "averaged": [{"stages": 2}, {"stages": 1}]}]
    stages += [{**begun, "averaged": [{"stages": 3}, {"stages": 2}]}]
    config = replace(tiny_bundle.config, name="net", training={**tiny_bundle.config.training, "stages": stages})
    commands = recipe(config).replace(" \\\n ", "")
    outs = re.findall(r"--out (\S+)", commands)
    assert outs == ["net-stage-1", "net-stage-2", "net-stage-2-mean", "net-stage-3", "net"]
    assert re.findall(r"--init (\S+)", commands) == ["net-stage-1", "net-stage-2-mean"]
    assert re.findall(r"average (\S+ \S+)", commands) == ["net-stage-2 net-stage-1", "net-stage-3 net-stage-2-mean"]
    assert "mean of those after stages 2 and 1 (" in model_card(config)
