"""Several photos at once: one table for all of them, and a zip file of everything."""

import csv
import io
import json
import logging
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import cv2

from ..as_text import as_json, csv_row
from ..errors import EmotionError
from ..images import RGB
from ..recognition.recognizer import EmotionRecognizer
from ..render import annotate_over
from ..results import NO_FACE, FrameResult, face_columns, face_row, summary
from ..serving.workshop import Workshop

#: Of the annotated copies, as JPEG counts it.
_QUALITY: Final = 90

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Photo:
    """One photo of an album: its result, or the problem with it. picture: the annotated copy, a JPEG file."""

    name: str
    result: FrameResult | None
    picture: Path | None
    problem: str = ""

    @property
    def caption(self) -> str:
        """The text under the picture in the gallery."""
        return f"{self.name}: {summary(self.result) if self.result else self.problem}"


def unique_names(paths: Sequence[str | Path]) -> list[str]:
    """The files' names, numbered where they clash, so that none overwrites another."""
    names: list[str] = []
    for path in map(Path, paths):
        name = path.name.encode(errors="backslashreplace").decode()  # zip names must be valid text
        number = 2
        while name in names:
            name, number = f"{path.stem}-{number}{path.suffix}", number + 1
        names.append(name)
    return names


def analyze_album(
    recognizer: EmotionRecognizer, paths: Sequence[str | Path], folder: Path, workshop: Workshop, address: str = ""
) -> Iterator[Photo]:
    """Analyse files one after another; one that cannot be used is reported and the others go on.

    folder: for the annotated copies, as fifty photos would be too much to hold in memory. address: the
    visitor's.
    """
    for number, (path, name) in enumerate(zip(paths, unique_names(paths), strict=True)):
        try:
            annotated = folder / f"{number}.jpg"
            result = workshop.work_on(path, address, partial(_answered, recognizer, annotated))
        except Exception as error:  # whatever a bad file causes, the others go on
            problem = str(error) if isinstance(error, EmotionError) else "This photo could not be analysed."
            if not isinstance(error, EmotionError):
                log.exception("A photo of an album could not be analysed.")
            yield Photo(name, None, None, problem)
            continue
        yield Photo(name, result, annotated)


def _answered(recognizer: EmotionRecognizer, annotated: Path, rgb: RGB) -> FrameResult:
    """The photo's result; its annotated copy is written."""
    result = recognizer.analyze_rgb(rgb)
    _save(annotate_over(rgb, result), annotated)
    return result


def _save(rgb: RGB, path: Path) -> None:
    """Write a JPEG; the picture's channels are in another order afterwards. OSError if the disk is full."""
    # OpenCV takes BGR. In place and a few rows at a time, as a copy of fifty megapixels takes 150 MB.
    for row in range(0, len(rgb), 256):
        rows = rgb[row : row + 256]
        rows[:] = rows[..., ::-1].copy()
    _, data = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    path.write_bytes(data.tobytes())


def album_rows(photos: Sequence[Photo], labels: Sequence[str]) -> tuple[list[str], list[list[Any]]]:
    """Header and one row per face of every photo; a photo without a face, or refused, has a row that says so."""
    header = ["file", "face", *face_columns(labels)]
    rows: list[list[Any]] = []
    for photo in photos:
        faces = photo.result.predictions if photo.result else ()
        if not faces:
            rows.append([photo.name, "", NO_FACE if photo.result else photo.problem, *[""] * (len(header) - 3)])
        for number, face in enumerate(faces, 1):
            rows.append([photo.name, number, *face_row(face).values()])
    return header, rows


def write_album(photos: Sequence[Photo], labels: Sequence[str], path: Path) -> Path:
    """Write a zip file: ``table.csv``, and each photo's annotated picture and JSON."""
    text = io.StringIO(newline="")
    header, rows = album_rows(photos, labels)
    csv.writer(text).writerows(map(csv_row, [header, *rows]))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("table.csv", text.getvalue())
        for photo in photos:
            if photo.result is None or photo.picture is None:
                archive.writestr(f"{photo.name}.error.json", json.dumps({"error": photo.problem}, indent=2))
                continue
            archive.write(photo.picture, f"{photo.name}.annotated.jpg", zipfile.ZIP_STORED)
            archive.writestr(f"{photo.name}.json", as_json(photo.result))
    return path
