"""Cards say what was recorded of the data, whatever its labels look like."""

from dataclasses import replace

import pytest

from emotion_core import Bundle
from emotion_core.labels import FERPLUS
from emotion_core.recognition.bundle_config import BundleConfig, CropShape
from emotion_core.recognition.origin import Origin
from emotion_core.training.card import model_card


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


@pytest.mark.parametrize("truth", ["labels", "votes"])
def test_fer2013_is_told_by_its_truth(tiny_bundle: Bundle, truth: str) -> None:
    text = card(tiny_bundle, Origin("FER-2013", "official", truth), tiny_bundle.config.labels)
    assert ("majority of the FER+ votes" in text) == (truth == "votes")
    assert "Goodfellow" in text
    assert "PrivateTest had no part in either" in text


def test_a_bundle_without_a_record_says_little() -> None:
    bare = BundleConfig(name="bare", labels=("a", "b"), input=CropShape(48, 48, 1))
    assert "FER" not in model_card(bare)
