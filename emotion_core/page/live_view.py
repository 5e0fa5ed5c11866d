"""The last half minute of a webcam, as HTML for the page."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..tracking.recent import BIN_SECONDS, WINDOW_SECONDS, Recent
from ..video.timeline import stacked_areas
from .templating import render

#: Most people drawn, and for how long they must have been seen.
MAX_ROWS: Final = 6
_LEAST_SECONDS: Final = 1.0
_WIDTH, _HEIGHT, _TICK = 600, 60, 10


def rolling_timeline(people: Sequence[Recent], labels: Sequence[str], now: float) -> str:
    """HTML: a row per person, with an SVG of stacked areas over the window that ends at ``now`` (seconds).

    The text is HTML, so that it stays legible when a phone squeezes the areas.
    """
    rows = [person for person in people if person.seconds_seen >= _LEAST_SECONDS]
    rows = sorted(sorted(rows, key=lambda row: -row.seconds_seen)[:MAX_ROWS], key=lambda row: row.person)
    return render(
        "live_timeline.html",
        rows=[_row(row, labels, now) for row in rows],
        labels=labels,
        width=_WIDTH,
        height=_HEIGHT,
        grid=[_WIDTH * second // WINDOW_SECONDS for second in range(_TICK, WINDOW_SECONDS, _TICK)],
        seconds=range(WINDOW_SECONDS, 0, -_TICK),
    )


def _row(row: Recent, labels: Sequence[str], now: float) -> dict[str, Any]:
    mean = row.mean()
    start = now - WINDOW_SECONDS

    def x_of(times: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.clip((times - start) / WINDOW_SECONDS, 0, 1) * _WIDTH, np.float64)

    areas = stacked_areas(row.bins, labels, BIN_SECONDS, x_of, 0, _HEIGHT)
    return {"person": row.person, "label": labels[int(np.argmax(mean))], "share": float(mean.max()), "areas": areas}
