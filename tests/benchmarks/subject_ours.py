"""This project on the benchmarks' inputs: ``subject_ours.py FOLDER haar|YUNET.onnx [clips]``; prints one JSON line.

FOLDER is what ``inputs.py`` wrote. Photos are read from their files, clips come out annotated; with
``clips`` only these are measured.
"""

import sys
import time

began = time.perf_counter()

import json
import resource
import tempfile
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))  # run as a program, where the package may not be installed

from timing import median_milliseconds, seconds_of

from emotion_core import EmotionRecognizer, VideoOptions, analyze_video
from emotion_core.recognition.detectors import YuNetDetector

#: Analysed frames a second, every one or as the page does, and what tells it in the names of the figures.
RATES = (("", None), (", 10 analysed", 10.0))


def load(detector: str) -> EmotionRecognizer:
    """The embedded model behind ``haar``, or YuNet from its file."""
    recognizer = EmotionRecognizer.load("fer2013-resnet50v2", "haar")
    if detector == "haar":
        return recognizer
    return EmotionRecognizer(recognizer.classifier, YuNetDetector(Path(detector).read_bytes()))


def frames_a_second(recognizer: EmotionRecognizer, clip: Path, rate: float | None) -> float:
    """Everything: read, followed, drawn, encoded, tables and timeline written."""
    frames = 0

    def work() -> None:
        nonlocal frames
        with closing(analyze_video(clip, folder, recognizer, VideoOptions(rate=rate))) as steps:
            for step in steps:
                frames = step.frames

    with tempfile.TemporaryDirectory() as folder:
        seconds = seconds_of(work)
    return round(frames / seconds, 2)


def main() -> None:
    folder, detector = Path(sys.argv[1]), sys.argv[2]
    recognizer = load(detector)
    recognizer.analyze(folder / "VGA-1.jpg")
    if "clips" in sys.argv:
        rates = {
            f"{clip.stem}{ending}": (clip, rate) for clip in sorted(folder.glob("*.mp4")) for ending, rate in RATES
        }
        print(json.dumps({name: frames_a_second(recognizer, clip, rate) for name, (clip, rate) in rates.items()}))
        return
    record: dict[str, Any] = {"ready_seconds": round(time.perf_counter() - began, 2), "photos": {}}
    record["detector"] = recognizer.detector.name
    for photo in sorted(folder.glob("*.jpg")):
        found = len(recognizer.analyze(photo).predictions)
        taken = median_milliseconds(partial(recognizer.analyze, photo))
        record["photos"][photo.stem] = {"milliseconds": taken, "found": found}
    record["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(record))


if __name__ == "__main__":
    main()
