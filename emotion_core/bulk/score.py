"""Score files one by one -> the rows of their faces, or the reason for failure. Independent of Ray."""

import dataclasses
import posixpath
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import VideoError, in_words
from ..images import load_image
from ..picture_notes import notes_of
from ..recognition.detectors import WholePicture
from ..recognition.recognizer import EmotionRecognizer
from ..results import Face, Prediction, face_row
from ..video.follow import analyzer_of, follow, seek
from ..video.probe import OWN_MACHINE, probe
from ..video.reader import VideoReader
from ..video.results import VideoOptions
from .ahead import given
from .codes import code_of
from .find import is_video, real
from .places import fetch, is_address

#: Faces from consecutive pictures that are passed to the network in one call.
BATCH: Final = 32


@dataclass(frozen=True)
class Scored:
    """The outcome for one file. faces: rows of the table of faces; error: why it could not be used, or ""; code: the
    same, one of ``codes.CODES``.

    frames: frames analysed, 1 for a picture. width, height: upright, in pixels. note: remarks for the reader.
    """

    path: str
    kind: str
    faces: tuple[dict[str, Any], ...] = ()
    frames: int = 0
    width: int | None = None
    height: int | None = None
    note: str = ""
    error: str = ""
    code: str = ""

    def file_row(self) -> dict[str, Any]:
        """A row of the table of files."""
        status = "failed" if self.error else "faces" if self.faces else "no_face"
        row = {name: getattr(self, name) for name in ("path", "kind", "frames", "width", "height", "note")}
        return {**row, "status": status, "faces": len(self.faces)}


def score(
    recognizer: EmotionRecognizer,
    paths: Iterable[str],
    options: VideoOptions,
    content: Callable[[str], str | bytes] = given,
) -> Iterator[Scored]:
    """Score files in order; one that cannot be used gets an error and does not stop the others.

    content: of a picture, see ``ahead``.

    A picture's rows are as from ``recognizer.analyze``, a video's are the smoothed answers of
    ``analyze_video`` for every analysed frame.
    """
    waiting: list[_Seen] = []
    for path in paths:
        if is_video(path):
            yield from _answer(recognizer, waiting)
            waiting = []
            yield _video(recognizer, path, options)
            continue
        waiting.append(_look(recognizer, path, content))
        if sum(len(seen.faces) for seen in waiting) >= BATCH or len(waiting) >= 4 * BATCH:
            yield from _answer(recognizer, waiting)
            waiting = []
    yield from _answer(recognizer, waiting)


def failure(path: str, error: Exception | str, code: str = "") -> Scored:
    """The outcome for a file that cannot be used; code: of an error in words."""
    local = "" if is_address(path) else real(path)
    text, code = (error, code) if isinstance(error, str) else (in_words(error), code_of(error, local))
    return Scored(path, "video" if is_video(path) else "picture", error=text, code=code)


@dataclass(frozen=True)
class _Seen:
    """A picture whose faces have been found and cropped, without its pixels."""

    scored: Scored
    faces: Sequence[Face] = ()
    crops: NDArray[np.uint8] | None = None


def _look(recognizer: EmotionRecognizer, path: str, content: Callable[[str], str | bytes]) -> _Seen:
    try:
        rgb = load_image(content(path))
        faces = recognizer.find(rgb).faces
        note = " ".join(notes_of(rgb))
        whole = Scored(path, "picture", frames=1, width=rgb.shape[1], height=rgb.shape[0], note=note)
        return _Seen(whole, faces, recognizer.crops(rgb, faces))
    except Exception as error:  # no bad file may stop the run
        return _Seen(failure(path, error))


def _answer(recognizer: EmotionRecognizer, waiting: Sequence[_Seen]) -> Iterator[Scored]:
    crops = [seen.crops for seen in waiting if seen.crops is not None]
    if not crops:
        yield from (seen.scored for seen in waiting)
        return
    faces = [face for seen in waiting for face in seen.faces]
    predictions = iter(recognizer.predict(np.concatenate(crops), faces))
    for seen in waiting:
        rows = tuple(
            _row(recognizer, seen.scored.path, number, next(predictions)) for number in range(1, len(seen.faces) + 1)
        )
        yield dataclasses.replace(seen.scored, faces=rows)


def _video(recognizer: EmotionRecognizer, path: str, options: VideoOptions) -> Scored:
    rows: list[dict[str, Any]] = []
    analyzed = 0
    try:
        if isinstance(recognizer.detector, WholePicture):
            raise VideoError("--faces is for pictures that are one face each. Score videos without it.")
        with _here(path) as here:
            info = probe(here, OWN_MACHINE)
            analyzer = analyzer_of(recognizer, options)
            with VideoReader(here, info, OWN_MACHINE, max(info.width, info.height)) as reader:
                sought = seek(reader, analyzer, options.rate)
                for index, item in enumerate(follow(sought, analyzer, lambda: reader.seconds)):
                    if not item.analyzed:
                        continue
                    analyzed += 1
                    when = {"frame": index, "time_seconds": round(item.frame.time_seconds, 6)}
                    for number, face in enumerate(item.frame.faces, 1):
                        row = _row(recognizer, path, number, face.smoothed)
                        rows.append({**row, **when, "person": face.person})
                if not analyzed:
                    raise VideoError("No picture of this video can be decoded. Export or record it again.")
                size = reader.width, reader.height
                return Scored(path, "video", tuple(rows), analyzed, *size, note=" ".join(reader.notices()))
    except Exception as error:  # no bad file may stop the run
        return failure(path, error)


@contextmanager
def _here(path: str) -> Iterator[str]:
    """A video as a file of this machine: a copy for as long as it is analysed, if it is in a store."""
    if not is_address(path):
        yield real(path)
        return
    with tempfile.TemporaryDirectory(prefix="emotion-bulk-") as folder:
        fetch(path, copy := Path(folder) / f"video{posixpath.splitext(path)[1]}")
        yield str(copy)


def _row(recognizer: EmotionRecognizer, path: str, number: int, prediction: Prediction) -> dict[str, Any]:
    return {"path": path, "face": number, **face_row(prediction), "model": recognizer.config.name}
