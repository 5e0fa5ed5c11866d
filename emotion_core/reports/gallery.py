"""Picture grids and data set charts, for notebooks and slides."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image

from ..datasets.faces import SPLITS, FaceData

DPI: Final = 84
#: Longest side of a picture, in pixels; larger ones are reduced.
LONGEST: Final = 400
_BLUE, _ORANGE, _GRAY = "#0072B2", "#D55E00", "#999999"


def tiles(
    pictures: Sequence[NDArray[Any]] | NDArray[Any],
    titles: Sequence[str] = (),
    columns: int = 8,
    side: float = 1.1,
    colours: str = "gray",
) -> Figure:
    """A grid of titled pictures, each (H, W), (H, W, 1) or (H, W, 3); ``side`` in inches."""
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    lines = max((title.count("\n") + 1 for title in titles), default=0)
    figure = Figure(figsize=(columns * side, rows * (side + 0.2 * lines)), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, picture in zip(grid, pictures, strict=False):
        axes.imshow(np.squeeze(picture), cmap=colours)
    for axes, title in zip(grid, titles, strict=False):
        axes.set_title(title, fontsize=8)
    return figure


def heat(faces: Sequence[NDArray[np.uint8]], maps: Sequence[NDArray[np.float64]], titles: Sequence[str]) -> Figure:
    """Mean faces with a heat map over each: red where covering the spot costs most, blue where it helps."""
    figure = Figure(figsize=(1.35 * len(faces), 1.65), layout="constrained")
    limit = max(float(np.abs(np.stack(maps)).max()), 1e-9)
    for axes, face, values, title in zip(
        figure.subplots(1, len(faces), squeeze=False)[0], faces, maps, titles, strict=True
    ):
        axes.imshow(np.squeeze(face), cmap="gray")
        axes.imshow(values, cmap="coolwarm", vmin=-limit, vmax=limit, alpha=0.55)
        axes.set_title(title, fontsize=8)
        axes.axis("off")
    return figure


def class_counts(data: FaceData) -> Figure:
    """Faces per class in every split, as shares of the split, with the number on the bar."""
    present = [split for split in SPLITS if (data.split == split).any()]
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(present)
    for number, (split, colour) in enumerate(zip(present, (_BLUE, _ORANGE, _GRAY), strict=False)):
        counts = np.bincount(data.emotion[data.split == split], minlength=len(data.labels))
        place = np.arange(len(data.labels)) + (number - (len(present) - 1) / 2) * width
        bars = axes.bar(place, counts / counts.sum(), width * 0.95, label=split, color=colour)
        axes.bar_label(bars, [str(count) for count in counts], fontsize=7, rotation=90, padding=2)
    axes.set_xticks(range(len(data.labels)), data.labels)
    axes.set(ylabel="share of the split")
    axes.margins(y=0.2)
    axes.legend(frameon=False, fontsize=8)
    return figure


def shares(table: NDArray[np.int64], rows: Sequence[str], columns: Sequence[str], ylabel: str, xlabel: str) -> Figure:
    """A heat map of a table of counts, as shares of each row."""
    part = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(1.8 + 0.6 * len(columns), 1.2 + 0.4 * len(rows)), layout="constrained")
    axes = figure.subplots()
    axes.imshow(part, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    axes.set_xticks(range(len(columns)), columns, rotation=35, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel=xlabel, ylabel=ylabel)
    for row, column in np.ndindex(*part.shape):
        colour = "white" if part[row, column] > 0.5 else "black"
        axes.text(column, row, f"{part[row, column]:.0%}", ha="center", va="center", color=colour, fontsize=8)
    return figure


def bars(
    values: Mapping[str, float], xlabel: str, halves: Mapping[str, float] | None = None, title: str = ""
) -> Figure:
    """A bar per name, starting at 0, with a whisker of ``halves`` to each side."""
    figure = Figure(figsize=(6.5, 0.7 + 0.35 * len(values)), layout="constrained")
    axes = figure.subplots()
    whiskers = [halves[name] for name in values] if halves else None
    drawn = axes.barh(list(values), list(values.values()), xerr=whiskers, color=_BLUE, ecolor="black", capsize=2)
    axes.bar_label(drawn, [f"{value:.3g}" for value in values.values()], fontsize=8, padding=3)
    axes.invert_yaxis()
    axes.set(xlabel=xlabel, title=title)
    axes.margins(x=0.12)
    return figure


def png(picture: Figure | Image.Image, dpi: int = DPI) -> bytes:
    """A chart or picture as PNG bytes."""
    file = io.BytesIO()
    if isinstance(picture, Figure):
        picture.savefig(file, format="png", dpi=dpi)
    else:
        small = picture.copy()
        small.thumbnail((LONGEST, LONGEST))
        small.save(file, format="PNG", optimize=True)
    return file.getvalue()
