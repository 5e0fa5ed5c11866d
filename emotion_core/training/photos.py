"""Labelled photos through the whole pipeline: detected, cropped and classified as on the page."""

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, EmotionError
from ..images import load_image
from ..recognition.recognizer import EmotionRecognizer
from .metrics import number, share_interval

_LISTING: Final = "labels.csv"
_SUFFIXES: Final = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


@dataclass(frozen=True)
class Photos:
    """The largest detected face of each photo.

    crops: uint8 (F, H, W, C) of the photos with a face. truth: int (F,), index into ``labels``.
    missed: the truth of photos that have no detected face or cannot be read.
    """

    crops: NDArray[np.uint8]
    truth: NDArray[np.int64]
    missed: NDArray[np.int64]
    labels: tuple[str, ...]
    detector: str

    def score(self, answer: Callable[[NDArray[np.uint8]], NDArray[np.float64]]) -> dict[str, Any]:
        """Accuracy and balanced accuracy over all photos; those without a face count as wrong.

        answer: crops -> probabilities (F, C), in the order of ``labels``.
        """
        right = np.concatenate([answer(self.crops).argmax(axis=1) == self.truth, np.zeros(len(self.missed), bool)])
        truth = np.concatenate([self.truth, self.missed])
        recall = {self.labels[one]: number(right[truth == one].mean()) for one in np.unique(truth)}
        return {
            "photos": len(truth),
            "missed": len(self.missed),
            "detector": self.detector,
            "accuracy": number(right.mean()),
            "balanced_accuracy": number(np.mean(list(recall.values()))),
            "interval": share_interval(right),
            "recall": recall,
        }


def read_photos(folder: Path, recognizer: EmotionRecognizer) -> Photos:
    """Find the faces in a folder of class folders, or one with ``labels.csv`` (path, label).

    Photos of classes that the network does not have are skipped. Raises DataError when no
    labelled photo, or no face in one, is found.
    """
    labels = recognizer.config.labels
    listed = [(path, label) for path, label in _listed(folder) if label in labels]
    if not listed:
        raise DataError(f"{folder} has no photo of {', '.join(labels)}: give class folders, or {_LISTING}.")
    crops, truth, missed = [], [], []
    for path, label in listed:
        place = labels.index(label)
        try:
            rgb = load_image(path)
            faces = recognizer.detector.detect(rgb)[:1]  # the largest
        except EmotionError:
            faces = []
        if faces:
            crops.append(recognizer.crops(rgb, faces)[0])
            truth.append(place)
        else:
            missed.append(place)
    if not crops:
        raise DataError(f"No face was found in any of the {len(listed)} photos of {folder}.")
    return Photos(
        np.stack(crops), np.array(truth, np.int64), np.array(missed, np.int64), labels, recognizer.detector.name
    )


def _listed(folder: Path) -> list[tuple[Path, str]]:
    listing = folder / _LISTING
    if listing.is_file():
        with listing.open(newline="") as file:
            rows = list(csv.DictReader(file))
        if rows and not {"path", "label"} <= set(rows[0]):
            raise DataError(f"{listing} needs the columns path and label.")
        return [(folder / row["path"], row["label"].strip().lower()) for row in rows]
    if not folder.is_dir():
        raise DataError(f"No folder at {folder}.")
    return [
        (path, kind.name.lower())
        for kind in sorted(folder.iterdir())
        if kind.is_dir()
        for path in sorted(kind.iterdir())
        if path.suffix.lower() in _SUFFIXES
    ]
