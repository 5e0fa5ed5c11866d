"""Charts of recorded figures: learning curves, confusion, reliability, networks side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from ..recognition.bundle_config import BundleConfig
from ..recognition.bundle_figures import Bin


def history(stages: Sequence[Mapping[str, Any]]) -> Figure:
    """Loss and accuracy over the epochs of all stages in sequence.

    Two losses are drawn together only if they have one target: where teachers were learnt from, too, Training's is
    left out.
    """
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    rows = [row for stage in stages for row in stage["history"]]
    epochs = np.arange(1, len(rows) + 1)
    # If PublicTest's loss against the blended targets of training was recorded, both curves show that loss.
    public_loss = [float(row.get("public_goal") or row["public_loss"]) for row in rows]
    asked = any(row.get("public_goal") for row in rows)
    taught = any(stage.get("config", {}).get("teachers") for stage in stages)
    whose = "PublicTest's loss" if taught else "Loss"
    public_accuracy = [float(row["public_accuracy"]) for row in rows]
    for axes, name, public, title in (
        (loss, "loss", public_loss, f"{whose} by what was asked for" if asked else whose),
        (accuracy, "accuracy", public_accuracy, "Agreement with the label"),
    ):
        if axes is accuracy or not taught:
            train = [float(row[name]) for row in rows]
            axes.plot(epochs, train, "o-", label="Training, augmented", color="#0072B2", markersize=3)
        axes.plot(epochs, public, "s-", label="PublicTest, averaged weights", color="#D55E00", markersize=3)
        axes.set(xlabel="epoch", ylabel=name, title=title)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        done = 0
        for stage in stages[:-1]:
            done += len(stage["history"])
            axes.axvline(done + 0.5, color="gray", linestyle=":", linewidth=1)
    figure.legend(*accuracy.get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False, fontsize=8)
    return figure


def confusion(table: Sequence[Sequence[int]], labels: Sequence[str], title: str = "") -> Figure:
    """The confusion matrix, each row (the truth) as shares of its faces."""
    counts = np.asarray(table)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 1.4 + 0.55 * len(labels)
    figure = Figure(figsize=(size + 1.6, size), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    figure.colorbar(image, ax=axes, shrink=0.8, format=PercentFormatter(1), label="of the faces so labelled")
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="answered", ylabel="labelled", title=title)
    for row, column in np.ndindex(*shares.shape):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, f"{shares[row, column]:.0%}", ha="center", va="center", color=colour, fontsize=8)
    return figure


def reliability(curves: Mapping[str, Sequence[Bin]]) -> Figure:
    """Accuracy against confidence; the diagonal is perfect calibration."""
    figure = Figure(figsize=(4.4, 4.6), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="gray", linestyle="--", linewidth=1)
    for (name, bins), colour in zip(curves.items(), ("#0072B2", "#D55E00", "#009E73", "#CC79A7"), strict=False):
        x, y = [point["confidence"] for point in bins], [point["accuracy"] for point in bins]
        axes.plot(x, y, color=colour, alpha=0.6)
        area = [8 + 200 * point["faces"] / sum(other["faces"] for other in bins) for point in bins]
        axes.scatter(x, y, s=area, color=colour, label=name)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), title="Confidence and accuracy")
    axes.grid(alpha=0.3)
    figure.legend(loc="outside lower center", frameon=False, fontsize=8)
    return figure


def per_class(runs: Sequence[BundleConfig], split: str = "private") -> Figure:
    """F1 by expression: a group of bars for each, with a bar per network."""
    labels = runs[0].labels
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(runs)
    for number, run in enumerate(runs):
        values = [run.metrics[split]["per_class"][label]["f1"] for label in labels]
        axes.bar(np.arange(len(labels)) + number * width - 0.4 + width / 2, values, width, label=run.name)
    axes.set_xticks(range(len(labels)), labels)
    axes.set(ylabel="F1", ylim=(0, 1), title="F1 by expression, against the labels")
    axes.grid(alpha=0.3, axis="y")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    return figure


def comparison(runs: Sequence[BundleConfig], split: str = "private") -> Figure:
    """Accuracy with its 95% interval, a bar per network."""
    figure = Figure(figsize=(8, 0.6 + 0.45 * len(runs)), layout="constrained")
    axes = figure.subplots()
    values = np.array([run.metrics[split]["accuracy"] for run in runs])
    edges = np.array([run.metrics[split]["interval"]["accuracy"] for run in runs])
    errors = np.abs(edges.T - values)
    axes.barh([f"{run.name} ({len(run.labels)})" for run in runs], values, xerr=errors, color="#0072B2", capsize=3)
    axes.invert_yaxis()
    axes.set(xlabel="accuracy", xlim=(0, 1), title="Accuracy by the labels; in brackets, how many classes")
    axes.grid(alpha=0.3, axis="x")
    return figure


def truths(rows: Sequence[Mapping[str, Any]]) -> Figure:
    """Agreement with ten people's majority and with the label, with 95% intervals, two bars per network.

    rows: from ``training.comparison.compare``. If they have it, the share of faces whose label is their voters'
    majority is drawn as a line: answers that agree with people cannot agree with the labels more often.
    """
    figure = Figure(figsize=(9, 1.2 + 0.75 * len(rows)), layout="constrained")
    axes = figure.subplots()
    places = np.arange(len(rows))
    for shift, truth, colour, name in (
        (-0.19, "majority", "#0072B2", "majority of ten people"),
        (0.19, "label", "#E69F00", "FER-2013's label"),
    ):
        values = np.array([row[truth]["accuracy"] for row in rows])
        edges = np.array([row[truth]["interval"] for row in rows])
        axes.barh(places + shift, values, 0.36, xerr=np.abs(edges.T - values), color=colour, capsize=3, label=name)
        for place, value, edge in zip(places, values, edges, strict=True):
            box = {"facecolor": "white", "edgecolor": "none", "pad": 1}
            axes.text(edge[1] + 0.012, place + shift, f"{value:.1%}", va="center", fontsize=9, bbox=box, zorder=3)
    people = next((row["majority_is_label"] for row in rows if row.get("majority_is_label")), None)
    if people is not None:
        axes.axvline(
            people, color="#555555", linestyle="--", linewidth=1.2, label=f"people and label agree: {people:.1%}"
        )
    axes.set_yticks(places, [str(row["name"]) for row in rows])
    axes.invert_yaxis()
    axes.set(xlim=(0, 1), title="Agreement on PrivateTest")
    axes.xaxis.set_major_formatter(PercentFormatter(1))
    axes.grid(alpha=0.3, axis="x")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize=9)
    return figure


def save_all(config: BundleConfig, metrics: Mapping[str, Any], split: str, folder: Path) -> list[Path]:
    """Write the charts of one measurement; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    title = f"{config.name}, {split}"
    pictures = {
        f"confusion-{split}.png": confusion(metrics["confusion"], config.labels, title),
        f"reliability-{split}.png": reliability({title: metrics["reliability"]}),
    }
    if config.training.get("stages"):
        pictures["history.png"] = history(config.training["stages"])
    for name, figure in pictures.items():
        figure.savefig(folder / name, dpi=150)
    return [folder / name for name in pictures]
