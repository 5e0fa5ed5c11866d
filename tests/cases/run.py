"""All cases, with what is wanted and what came: ``python tests/cases/run.py FOLDER``; 1 if any is wrong.

The detector is YuNet where ``YUNET_ONNX`` names its file, else what the environment's settings say.
"""

import argparse
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent), str(HERE.parents[1])]  # run as a program, where the package may not be installed

from cases import folders, pictures, videos
from cases.case import Case, outcome
from emotion_core import EmotionRecognizer
from emotion_core.recognition.detectors import YuNetDetector

CASES: tuple[Case, ...] = (*pictures.CASES, *videos.CASES, *folders.CASES)


def recognizer_at_hand() -> EmotionRecognizer:
    """The shipped model with the best available detector."""
    recognizer = EmotionRecognizer.load("fer2013-resnet50v2")
    path = os.environ.get("YUNET_ONNX")
    return EmotionRecognizer(recognizer.classifier, YuNetDetector(Path(path).read_bytes())) if path else recognizer


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("folder", type=Path, help="the folder with the inputs")
    parser.add_argument("names", nargs="*", help="of files, to look at these alone")
    options = parser.parse_args()
    recognizer, wrong = recognizer_at_hand(), 0
    print("| file | wanted | got | right |\n| --- | --- | --- | --- |")
    for case in CASES:
        if options.names and case.name not in options.names:
            continue
        got = outcome(case, options.folder, recognizer)
        wrong += not got.right
        print(f"| `{case.name}` | {case.wanted} | {got.words} | {'yes' if got.right else '**no**'} |", flush=True)
    return min(wrong, 1)


if __name__ == "__main__":
    sys.exit(main())
