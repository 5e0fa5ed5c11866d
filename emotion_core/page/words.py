"""Plain words for the models and detectors a visitor can choose."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..recognition.bundle_config import BundleConfig
from ..recognition.catalogue import BEST, Catalogue
from ..recognition.origin import data_name, origin_of

_TITLES: Final = {
    "fer2013-resnet50v2": ("Accurate", "The largest network; for photos."),
    "fer2013-custom-cnn": ("Small and fast", "A fifth of the size; for slow machines and live pictures."),
    "ferplus-residual-cnn": ("Eight expressions", "Most often right on photos; also has a word for contempt."),
}
_DETECTORS: Final = {
    BEST: "The best available",
    "YuNet": "Thorough: small and turned faces, too",
    "Haar cascade": "Simple: large faces that look at you",
}


@dataclass(frozen=True)
class ModelWords:
    """name: the bundle's. title, purpose: for people. right: how often it is right, "" if not measured."""

    name: str
    title: str
    purpose: str
    right: str


def model_words(catalogue: Catalogue) -> list[ModelWords]:
    """All available models, the default first."""
    return [words_of(catalogue.config(model["name"])) for model in catalogue.describe()]


def words_of(config: BundleConfig) -> ModelWords:
    """The words for a model; one that is not ours keeps its name."""
    title, purpose = _TITLES.get(config.name, (config.name, f"{len(config.labels)} expressions."))
    return ModelWords(config.name, title, purpose, _right(config))


def detector_words(catalogue: Catalogue) -> list[tuple[str, str]]:
    """(name, words) of the available detectors, the default first."""
    return [(name, _DETECTORS.get(name, name)) for name in catalogue.detectors()]


def people_figures(config: BundleConfig) -> tuple[float, int] | None:
    """On the test faces where most people agree: the share where the model says the same, and their number.

    None if it was not measured. FER+ has no other ground truth: there the accuracy is that share.
    """
    figures = config.metrics.get("private") or {}
    by_people = data_name(origin_of(config)) == "FER+"
    agreed: Mapping[str, Any] = figures if by_people else figures.get("majority") or {}
    return (agreed["accuracy"], agreed["faces"]) if agreed.keys() >= {"accuracy", "faces"} else None


def never_named(config: BundleConfig) -> dict[str, int]:
    """Labels the model gave to none of the test faces that show them, with the number of those faces."""
    classes: Mapping[str, Any] = config.metrics.get("private", {}).get("per_class", {})
    return {label: figures["faces"] for label, figures in classes.items() if figures["faces"] and not figures["recall"]}


def _right(config: BundleConfig) -> str:
    if people := people_figures(config):
        never = [f" Named {label} on none of the {faces} that show it." for label, faces in never_named(config).items()]
        return f"Says what most people see in {people[0]:.0%} of the test faces on which most agree.{''.join(never)}"
    label = config.metrics.get("private", {}).get("accuracy")
    return "" if label is None else f"Names the label of {label:.0%} of its test faces."
