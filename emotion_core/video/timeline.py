"""The timeline of a video as an SVG: per person, the probabilities over time as stacked areas.

Words and axes are drawn in the colour of the surrounding text, so that an inline chart suits light
and dark pages; as a file of its own it brings its background along.
"""

import html
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..images import data_uri
from ..labels import SYMBOLS, colour_of
from ..tracking.people import Person

#: Persons drawn, those seen longest first to be chosen; the rest is mentioned.
MAX_ROWS: Final = 20
_WIDTH, _LEFT, _RIGHT, _ROW, _AREA = 960, 212, 940, 116, 84
_LEGEND_STEP: Final = 116
#: Where the axis of time begins and ends, as shares of the chart's width.
SIDES: Final = (_LEFT / _WIDTH, _RIGHT / _WIDTH)
_STANDALONE: Final = "<style>svg{color-scheme:light dark;background:Canvas;color:CanvasText}</style>"


def timeline_svg(
    people: Sequence[Person], labels: Sequence[str], bin_seconds: float, end_seconds: float, standalone: bool = False
) -> str:
    """SVG text: a row per person with thumbnail, main expression and stacked areas, 0 to 1.

    bin_seconds: the length of the persons' bins. standalone: for a file, not part of a page.
    """
    rows = sorted(sorted(people, key=lambda person: -person.seconds_seen)[:MAX_ROWS], key=lambda row: row.person)
    end = max(end_seconds, bin_seconds)
    parts = [_legend(labels)]
    for index, person in enumerate(rows):
        parts.append(_row(person, labels, bin_seconds, end, 40 + index * _ROW))
    height = 40 + max(len(rows), 1) * _ROW + 10
    if not rows:
        parts.append(_text(_WIDTH / 2, 90, "No person was seen", 15, "middle"))
    elif len(rows) < len(people):
        parts.append(_text(_RIGHT, height - 2, f"and {len(people) - len(rows)} more, seen for less time", 12, "end"))
    said = html.escape("; ".join(_spoken(person) for person in rows) or "No person was seen")
    style = _STANDALONE if standalone else ""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" width="100%" role="img" '
        f'font-family="system-ui, sans-serif" aria-label="Timeline. {said}">{style}{"".join(parts)}</svg>'
    )


def _legend(labels: Sequence[str]) -> str:
    step = min(_LEGEND_STEP, (_WIDTH - 20) / max(len(labels), 1))
    parts = []
    for index, label in enumerate(labels):
        x = 12 + index * step
        parts.append(f'<rect x="{x:.0f}" y="8" width="14" height="14" rx="3" fill="{colour_of(label)}"/>')
        parts.append(_text(x + 20, 20, label, 13))
    return "".join(parts)


def _row(person: Person, labels: Sequence[str], bin_seconds: float, end: float, top: float) -> str:
    bottom = top + _AREA
    symbol = SYMBOLS.get(person.emotion, "")
    parts = [
        f'<image x="12" y="{top:.0f}" width="72" height="{_AREA}" href="{data_uri(person.thumbnail)}"/>',
        _text(94, top + 20, f"Person {person.person}", 14, weight=600),
        _text(94, top + 42, f"{symbol} {person.emotion}", 13),
        _text(94, top + 60, f"{person.shares[person.emotion]:.0%} of the time", 12),
        _text(94, top + 78, f"seen {person.seconds_seen:.1f} s", 12),
        f'<rect x="{_LEFT}" y="{top:.0f}" width="{_RIGHT - _LEFT}" height="{_AREA}" fill="currentColor" '
        'fill-opacity="0.07"/>',
    ]
    parts.append(
        stacked_areas(
            person.bins,
            labels,
            bin_seconds,
            lambda times: _LEFT + (_RIGHT - _LEFT) * np.minimum(times / end, 1),
            top,
            _AREA,
        )
    )
    step = _tick_seconds(end)
    for number in range(int(end / step) + 1):
        x = _LEFT + (_RIGHT - _LEFT) * number * step / end
        parts.append(
            f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{top:.0f}" y2="{bottom + 4:.0f}" stroke="currentColor" '
            'stroke-opacity="0.35" stroke-width="1"/>'
        )
        parts.append(_text(x, bottom + 17, _clock(number * step, step, end), 11, "middle"))
    return "".join(parts)


def stacked_areas(
    bins: Mapping[int, NDArray[np.float64]],
    labels: Sequence[str],
    bin_seconds: float,
    x_of: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    top: float,
    height: float,
) -> str:
    """SVG paths: an area per label and unbroken stretch of time, stacked in the labels' order from below.

    bins: number of a span of time -> probabilities (C,). x_of: times in seconds -> x.
    """
    return "".join(_areas(run, bins, labels, bin_seconds, x_of, top, height) for run in _runs(sorted(bins)))


def _areas(
    run: Sequence[int],
    bins: Mapping[int, NDArray[np.float64]],
    labels: Sequence[str],
    bin_seconds: float,
    x_of: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    top: float,
    height: float,
) -> str:
    values = np.array([bins[number] for number in run])
    heights = np.concatenate([np.zeros((len(run), 1)), np.cumsum(values, axis=1)], axis=1)
    # From the first bin's start through the middles to the last one's end.
    middles = (np.array(run) + 0.5) * bin_seconds
    times = np.concatenate([[run[0] * bin_seconds], middles, [(run[-1] + 1) * bin_seconds]])
    heights = np.concatenate([heights[:1], heights, heights[-1:]])
    x = x_of(times)
    y = top + height * (1 - np.minimum(heights, 1))
    parts = []
    for index, label in enumerate(labels):
        edge = _points(x, y[:, index + 1]) + _points(x[::-1], y[::-1, index])
        share = f"{label} {values[:, index].mean():.0%} on average"
        parts.append(f'<path d="M{edge[1:]}Z" fill="{colour_of(label)}"><title>{html.escape(share)}</title></path>')
    return "".join(parts)


def _points(x: NDArray[np.float64], y: NDArray[np.float64]) -> str:
    return "".join(f"L{one:.1f} {other:.1f}" for one, other in zip(x, y, strict=True))


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """Stretches of consecutive numbers."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs


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


def _text(x: float, y: float, words: str, size: int, anchor: str = "start", weight: int = 400) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}" font-weight="{weight}" '
        f'fill="currentColor">{html.escape(words)}</text>'
    )
