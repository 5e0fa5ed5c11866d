"""Faces found, missed and imagined, in what time, and what tilting them costs: ``tests/benchmarks/faces.py --help``.

The photos are those of a folder with ``labels.csv`` (path, label), one face each, none of which was trained on.
Pictures without faces are scikit-image's, and the photos with their faces painted over. Times are of the
processor, on one thread, one detector after the other on each photo: told as shares of YuNet's on the same.
"""

import argparse
import csv
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[2])]

os.environ["OMP_NUM_THREADS"] = "1"  # libfacedetection reads it when it is loaded

import cv2
import numpy as np
from skimage import data as pictures
from timing import processor

from emotion_core import EmotionRecognizer, load_image
from emotion_core.images import RGB
from emotion_core.recognition.boxes import faces_of, merged
from emotion_core.recognition.detectors import FaceDetector, HaarDetector, SlimeFaceDetector, YuNetDetector
from emotion_core.recognition.pyramid import search
from emotion_core.recognition.turning import find
from emotion_core.recognition.yunet import MARGIN
from emotion_core.results import Face, FrameResult

TILTS = (0, 20, 30, 45, 60, 90, 135, 180)
WITHOUT_FACES = (
    *("brick", "cell", "chelsea", "clock", "coffee", "colorwheel", "grass", "gravel", "horse", "hubble_deep_field"),
    *("immunohistochemistry", "logo", "microaneurysms", "moon", "page", "retina", "rocket", "text"),
)
#: Side lengths of pictures filled by a face, and of the faces in a group, in pixels.
FILLED = (260, 520, 1040, 2080, 4160)
GROUP = 60


class OneSize:
    """YuNet as before: on one copy of the picture, of at most 1,024 pixels."""

    name = "YuNet, one size"
    scored = True

    def __init__(self, detector: YuNetDetector) -> None:
        self._detector = detector

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        if near:
            return self._detector.detect(rgb, near)
        rows = search(rgb, self._detector._seek, sides=(1024,))
        return faces_of(rows[merged(rows, rows[:, 14])], rgb, MARGIN)


def resized(rgb: RGB, factor: float) -> RGB:
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=method), np.uint8)


