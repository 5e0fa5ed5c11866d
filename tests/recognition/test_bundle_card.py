"""A card is published only with the bundle whose figures it reports."""

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
        ("model-index:", "other:", "no model-index"),
        ("---\ndatasets", "datasets", "no model-index"),
    ],
)
def test_another_card_is_refused(old: str, new: str, told: str) -> None:
    assert old in TEXT
    with pytest.raises(BundleError, match=told):
        check_card(TEXT.replace(old, new, 1), BUNDLE.config)
