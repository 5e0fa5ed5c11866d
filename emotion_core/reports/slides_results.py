"""The presentation's pages of results: accuracies, what helped, mistakes, forms of the graph."""

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
from .experiments import gains
from .gallery import bars, png

#: The split that the pages report on.
SPLIT: Final = "private"
_LARGER: Final = 1.35  # font scale of a chart on a page, relative to the same chart in a document


def chart(figure: Figure) -> bytes:
    """PNG of a chart, with text large enough for a page."""
    for text in figure.findobj(Text):
        text.set_fontsize(float(text.get_fontsize()) * _LARGER)
    return png(figure, dpi=200)


def agreement(run: BundleConfig) -> float:
    """The figure that decides the best network: agreement with people's majority if measured, else the label."""
    figures = run.metrics[SPLIT]
    return float(figures["majority"]["accuracy"] if "majority" in figures else figures["accuracy"])


def results(deck: Deck, folder: Path, same: Sequence[BundleConfig], best: BundleConfig) -> None:
    """Both truths side by side, ours and the peer's, and F1 by expression; ``same``: runs with the same labels."""
    figures = best.metrics[SPLIT]
    low, high = figures["interval"]["accuracy"]
    record = folder / f"two-truths-{SPLIT}.json"
    if record.is_file():
        rows = read_json(record)
        told = ", ".join(f"{row['name']} {row['majority']['accuracy']:.1%}" for row in rows)
        deck.page(
            "Two truths, side by side",
            [
                "Where over half of ten people name one expression, that is what the face shows. The data set's own "
                "label is noisier, and no answer that pleases people can agree with it more often than they do."
            ],
            chart(plots.truths(rows)),
            below=True,
            spoken="Blue is agreement with people, orange with the label. The dashed line is how often the label is "
            "what the face's own ten voters say: a network beyond it has learnt the label's habits, not faces.",
            seen=f"Bars of agreement with the majority of ten people: {told}.",
        )
    deck.page(
        "Results by the labels",
        [
            f"{best.name}: {figures['accuracy']:.1%} accuracy (95% interval {low:.1%} to {high:.1%}), "
            f"macro-F1 {figures['macro_f1']:.3f}; without twins of training faces "
            f"{figures['without_twins']['accuracy']:.1%}.",
            "As served, with the calibration for people. The literature fits its calibration to the labels: "
            + (
                f"then {figures['label_calibrated']['accuracy']:.1%}."
                if "label_calibrated" in figures
                else "not measured here."
            ),
        ],
        chart(plots.comparison(same, SPLIT)),
        below=True,
        spoken="Only networks of the same labels, on the same faces. Overlapping intervals show no difference.",
        seen="Bars of accuracy: " + ", ".join(f"{run.name} {run.metrics[SPLIT]['accuracy']:.1%}" for run in same) + ".",
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
        spoken="F1 against the labels. Fear is labelled four times as often as people see it, and suffers for it.",
        seen=f"Bars of F1 by expression; of {best.name}: "
        + ", ".join(f"{label} {score:.2f}" for label, score in scores.items())
        + ".",
    )


def what_helped(deck: Deck, folder: Path) -> None:
    """The recorded ablation; no page if there is none."""
    if not (folder / "ablation.json").is_file():
        return
    record = read_json(folder / "ablation.json")
    found, seeds = gains(record), record["switches"][0]["seeds"]
    points = {name: gain for name, (gain, _) in found.items()}
    people = [
        f"{name} {gain:+.1f} ± {half:.1f}" for name, (gain, half) in gains(record, "majority").items() if half < gain
    ]
    deck.page(
        "What each switch brought",
        [
            f"Each switch alone against a plain run: {record['training_faces']:,} faces, "
            f"{record['config']['epochs']} epochs of {record['config']['arch']}.",
            f"Mean of {seeds} seeds on PublicTest, without a calibration; the whiskers are 95% intervals.",
            *([f"By what most of ten people see, in points: {'; '.join(people)}."] if people else []),
        ],
        chart(
            bars(
                points,
                "points of accuracy over the plain run",
                {name: half for name, (_, half) in found.items()},
                title="Accuracy by the labels, PublicTest",
            )
        ),
        spoken="A bar whose whisker crosses zero shows no effect. Augmentation needs longer training to pay.",
        seen="Points over the plain run: "
        + ", ".join(f"{name} {gain:+.1f} ± {half:.1f}" for name, (gain, half) in found.items())
        + ".",
    )


def errors(deck: Deck, best: BundleConfig) -> None:
    """What the best network confuses, and whether its confidence can be trusted."""
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
        spoken="Many of these are faces on which people disagree, too: see the page on two truths.",
        seen="Confusion matrix; most frequent: " + "; ".join(lines) + ".",
    )
    certain = figures["accuracy_when_certain"]
    deck.page(
        "Does it know how sure to be?",
        [
            f"Expected calibration error {figures['ece']:.3f}: the mean gap between confidence and accuracy.",
            f"{figures['uncertain_share']:.0%} of the faces are marked uncertain"
            + (f"; on the others the accuracy is {certain:.1%}." if certain is not None else "."),
            "Fitted to the voters of PublicTest, shown against the labels of PrivateTest.",
        ],
        chart(plots.reliability({best.name: figures["reliability"]})),
        spoken="On the diagonal, a confidence of 70% is right seven times in ten. Against the labels a network that is "
        "calibrated for people lies off it, since the labels are not what people say.",
        seen="Accuracy against confidence, beside the diagonal.",
    )


def serving(deck: Deck, best: BundleConfig) -> None:
    """The forms of the graph, and which one is shipped."""
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
    deck.page(
        "From model to application",
        text,
        table=[header, *rows],
        spoken="Compare the rows with each other only: the times are of one machine.",
        seen="Forms of the graph: " + "; ".join(f"{row[0]} {row[1]} MB, {row[4]} ms" for row in rows) + ".",
    )
