"""What visitors read about the models, including their limits, comes from the recorded runs."""

from emotion_core import Bundle
from emotion_core.page.words import never_named, words_of
from emotion_core.recognition.bundle import EMBEDDED


def test_an_expression_that_was_never_named_is_told() -> None:
    config = Bundle.open(EMBEDDED / "ferplus-residual-cnn").config
    missed = {
        label: row["faces"] for label, row in config.metrics["private"]["per_class"].items() if row["recall"] == 0
    }
    assert never_named(config) == missed
    for label, faces in missed.items():
        assert f"Named {label} on none of the {faces} that show it." in words_of(config).right


def test_of_the_default_nothing_of_that_kind_is_told() -> None:
    config = Bundle.open(EMBEDDED / "fer2013-resnet50v2").config
    assert never_named(config) == {}
    assert "none of the" not in words_of(config).right
