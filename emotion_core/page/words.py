"""Plain words for what a visitor chooses from: models and detectors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..recognition.bundle_config import BundleConfig
from ..recognition.catalogue import BEST, Catalogue

_TITLES: Final = {
    "fer2013-resnet50v2": ("Accurate", "The largest network; for photos."),
    "fer2013-custom-cnn": ("Small and fast", "A twentieth of the size; for slow machines and live pictures."),
    "ferplus-residual-cnn": ("Eight expressions", "Knows contempt, too, of which it saw few examples."),
}
_DETECTORS: Final = {
    BEST: "The best at hand",
    "YuNet": "Thorough: small and turned faces, too",
    "Haar cascade": "Simple: large faces that look at you",
}
#: The figure for people, where the model was measured on it: their majority's answer, not the data set's label.
_PEOPLE: Final = ("people", "majority", "voters")


@dataclass(frozen=True)
class ModelWords:
    """name: the bundle's own. title, purpose: for people. right: how often it is, "" where nobody measured it."""

    name: str
    title: str
    purpose: str
    right: str


def model_words(catalogue: Catalogue) -> list[ModelWords]:
    """Every model to choose from, the default first."""
    return [words_of(catalogue.config(model["name"])) for model in catalogue.describe()]


def words_of(config: BundleConfig) -> ModelWords:
    """What to call a model; one that is not ours keeps its name."""
    title, purpose = _TITLES.get(config.name, (config.name, f"{len(config.labels)} expressions."))
    return ModelWords(config.name, title, purpose, _right(config))


def detector_words(catalogue: Catalogue) -> list[tuple[str, str]]:
    """(name, words) of the detectors that are at hand, the default first."""
    return [(name, _DETECTORS.get(name, name)) for name in catalogue.detectors()]


def people_figures(figures: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """What was measured on the answer of most people, of one split's figures; None where it was not."""
    for key in _PEOPLE:
        if isinstance(found := figures.get(key), Mapping) and "accuracy" in found:
            return found
    return None


def _right(config: BundleConfig) -> str:
    figures = config.metrics.get("private")
    if not figures or "accuracy" not in figures:
        return ""
    people = people_figures(figures)
    if people:
        return f"Says what most people see in {people['accuracy']:.0%} of test faces."
    return f"Names the data set's label of {figures['accuracy']:.0%} of test faces; people agree on about two in three."
