"""A card is published only with the bundle whose figures it reports."""

from dataclasses import replace

import pytest

from emotion_core import Bundle, BundleError
from emotion_core.recognition.bundle import CARD, EMBEDDED
from emotion_core.recognition.bundle_card import check_card

BUNDLE = Bundle.open(EMBEDDED / "fer2013-custom-cnn")
TEXT = (BUNDLE.folder / CARD).read_text()


def test_the_shipped_cards_fit() -> None:
    for folder in sorted(path.parent for path in EMBEDDED.glob(f"*/{CARD}")):
        check_card((folder / CARD).read_text(), Bundle.open(folder).config)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (f"- name: {BUNDLE.config.name}", "- name: another", "is of another, not of"),
        (str(BUNDLE.config.metrics["private"]["accuracy"]), "0.99", "does not tell the config's accuracy of private"),
        (str(BUNDLE.config.metrics["public"]["macro_f1"]), "0.99", "does not tell the config's f1 of public"),
        (str(BUNDLE.config.metrics["private"]["majority"]["accuracy"]), "0.99", "agreement with people of private"),
        ("split: public", "split: dream", "does not tell the config's accuracy of public"),
        (", sad,", ", joy,", "does not say 'angry, disgust, fear, happy, sad"),
        (f"temperature {BUNDLE.config.temperature:g}", "temperature 9", "does not say 'the temperature"),
        (f"# {BUNDLE.config.name}", "# Another", "does not say '# fer2013-custom-cnn'"),
        ("model-index:", "other:", "no model-index"),
        ("---\ndatasets", "datasets", "no model-index"),
    ],
)
def test_another_card_is_refused(old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(BundleError, match=told):
        check_card(TEXT.replace(old, new, 1), BUNDLE.config)


def test_a_card_of_more_than_was_measured_is_refused() -> None:
    unmeasured = replace(BUNDLE.config, metrics={"public": BUNDLE.config.metrics["public"]})
    with pytest.raises(BundleError, match="of private, which was not measured"):
        check_card(TEXT, unmeasured)
    with pytest.raises(BundleError, match="which was not measured"):
        check_card(TEXT, replace(BUNDLE.config, metrics={}))


def test_a_card_without_figures_is_of_its_model_all_the_same() -> None:
    bare = replace(BUNDLE.config, metrics={}, name="another")
    text = TEXT.split("---\n", 2)[2]
    with pytest.raises(BundleError, match="does not say '# another'"):
        check_card(text, bare)
    check_card(text, replace(bare, name=BUNDLE.config.name))
