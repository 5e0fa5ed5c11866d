"""The About tab: the models, their figures, their limits and the law."""

from collections.abc import Mapping
from typing import Any, Final

import gradio as gr

from .. import project
from ..recognition.bundle_config import BundleConfig
from ..recognition.catalogue import Catalogue
from ..recognition.origin import begun_when_known, data_name, is_fer, origin_of
from .templating import render
from .words import people_figures, words_of

_NEEDED: Final = {"faces", "accuracy", "macro_f1", "ece", "without_twins", "per_class", "confusion"}


def about_tab(catalogue: Catalogue) -> None:
    """Lay out the tab: the model in use, every model's figures, limits, law, and further reading."""
    gr.HTML(about(catalogue), elem_id="about", apply_default_css=False)


def about(catalogue: Catalogue) -> str:
    """HTML: the model in use, the measured figures of each, and what not to use them for."""
    recognizer = catalogue.default
    return render(
        "about.html",
        words=words_of(recognizer.config),
        recognizer=recognizer,
        rule=recognizer.config.uncertain,
        measured=[measured(catalogue.config(model["name"]), model["default"]) for model in catalogue.describe()],
        notebooks=project.NOTEBOOKS,
        repository=project.REPOSITORY,
    )


def measured(config: BundleConfig, opened: bool = False) -> str:
    """HTML: test figures per expression and the confusion matrix, collapsed unless ``opened``."""
    figures: Mapping[str, Any] = config.metrics.get("private") or {}
    origin = origin_of(config)
    return render(
        "measured.html",
        words=words_of(config),
        config=config,
        opened=opened,
        figures=figures if figures.keys() >= _NEEDED else None,
        people=people_figures(config),
        data=data_name(origin),
        is_fer=is_fer(origin),
        known=bool(begun_when_known(config)),
    )
