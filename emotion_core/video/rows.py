"""A video's results as CSV and JSON, written frame by frame."""

import csv
import json
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..as_text import csv_row
from ..results import face_columns, face_row
from ..tracking.stream import TrackedFrame


class RowWriter:
    """Writes one row per face and analysed frame; a context manager.

    The CSV has a line per face: the smoothed prediction, the box in the annotated video's pixels, the
    smoothed probabilities in columns named after the labels, and this frame's own as ``LABEL_raw``. The
    JSON is an object: ``labels``, ``frames`` (one per line, also those without a face), ``summary``.
    """

    def __init__(self, csv_path: Path, json_path: Path, labels: tuple[str, ...]) -> None:
        self._labels = labels
        self._csv = csv_path.open("w", newline="", encoding="utf-8")
        self._json = json_path.open("w", encoding="utf-8")
        self._lines = csv.writer(self._csv)
        raw = [f"{label}_raw" for label in labels]
        self._lines.writerow(csv_row(["time_seconds", "person", *face_columns(labels), *raw]))
        self._json.write(f'{{"labels": {json.dumps(labels)},\n"frames": [')
        self._separator = "\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self._csv.close()
        self._json.close()

    def write(self, frame: TrackedFrame) -> None:
        """Add an analysed frame."""
        for face in frame.faces:
            who = (f"{frame.time_seconds:.6f}", face.person)
            self._lines.writerow(csv_row([*who, *face_row(face.smoothed).values(), *face.raw.probabilities]))
        self._json.write(self._separator + json.dumps(frame.to_dict()))
        self._separator = ",\n"

    def finish(self, summary: Any) -> None:
        """Close the JSON's frame list and add the summary, a JSON-ready object."""
        self._json.write(f'],\n"summary": {json.dumps(summary, indent=1)}}}\n')
