"""What the attacks did to a server, as Markdown; recorded by ``python -m attacks`` in ``tests/attacks``."""

import statistics
import textwrap
from pathlib import Path
from typing import Any, Final

from ..training.card import table
from ..training.run_folder import read_json

#: Folder of the records, beside that of the benchmarks.
FOLDER: Final = "attacks"
#: Not recorded on every machine: the image needs its packages from an index.
_IMAGE, _NAMES, _ROUNDS = "image.json", "names.json", "rounds.json"


def attacks_table(benchmarks: Path) -> str:
    """Each goal and what was recorded. benchmarks: the folder of their records; that of the attacks is beside it."""
    folder = benchmarks.parent / FOLDER
    rows = _each_rows(read_json(folder / "attacks.json"), "each attack")
    if (folder / _IMAGE).exists():
        rows += _each_rows(read_json(folder / _IMAGE), "the same, on the image")
    rows += _night_rows(read_json(folder / "night.json"))
    if (folder / _ROUNDS).exists():
        rows += _rounds_rows(read_json(folder / _ROUNDS))
    if (folder / _NAMES).exists():
        rows += _names_rows(read_json(folder / _NAMES))
    return table(["what", "goal", "recorded"], rows) + _note(read_json(folder / "night.json"))


def slope_of(points: list[list[float]]) -> tuple[float, float]:
    """Megabytes an hour after the first quarter of (hour, megabytes), and the standard error of that."""
    late = [point for point in points if point[0] > points[-1][0] / 4]
    hours, held = zip(*late, strict=True)
    slope, start = statistics.linear_regression(hours, held)
    off = sum((megabytes - start - slope * hour) ** 2 for hour, megabytes in late)
    spread = sum((hour - statistics.fmean(hours)) ** 2 for hour in hours)
    return slope, float((off / (len(late) - 2) / spread) ** 0.5)


def _each_rows(record: dict[str, Any], what: str) -> list[list[str]]:
    each, stop = record["attacks"]["each"], record["stop"]
    photos, health = ({name: one[key] for name, one in each.items()} for key in ("photo_p99", "health_p99"))
    refused = sum(sum(one["honest_refused"].values()) for one in each.values())
    cores, before, after = (record["machine"][name] for name in ("cores", "load_before", "load_after"))
    return [
        [
            f"{what}: {len(each)} kinds, {record['seconds']:g} s each, {cores} cores, load {before[0]:.1f} before, "
            f"{after[0]:.1f} after{_finder(record)}: most memory, with decoders",
            "1,000 MB",
            f"**{max(one['most_megabytes'] for one in each.values()):,.0f} MB**",
        ],
        ["an honest photo meanwhile, 99% within", "2 s", _worst(photos, 2, "s", 1)],
        [
            "`/healthz`, 99% within",
            "100 ms",
            _worst({name: 1000 * one for name, one in health.items()}, 100, "ms", 0) + _bare(each),
        ],
        ["honest requests refused", "0", f"**{refused}**"],
        ["SIGTERM to the end; files left", "5 s; 0", f"**{stop['seconds']:.1f} s; {len(stop['files_left'])}**"],
    ]


def _bare(each: dict[str, Any]) -> str:
    """What a server that does nothing took on the same machine at the same time."""
    found = [one["bare_p99"] for one in each.values() if "bare_p99" in one]
    return f"; a bare server beside it {1000 * max(found):.0f} ms at worst" if found else ""


def _finder(record: dict[str, Any]) -> str:
    return f", faces by {record['detector']}" if "detector" in record else ""


def _worst(figures: dict[str, float], goal: float, unit: str, digits: int) -> str:
    name = max(figures, key=lambda one: figures[one])
    within = sum(figure < goal for figure in figures.values())
    worst = f"**{figures[name]:.{digits}f} {unit}** at worst (`{name}`)"
    return f"{worst}; within the goal in {within} of {len(figures)} kinds"


def _night_rows(record: dict[str, Any]) -> list[list[str]]:
    night = record["night"]
    slope, error = slope_of(night["megabytes"])
    late = [held for hour, held in night["megabytes"] if hour > night["hours"] / 4]
    others = sum(night["undocumented"].values())
    told, load = sum(night["visitors_were_told"].values()), record["machine"]["load_before"][0]
    return [
        [
            f"{60 * night['hours']:.0f} minutes of {night['attacks']} attacks among visitors of every kind, load "
            f"{load:.1f} at the start{_finder(record)}: the memory's slope after the first quarter",
            "5 MB an hour",
            f"**{slope:+.0f} MB an hour**, standard error {error:.0f}; from {min(late):.0f} to {max(late):.0f} MB; "
            f"medians of its quarters {', '.join(_quarters(night['megabytes']))}",
        ],
        ["its highest memory", "1,000 MB", f"**{night['most_megabytes']:,.0f} MB**"],
        ["threads after the first attack, fewest and at the end", "none lost", _threads(night["threads"])],
        ["the oldest file of a visitor", f"{night['promised_seconds']} s", f"**{night['oldest_file_seconds']:.0f} s**"],
        ["failures in its log", "0", f"**{sum(record['stop']['log']['errors'].values())}**"],
        [f"answers to {told:,} visits that no document tells of, failures told to attackers", "0", f"**{others}**"],
    ]


def _rounds_rows(record: dict[str, Any]) -> list[list[str]]:
    rounds = record["rounds"]
    held, own = rounds["megabytes"], rounds["server_itself"]
    late = held[len(held) // 2 :]
    return [
        [
            f"{rounds['rounds']} rounds of {len(rounds['attacks'])} kinds of attack and every visitor, "
            f"{rounds['minutes']:.0f} minutes{_finder(record)}: memory for a hundred rounds, in the last half",
            "0 MB",
            f"**{rounds['megabytes_a_hundred_rounds_in_the_last_half']:+.0f} MB**; {held[0]:.0f} MB at the start, then "
            f"{min(late):.0f} to {max(late):.0f} MB; of the server itself {own[0]:.0f}, and {own[-1]:.0f} at the end",
        ]
    ]


def _note(record: dict[str, Any]) -> str:
    text = record.get("note")
    return "\n" + textwrap.fill(f"Of the long run: {text}", 120) + "\n" if text else ""


def _quarters(points: list[list[float]]) -> list[str]:
    end = points[-1][0]
    parts = [[held for hour, held in points if number < 4 * hour / end <= number + 1] for number in range(4)]
    return [f"{statistics.median(part):.0f}" for part in parts if part]


def _threads(threads: list[int]) -> str:
    return f"{threads[0]}, {min(threads)} and {threads[-1]}"


def _names_rows(record: dict[str, Any]) -> list[list[str]]:
    names = record["names"]
    slope, after = names["megabytes_a_thousand_names_after_the_first_quarter"], names["megabytes_when_all_has_expired"]
    return [
        [
            f"{names['names']:,} new names of sessions, uploads and events: memory for a thousand, after the first "
            "quarter",
            "0 MB",
            f"**{slope:+.1f} MB**; {names['megabytes'][0][1]:.0f} MB before, {after:.0f} MB when all has expired",
        ]
    ]
