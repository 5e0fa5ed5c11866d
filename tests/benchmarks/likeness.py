"""How often photos of different people pass as one person: ``python tests/benchmarks/likeness.py FOLDER --out FILE``.

FOLDER holds photos, each of another person: every two of them are compared as ``tracking.familiar``
compares somebody who comes back with those who were there.
"""

import argparse
import json
import os
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))  # run as a program, where the package may not be installed

import numpy as np

from emotion_core import EmotionRecognizer, ImageError, load_image
from emotion_core.recognition.detectors import FaceDetector, YuNetDetector
from emotion_core.tracking.familiar import LEAST_LIKENESS, view_of

ENDINGS = (".jpg", ".jpeg", ".png", ".webp")
#: Faces smaller than this, in pixels, are skipped: they look alike for lack of detail.
SMALLEST = 40


def views_of(paths: list[Path], detector: FaceDetector) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """Views of the largest face in every photo that has one, (N, 2, D)."""
    views = []
    for path in paths:
        try:
            rgb = load_image(path)
        except ImageError:
            continue
        faces = detector.detect(rgb)
        if faces and faces[0].box.width >= SMALLEST:
            views.append(view_of(rgb, faces[0]))
    return np.stack(views)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition(":")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--most", type=int, default=400, help="photos, the first by name")
    parser.add_argument("--out", type=Path, help="write the record there")
    options = parser.parse_args()
    model = os.environ.get("YUNET_ONNX")
    detector = YuNetDetector(Path(model).read_bytes()) if model else EmotionRecognizer.load().detector
    paths = sorted(path for path in options.folder.iterdir() if path.suffix.lower() in ENDINGS)[: options.most]
    views = views_of(paths, detector)
    seen, mirrored = views[:, 0], views[:, 1]
    pairs = np.maximum(seen @ seen.T, seen @ mirrored.T)[np.triu_indices(len(views), 1)]
    record = {
        "detector": detector.name,
        "photos": len(views),
        "pairs": len(pairs),
        "least_likeness": LEAST_LIKENESS,
        "taken_for_one": round(float((pairs >= LEAST_LIKENESS).mean()), 5),
        "likeness_99": round(float(np.quantile(pairs, 0.99)), 3),
        "likeness_999": round(float(np.quantile(pairs, 0.999)), 3),
    }
    text = json.dumps(record, indent=1) + "\n"
    if options.out:
        options.out.write_text(text)
    print(text, end="")


if __name__ == "__main__":
    main()
