"""A video's timeline as SVG: each person's probabilities over time as stacked areas.

Text and axes use the colour of the surrounding text, so that an inline chart suits light and dark
pages; a standalone file includes a background.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from numpy.typing import NDArray

from ..data_uris import data_uri
from ..labels import SYMBOLS, colour_of
from ..tracking.people import Person

#: How many people are drawn, preferring those seen longest; the rest are only counted.
MAX_ROWS: Final = 20
_WIDTH, _LEFT, _RIGHT, _TOP, _ROW, _AREA = 960, 212, 940, 40, 116, 84
_LEGEND_STEP: Final = 116
#: Start and end of the time axis, as shares of the chart's width.
SIDES: Final = (_LEFT / _WIDTH, _RIGHT / _WIDTH)


@dataclass(frozen=True, slots=True)
class Area:
    """One label's area in a stacked chart, for one unbroken stretch of time."""

    #: The area's label.
    label: str
    #: SVG path data: numbers and the letters M, L and Z.
    path: str
    #: Tooltip: the label and its mean probability.
    words: str


def timeline_svg(
    people: Sequence[Person], labels: Sequence[str], bin_seconds: float, end_seconds: float, standalone: bool = False
) -> str:
    """SVG text: a row per person with thumbnail, main expression and stacked areas, 0 to 1.

    bin_seconds: length of the people's time bins. standalone: for a file rather than a page.
    """
    chosen = sorted(sorted(people, key=lambda person: -person.seconds_seen)[:MAX_ROWS], key=lambda row: row.person)
    end = max(end_seconds, bin_seconds)

    def x_of(times: NDArray[np.float64]) -> NDArray[np.float64]:
        return _LEFT + (_RIGHT - _LEFT) * np.minimum(times / end, 1)

    rows = []
    for index, person in enumerate(chosen):
        top = _TOP + index * _ROW
        areas = stacked_areas(person.bins, labels, bin_seconds, x_of, top, _AREA)
        rows.append({"person": person, "symbol": SYMBOLS.get(person.emotion, ""), "top": top, "areas": areas})
    step = _tick_seconds(end)
    times = [number * step for number in range(int(end / step) + 1)]
    return _template().render(
        rows=rows,
        labels=labels,
        ticks=[{"x": _LEFT + (_RIGHT - _LEFT) * time / end, "words": _clock(time, step, end)} for time in times],
        legend_step=min(_LEGEND_STEP, (_WIDTH - 20) / max(len(labels), 1)),
        width=_WIDTH,
        height=_TOP + max(len(rows), 1) * _ROW + 10,
        row_height=_AREA,
        left=_LEFT,
        right=_RIGHT,
        unseen=len(people) - len(rows),
        spoken="; ".join(map(_spoken, chosen)),
        standalone=standalone,
    )


@cache
def _template() -> Template:
    """The chart's template; inserted values are escaped."""
    folder = FileSystemLoader(Path(__file__).parent / "templates")
    chart = Environment(loader=folder, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    chart.filters.update(colour=colour_of, picture=data_uri, tenths=lambda value: f"{value:.1f}")
    return chart.get_template("timeline.svg")


def stacked_areas(
    bins: Mapping[int, NDArray[np.float64]],
    labels: Sequence[str],
    bin_seconds: float,
    x_of: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    top: float,
    height: float,
) -> list[Area]:
    """One area per label and unbroken stretch of time, stacked bottom-up in label order.

    bins: time bin number -> probabilities (C,). x_of: times in seconds -> x.
    """
    areas: list[Area] = []
    for stretch in _stretches(sorted(bins)):
        values = np.array([bins[number] for number in stretch])
        heights = np.concatenate([np.zeros((len(stretch), 1)), np.cumsum(values, axis=1)], axis=1)
        # From the first bin's start through the bins' centres to the last one's end.
        middles = (np.array(stretch) + 0.5) * bin_seconds
        times = np.concatenate([[stretch[0] * bin_seconds], middles, [(stretch[-1] + 1) * bin_seconds]])
        heights = np.concatenate([heights[:1], heights, heights[-1:]])
        x = x_of(times)
        y = top + height * (1 - np.minimum(heights, 1))
        for index, label in enumerate(labels):
            edge = _points(x, y[:, index + 1]) + _points(x[::-1], y[::-1, index])
            words = f"{label} {values[:, index].mean():.0%} on average"
            areas.append(Area(label, f"M{edge[1:]}Z", words))
    return areas


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    return "".join(f"L{one:.1f} {other:.1f}" for one, other in zip(x, y, strict=True))


def _stretches(numbers: Sequence[int]) -> list[list[int]]:
    """The numbers, split into runs of consecutive ones."""
    stretches: list[list[int]] = []
    for number in numbers:
        if stretches and number == stretches[-1][-1] + 1:
            stretches[-1].append(number)
        else:
            stretches.append([number])
    return stretches


def _tick_seconds(end: float) -> float:
    """At most ten ticks, at round times."""
    for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600):
        if end / step <= 10:
            return step
    return max(end / 10, 600)


def _clock(seconds: float, step: float, end: float) -> str:
    if end >= 60:
        return f"{int(seconds) // 60}:{int(seconds) % 60:02}"
    return f"{seconds:.1f} s" if step < 1 else f"{seconds:.0f} s"


def _spoken(person: Person) -> str:
    return f"person {person.person}, {person.seconds_seen:.0f} seconds, mostly {person.emotion}"
