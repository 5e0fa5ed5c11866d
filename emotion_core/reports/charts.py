"""Recorded figures as pictures: learning curves, confusion, reliability, networks side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from ..recognition.bundle_config import Bin, BundleConfig


def history(stages: Sequence[Mapping[str, Any]]) -> Figure:
    """Loss and accuracy of every stage's epochs, one after the other."""
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    loss, accuracy = figure.subplots(1, 2)
    rows = [row for stage in stages for row in stage["history"]]
    epochs = np.arange(1, len(rows) + 1)
    for axes, name in ((loss, "loss"), (accuracy, "accuracy")):
        axes.plot(epochs, [float(row[name]) for row in rows], label="Training, augmented", color="#0072B2")
        public = [float(row[f"public_{name}"]) for row in rows]
        axes.plot(epochs, public, label="PublicTest, averaged weights", color="#D55E00")
        axes.set(xlabel="epoch", ylabel=name)
        axes.grid(alpha=0.3)
        done = 0
        for stage in stages[:-1]:
            done += len(stage["history"])
            axes.axvline(done + 0.5, color="gray", linestyle=":", linewidth=1)
    accuracy.legend(frameon=False, fontsize=8)
    return figure


def confusion(table: Sequence[Sequence[int]], labels: Sequence[str], title: str = "") -> Figure:
    """The confusion matrix, each row (the truth) in shares of its faces."""
    counts = np.asarray(table)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 1.4 + 0.55 * len(labels)
    figure = Figure(figsize=(size + 0.6, size), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(labels)), labels, rotation=45, ha="right")
    axes.set_yticks(range(len(labels)), labels)
    axes.set(xlabel="answered", ylabel="labelled", title=title)
    for row, column in np.ndindex(*shares.shape):
        colour = "white" if shares[row, column] > 0.5 else "black"
        axes.text(column, row, f"{shares[row, column]:.0%}", ha="center", va="center", color=colour, fontsize=8)
    return figure


def reliability(curves: Mapping[str, Sequence[Bin]]) -> Figure:
    """Accuracy against confidence; the diagonal is a model that knows how sure to be."""
    figure = Figure(figsize=(4.2, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot([0, 1], [0, 1], color="gray", linestyle="--", linewidth=1)
    for (name, bins), colour in zip(curves.items(), ("#0072B2", "#D55E00", "#009E73", "#CC79A7"), strict=False):
        x, y = [point["confidence"] for point in bins], [point["accuracy"] for point in bins]
        axes.plot(x, y, color=colour, alpha=0.6)
        area = [8 + 200 * point["faces"] / sum(other["faces"] for other in bins) for point in bins]
        axes.scatter(x, y, s=area, color=colour, label=name)
    axes.set(xlabel="confidence", ylabel="accuracy", xlim=(0, 1), ylim=(0, 1))
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8, loc="upper left")
    return figure


def per_class(runs: Sequence[BundleConfig], split: str = "private") -> Figure:
    """F1 of every expression, a group of bars each, a bar per network."""
    labels = runs[0].labels
    figure = Figure(figsize=(9, 3.4), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(runs)
    for number, run in enumerate(runs):
        values = [run.metrics[split]["per_class"][label]["f1"] for label in labels]
        axes.bar(np.arange(len(labels)) + number * width - 0.4 + width / 2, values, width, label=run.name)
    axes.set_xticks(range(len(labels)), labels)
    axes.set(ylabel="F1", ylim=(0, 1))
    axes.grid(alpha=0.3, axis="y")
    axes.legend(frameon=False, fontsize=8)
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
    axes.set(xlabel="accuracy", xlim=(0, 1))
    axes.grid(alpha=0.3, axis="x")
    return figure


def save_all(config: BundleConfig, metrics: Mapping[str, Any], split: str, folder: Path) -> list[Path]:
    """Write the pictures of one measurement; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    title = f"{config.name}, {split}"
    pictures = {
        f"confusion-{split}.png": confusion(metrics["confusion"], config.labels, title),
        f"reliability-{split}.png": reliability({title: metrics["reliability"]}),
    }
    if config.training.get("stages"):
        pictures["history.png"] = history(config.training["stages"])
    for name, figure in pictures.items():
        figure.savefig(folder / name, dpi=120)
    return [folder / name for name in pictures]
