"""The last half minute of a webcam, as a piece of the page."""

import html
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..labels import SYMBOLS, colour_of
from ..tracking.recent import BIN_SECONDS, WINDOW_SECONDS, Recent
from ..video.timeline import stacked_areas

#: Persons drawn, and for how long they must have been seen to be.
MAX_ROWS: Final = 6
_LEAST_SECONDS: Final = 1.0
_WIDTH, _HEIGHT, _TICK = 600, 60, 10


def rolling_timeline(people: Sequence[Recent], labels: Sequence[str], now: float) -> str:
    """HTML: a row per person with an SVG of stacked areas over the window that ends now (seconds).

    The words are HTML, so that they stay legible when a phone squeezes the areas.
    """
    rows = [person for person in people if person.seconds_seen >= _LEAST_SECONDS]
    rows = sorted(sorted(rows, key=lambda row: -row.seconds_seen)[:MAX_ROWS], key=lambda row: row.person)
    if not rows:
        return '<p class="nobody">Nobody was seen for longer than a second.</p>'
    ticks = "".join(f"<span>−{second} s</span>" for second in range(WINDOW_SECONDS, 0, -_TICK)) + "<span>now</span>"
    legend = "".join(f'<li><i style="background:{colour_of(label)}"></i>{html.escape(label)}</li>' for label in labels)
    drawn = "".join(_row(row, labels, now) for row in rows)
    return f'<ul class="legend">{legend}</ul>{drawn}<p class="ticks" aria-hidden="true">{ticks}</p>'


def _row(row: Recent, labels: Sequence[str], now: float) -> str:
    mean = row.mean()
    label = labels[int(np.argmax(mean))]
    start = now - WINDOW_SECONDS

    def x_of(times: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.clip((times - start) / WINDOW_SECONDS, 0, 1) * _WIDTH, np.float64)

    areas = stacked_areas(row.bins, labels, BIN_SECONDS, x_of, 0, _HEIGHT)
    grid = "".join(
        f'<path vector-effect="non-scaling-stroke" d="M{_WIDTH * second / WINDOW_SECONDS:.0f} 0V{_HEIGHT}"/>'
        for second in range(_TICK, WINDOW_SECONDS, _TICK)
    )
    said = html.escape(f"Person {row.person}: mostly {label}, {mean.max():.0%} on average")
    return (
        f'<figure><figcaption><b>Person {row.person}</b> <span aria-hidden="true">{SYMBOLS.get(label, "🙂")}</span> '
        f"mostly {html.escape(label)}</figcaption>"
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img" aria-label="{said}">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="currentColor" fill-opacity="0.07"/>{areas}'
        f'<g stroke="currentColor" stroke-opacity="0.35">{grid}</g></svg></figure>'
    )
