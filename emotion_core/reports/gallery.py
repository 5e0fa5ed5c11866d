"""Picture grids and data set charts, for notebooks and slides."""

import io
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray
from PIL import Image

from ..datasets.faces import SPLITS, FaceData

DPI: Final = 150
#: Notebooks show charts this large; on screens of twice as many pixels, the others are seen, too.
SHOWN_DPI: Final = 84
#: Longest side of a picture, in pixels; larger ones are reduced.
LONGEST: Final = 400
_BLUE, _ORANGE, _GRAY = "#0072B2", "#D55E00", "#999999"


def tiles(
    pictures: Sequence[NDArray[Any]] | NDArray[Any],
    titles: Sequence[str] = (),
    columns: int = 8,
    side: float = 1.1,
    colours: str = "gray",
    title: str = "",
) -> Figure:
    """A grid of titled pictures, each (H, W), (H, W, 1) or (H, W, 3); ``side`` in inches, ``title`` above all."""
    columns = min(columns, len(pictures))
    rows = -(-len(pictures) // columns)
    lines = max((title.count("\n") + 1 for title in titles), default=0)
    figure = Figure(figsize=(columns * side, rows * (side + 0.2 * lines) + (0.3 if title else 0)), layout="constrained")
    figure.suptitle(title, fontsize=9)
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, picture in zip(grid, pictures, strict=False):
        axes.imshow(np.squeeze(picture), cmap=colours, interpolation="nearest")
    for axes, own in zip(grid, titles, strict=False):
        axes.set_title(own, fontsize=8)
    return figure


def heat(
    faces: Sequence[NDArray[np.uint8]],
    maps: Sequence[NDArray[np.float64]],
    titles: Sequence[str],
    label: str,
    title: str = "",
) -> Figure:
    """Mean faces with a heat map over each, all on one scale: red above zero, blue below. label: what is drawn, and its
    unit; ``title`` above all.
    """
    figure = Figure(figsize=(1.35 * len(faces) + 0.8, 2.0), layout="constrained")
    figure.suptitle(title, fontsize=9)
    limit = max(float(np.abs(np.stack(maps)).max()), 1e-9)
    grid = figure.subplots(1, len(faces), squeeze=False)[0]
    for axes, face, values, own in zip(grid, faces, maps, titles, strict=True):
        axes.imshow(np.squeeze(face), cmap="gray", interpolation="nearest")
        drawn = axes.imshow(values, cmap="coolwarm", vmin=-limit, vmax=limit, alpha=0.55, interpolation="nearest")
        axes.set_title(own, fontsize=8)
        axes.axis("off")
    scale = figure.colorbar(drawn, ax=grid, shrink=0.9)
    scale.set_label(label, fontsize=8)
    scale.ax.tick_params(labelsize=8)
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
    axes.set(ylabel="share of the split", title="Faces by class and split")
    axes.margins(y=0.2)
    figure.legend(loc="outside lower center", ncols=len(present), frameon=False, fontsize=8)
    return figure


def shares(
    table: NDArray[np.int64], rows: Sequence[str], columns: Sequence[str], ylabel: str, xlabel: str, title: str = ""
) -> Figure:
    """A heat map of a table of counts, as shares of each row."""
    part = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(2.8 + 0.6 * len(columns), 1.4 + 0.4 * len(rows)), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(part, cmap="Blues", vmin=0, vmax=1, aspect="auto")
    figure.colorbar(image, ax=axes, format=PercentFormatter(1), label="of the row")
    axes.set_xticks(range(len(columns)), columns, rotation=35, ha="right")
    axes.set_yticks(range(len(rows)), rows)
    axes.set(xlabel=xlabel, ylabel=ylabel, title=title)
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
