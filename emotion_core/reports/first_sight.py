"""The first impression of the page, before and now, as Markdown; recorded by ``tests/benchmarks/first_sight.py``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ..training.card import table
from ..training.run_folder import read_json

RECORD: Final = "first_sight.json"
_ROWS: Final[tuple[tuple[str, Callable[[dict[str, Any]], Any]], ...]] = (
    ("y of the answer's heading, pixels", lambda seen: _windows(seen, "answer_y")),
    ("y of the first face's card", lambda seen: _windows(seen, "first_face_y")),
    ("layout shift while loading", lambda seen: _windows(seen, "shift")),
    ("height of the page of a group of 38", lambda seen: _windows(seen, "group_height")),
    ("bytes until the page is there", lambda seen: f"{seen['windows']['1280x800']['bytes']:,}"),
    ("serious and critical findings of axe-core", lambda seen: seen["axe_findings"]),
    ("stops with Tab to the first example, on to its answer", lambda seen: _stops(seen["tab_stops"])),
    ("on a slow line: the largest paint, s", lambda seen: _seconds(seen, "largest_paint_ms")),
    ("a photo can be given, s", lambda seen: _seconds(seen, "ready_ms")),
    ("from a photo to its answer, s", lambda seen: _seconds(seen, "photo_to_answer_ms")),
)


def first_sight_table(folder: Path) -> str:
    """Figures for the page before and now; where there are two, the first is for 1280x800, the second for 390x844."""
    record = read_json(folder / RECORD)
    return table(["", "before", "now"], [[name, told(record["before"]), told(record["now"])] for name, told in _ROWS])


def _windows(seen: dict[str, Any], figure: str) -> str:
    return ", ".join(f"{window[figure]:,}" for window in seen["windows"].values())


def _seconds(seen: dict[str, Any], figure: str) -> str:
    return f"{seen['slow_line'][figure] / 1000:.1f}"


def _stops(stops: dict[str, int | None]) -> str:
    return ", ".join("never" if count is None else str(count) for count in stops.values())
