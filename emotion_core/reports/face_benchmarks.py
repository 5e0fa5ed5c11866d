"""The records of ``tests/benchmarks/faces.py`` as Markdown tables."""

from pathlib import Path

from ..training.card import table
from ..training.run_folder import read_json


def faces_table(folder: Path) -> str:
    """A row per detector: faces found, false faces, and the time relative to YuNet's."""
    rows = [
        [
            name,
            f"{row['found']} of {row['photos']}",
            f"{row['false_faces']} in {row['without_faces']}",
            str(row["false_faces_turned"]),
            f"{row['filled']} of {row['filled_of']}",
            f"{row['group']} of {row['group_of']}",
            f"{row['time_photo']:.1f}",
            f"{row['time_group']:.1f}",
        ]
        for name, row in read_json(folder / "faces.json")["detectors"].items()
    ]
    header = [
        "detector",
        "photos with a face found",
        "faces where there are none",
        "the same, turned too",
        "faces that fill the picture",
        "faces of 60 pixels on 24 megapixels",
        "time on a photo, YuNet 1",
        "time on 24 megapixels",
    ]
    return table(header, rows)


def tilts_table(folder: Path) -> str:
    """A row per tilt: before and now."""
    record = read_json(folder / "faces.json")["tilts"]
    header = ["tilt, degrees", "named as labelled, before", "now", "certainly something else, before", "now"]
    rows = [
        [
            degrees,
            *(f"{record[when][degrees]['right']:.1%}" for when in ("before", "now")),
            *(f"{record[when][degrees]['certain_and_wrong']:.1%}" for when in ("before", "now")),
        ]
        for degrees in record["now"]
    ]
    return table(header, rows)
