"""The peer ``fer`` on the benchmarks' inputs, in its own environment: ``subject_fer.py FOLDER FACES.npz|clips``.

FOLDER is what ``inputs.py`` wrote; FACES.npz, which may be missing, holds ``faces`` uint8 (N, 48, 48)
and ``emotion`` int (N,); with ``clips`` only the clips are measured. It prints one JSON line.

Install with ``pip install 'setuptools<80' fer``, then replace whatever OpenCV came with it by OpenCV 4:
``fer`` needs ``pkg_resources`` and Haar's cascade.
"""

import sys
import time

began = time.perf_counter()

import json
import resource
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from fer.fer import FER
from timing import median_milliseconds

#: Its names for FER-2013's classes, in the data set's order.
LABELS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")


def frames_a_second(detector: FER, clip: Path) -> float:
    """Read and analyse every frame, without drawing or writing."""
    film, frames, start = cv2.VideoCapture(str(clip)), 0, time.perf_counter()
    while True:
        told, frame = film.read()
        if not told:
            return round(frames / (time.perf_counter() - start), 2)
        detector.detect_emotions(frame)
        frames += 1


def answer(detector: FER, photo: Path) -> Any:
    """Read the file and classify its faces."""
    return detector.detect_emotions(cv2.imread(str(photo)))


def accuracy(faces: np.ndarray, emotion: np.ndarray) -> float:
    """Accuracy on cropped faces, passed as they are, without an added margin."""
    detector, right = FER(offsets=(0, 0)), 0
    for face, truth in zip(faces, emotion, strict=True):
        [told] = detector.detect_emotions(cv2.cvtColor(face, cv2.COLOR_GRAY2BGR), [(0, 0, 48, 48)])
        right += max(told["emotions"], key=told["emotions"].get) == LABELS[truth]
    return round(right / len(faces), 4)


def main() -> None:
    folder, faces = Path(sys.argv[1]), Path(sys.argv[2])
    if sys.argv[2] == "clips":
        detector = FER()
        detector.detect_emotions(cv2.imread(str(folder / "VGA-1.jpg")))
        print(json.dumps({clip.stem: frames_a_second(detector, clip) for clip in sorted(folder.glob("*.mp4"))}))
        return
    photos = sorted(folder.glob("*.jpg"))
    detector = FER()
    detector.detect_emotions(cv2.imread(str(folder / "VGA-1.jpg")))
    record: dict[str, Any] = {"ready_seconds": round(time.perf_counter() - began, 2), "photos": {}}
    for photo in photos:
        found = len(detector.detect_emotions(cv2.imread(str(photo))))
        taken = median_milliseconds(partial(answer, detector, photo))
        record["photos"][photo.stem] = {"milliseconds": taken, "found": found}
    record["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if faces.is_file():
        with np.load(faces) as stored:
            record["private_accuracy"] = accuracy(stored["faces"], stored["emotion"])
    names = ("fer", "opencv-python-headless", "tensorflow")
    print(json.dumps({**record, "versions": {name: version(name) for name in names}}))


if __name__ == "__main__":
    main()