def tilted(rgb: RGB, degrees: float) -> RGB:
    """Rotate clockwise; quarter turns exactly, others with mirrored edges."""
    if degrees % 90 == 0:
        return np.ascontiguousarray(np.rot90(rgb, -int(degrees) // 90))
    height, width = rgb.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), -degrees, 1.0)
    return np.asarray(cv2.warpAffine(rgb, turn, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)


def close_up(side: int) -> RGB:
    face = np.ascontiguousarray(pictures.astronaut()[48:180, 160:290])
    return resized(face, side / max(face.shape))


def group() -> RGB:
    """Sixty faces 60 pixels wide on 24 megapixels."""
    one = resized(np.ascontiguousarray(pictures.astronaut()[10:230, 120:330]), 0.68)
    crowd = np.asarray(cv2.resize(pictures.coffee(), (6000, 4000), interpolation=cv2.INTER_CUBIC), np.uint8)
    for number in range(GROUP):
        y, x = 150 + 600 * (number // 10), 150 + 580 * (number % 10)
        crowd[y : y + one.shape[0], x : x + one.shape[1]] = one
    return crowd


def without_faces(photos: Sequence[RGB], finder: FaceDetector) -> list[RGB]:
    """scikit-image's pictures, and the photos with their faces and surroundings painted gray."""
    drawn = [np.ascontiguousarray(getattr(pictures, name)()) for name in WITHOUT_FACES]
    empty = [load_image(255 * picture.astype(np.uint8) if picture.dtype == bool else picture) for picture in drawn]
    for photo in photos:
        painted = photo.copy()
        for face in finder.detect(photo):
            box = face.box
            rim = max(box.width, box.height) // 4
            top, left = max(box.y - rim, 0), max(box.x - rim, 0)
            painted[top : box.y + box.height + rim, left : box.x + box.width + rim] = 128
        empty.append(painted)
    return empty


def timed(finder: FaceDetector, picture: RGB) -> tuple[float, list[Face]]:
    """CPU seconds, and the faces found."""
    start = time.process_time()
    faces = finder.detect(picture)
    return time.process_time() - start, faces


def detectors_record(photos: Sequence[RGB], finders: Sequence[FaceDetector]) -> dict[str, dict[str, float]]:
    """Figures per finder; the last one finds the faces to paint over, and times are relative to its."""
    empty, crowd = without_faces(photos, finders[-1]), group()
    for finder in finders:
        finder.detect(photos[0])  # warm-up: the first call allocates buffers
    on_photos = [[timed(finder, photo) for finder in finders] for photo in photos]
    on_crowd = [timed(finder, crowd) for finder in finders]
    return {
        finder.name: {
            "photos": len(photos),
            "found": sum(bool(row[number][1]) for row in on_photos),
            "without_faces": len(empty),
            "false_faces": sum(len(finder.detect(picture)) for picture in empty),
            "false_faces_turned": sum(len(find(finder, picture).faces) for picture in empty),
            "filled": sum(len(finder.detect(close_up(side))) == 1 for side in FILLED),
            "filled_of": len(FILLED),
            "group": len(on_crowd[number][1]),
            "group_of": GROUP,
            "time_photo": round(statistics.median(row[number][0] / row[-1][0] for row in on_photos), 3),
            "time_group": round(on_crowd[number][0] / on_crowd[-1][0], 3),
        }
        for number, finder in enumerate(finders)
    }


def tilts_record(
    photos: Sequence[tuple[RGB, str]], answer: Callable[[RGB], FrameResult]
) -> dict[str, dict[str, float]]:
    """By tilt: the share of photos answered as labelled, and the share answered wrongly with certainty."""
    record = {}
    for degrees in TILTS:
        right = wrong = found = 0
        for photo, label in photos:
            faces = answer(tilted(photo, degrees)).predictions
            found += bool(faces)
            right += bool(faces) and faces[0].emotion == label
            wrong += bool(faces) and faces[0].emotion != label and not faces[0].uncertain
        counts = {"found": found, "right": right, "certain_and_wrong": wrong}
        record[str(degrees)] = {name: round(count / len(photos), 4) for name, count in counts.items()}
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=Path, required=True, help="the folder with labels.csv")
    parser.add_argument("--yunet", type=Path, default=os.environ.get("YUNET_ONNX"), help="YuNet's ONNX file")
    parser.add_argument("--every", type=int, default=1, help="take every so many-th photo")
    parser.add_argument("--tilted-every", type=int, default=1, help="and of these, every so many-th to be tilted")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with (options.photos / "labels.csv").open() as file:
        listed = [
            (load_image(options.photos / row["path"]), row["label"])
            for row in list(csv.DictReader(file))[:: options.every]
        ]
    yunet = YuNetDetector(Path(options.yunet).read_bytes())
    recognizer = EmotionRecognizer.load("fer2013-resnet50v2", "haar").with_detector(yunet)

    def as_it_stands(rgb: RGB) -> FrameResult:
        """Detected at one size, cropped without levelling."""
        return recognizer.classify(rgb, [replace(face, angle=0.0) for face in OneSize(yunet).detect(rgb)])

    finders: list[FaceDetector] = [HaarDetector(), OneSize(yunet), SlimeFaceDetector(), yunet]
    tilted_photos = [(photo, label) for photo, label in listed[:: options.tilted_every] if min(photo.shape[:2]) >= 100]
    record: dict[str, Any] = {
        "machine": {"processor": processor(), "cores": len(os.sched_getaffinity(0))},
        "detectors": detectors_record([photo for photo, _ in listed], finders),
        "tilted_photos": len(tilted_photos),
        "tilts": {
            "before": tilts_record(tilted_photos, as_it_stands),
            "now": tilts_record(tilted_photos, recognizer.analyze_rgb),
        },
    }
    options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
