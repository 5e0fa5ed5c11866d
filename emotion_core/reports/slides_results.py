"""The pages of the presentation that tell results: accuracies, what helped, mistakes, forms of the graph."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.text import Text

from ..recognition.bundle_config import BundleConfig
from ..training.run_folder import read_json
from . import charts as plots
from .deck import Deck
from .gallery import bars, png

#: The split that the pages tell of.
SPLIT: Final = "private"
_LARGER: Final = 1.35  # letters of a chart on a page, against those of the same chart in a document


def chart(figure: Figure) -> bytes:
    """PNG of a chart, its letters large enough for a page."""
    for text in figure.findobj(Text):
        text.set_fontsize(float(text.get_fontsize()) * _LARGER)
    return png(figure, dpi=200)


def results(deck: Deck, runs: Sequence[BundleConfig], same: Sequence[BundleConfig], best: BundleConfig) -> None:
    """Accuracies of all runs side by side, and F1 by expression."""
    figures = best.metrics[SPLIT]
    low, high = figures["interval"]["accuracy"]
    others = [run for run in runs if run not in same]
    note = f"{', '.join(run.name for run in others)}: other labels, another test." if others else ""
    deck.page(
        "Results",
        [
            f"{best.name}: {figures['accuracy']:.1%} accuracy (95% interval {low:.1%} to {high:.1%}), "
            f"macro-F1 {figures['macro_f1']:.3f}.",
            f"Without twins of training faces: {figures['without_twins']['accuracy']:.1%}.",
            f"In brackets: number of classes. {note}".strip(),
        ],
        chart(plots.comparison(runs, SPLIT)),
        below=True,
    )
    scores = {label: row["f1"] for label, row in figures["per_class"].items()}
    ranked = sorted(scores, key=scores.__getitem__)
    deck.page(
        "Expression by expression",
        [
            f"Easiest for {best.name}: {ranked[-1]} (F1 {scores[ranked[-1]]:.2f}). "
            f"Hardest: {ranked[0]} (F1 {scores[ranked[0]]:.2f})."
        ],
        chart(plots.per_class(same, SPLIT)),
        below=True,
    )


def what_helped(deck: Deck, folder: Path) -> None:
    """The recorded ablation; no page where none is recorded."""
    if not (folder / "ablation.json").is_file():
        return
    record = read_json(folder / "ablation.json")
    base, *others = record["runs"]
    own = "accuracy_uncalibrated"  # a calibration is fitted on the very faces that are judged here
    gains = {run["switch"]: round(100 * (run[own] - base[own]), 1) for run in others}
    deck.page(
        "What helped",
        [
            f"Each switch alone against a plain run: {record['training_faces']:,} faces, "
            f"{record['config']['epochs']} epochs of {record['config']['arch']}.",
            "Judged on PublicTest, uncalibrated, one seed. Differences under two points are within the noise.",
        ],
        chart(bars(gains, "points of accuracy over the plain run")),
    )


def errors(deck: Deck, best: BundleConfig) -> None:
    """What the best network mistakes for what, and whether its confidence can be believed."""
    figures = best.metrics[SPLIT]
    table = np.array(figures["confusion"])
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    np.fill_diagonal(shares, 0)
    worst = [np.unravel_index(place, shares.shape) for place in np.argsort(-shares, axis=None)[:4]]
    lines = [f"{shares[i, j]:.0%} of {best.labels[i]} answered {best.labels[j]}" for i, j in worst]
    deck.page(
        "Error analysis",
        ["The most frequent confusions:", *lines, "A row is a label and sums to 100%."],
        chart(plots.confusion(figures["confusion"], best.labels, f"{best.name}, PrivateTest")),
    )
    certain = figures["accuracy_when_certain"]
    deck.page(
        "Does it know how sure to be?",
        [
            f"Expected calibration error {figures['ece']:.3f}: the mean gap between confidence and accuracy.",
            f"{figures['uncertain_share']:.0%} of the faces are marked uncertain"
            + (f"; on the others the accuracy is {certain:.1%}." if certain is not None else "."),
            "Fitted on PublicTest, shown on PrivateTest: a temperature and one bias per class.",
        ],
        chart(plots.reliability({best.name: figures["reliability"]})),
    )


def serving(deck: Deck, best: BundleConfig) -> None:
    """The forms of the graph, and the one that is shipped."""
    header = ["form of the graph", "MB", "PublicTest accuracy", "same answer as float32", "ms, 1 face", "ms, 10 faces"]
    rows = [
        [
            form + (" (shipped)" if form == best.export["form"] else ""),
            f"{row['megabytes']:.1f}",
            f"{row['public_accuracy']:.4f}",
            f"{row['same_answer']:.1%}",
            f"{row['milliseconds_1_face']:g}",
            f"{row['milliseconds_10_faces']:g}",
        ]
        for form, row in best.export["forms"].items()
    ]
    text = [
        "Serving needs no training library. The smallest form that keeps the accuracy is shipped.",
        "Accuracies before calibration; times are of one machine, to be compared with each other.",
    ]
    deck.page("From model to application", text, table=[header, *rows])
