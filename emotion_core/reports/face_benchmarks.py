"""What ``tests/benchmarks/faces.py`` recorded, as Markdown tables."""

from pathlib import Path

from ..training.card import table
from ..training.run_folder import read_json


def faces_table(folder: Path) -> str:
    """A row for each detector: found, and imagined."""
    rows = [
        [
            name,
            f"{row['found']} of {row['photos']}",
            f"{row['false_faces']} in {row['without_faces']}",
            f"{row['filled']} of {row['filled_of']}",
            f"{row['group']} of {row['group_of']}",
        ]
        for name, row in read_json(folder / "faces.json")["detectors"].items()
    ]
    header = ["detector", "photos with a face found", "faces where there are none", "faces that fill the picture"]
    return table([*header, "faces of 60 pixels on 24 megapixels"], rows)


def tilts_table(folder: Path) -> str:
    """A row for each tilt: as it was, and as it is."""
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
