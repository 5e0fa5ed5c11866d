"""Thirty pictures a class: what ``train --from`` makes of them, measured on hundreds of faces that it never saw.

    python tests/benchmarks/small_sets.py FER2013_CSV [--from BUNDLE]

Three classes of PrivateTest, which no shipped network has learnt from, under words that the network does
not know; 30 faces of each are the data, all others are for measuring. Written to small_sets.json beside it.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from emotion_core import Bundle
from emotion_core.cli.main import main
from emotion_core.datasets.drawn import relabelled, write_folders
from emotion_core.datasets.faces import load
from emotion_core.recognition.classifier import Classifier
from emotion_core.training.metrics import metrics

WORDS = {"angry": "tense", "happy": "glad", "surprise": "amazed"}
EACH = 30


def measure(csv: Path, base: str) -> dict[str, object]:
    """Train on 3 x 30 faces, as a user would, and measure on the rest."""
    data = relabelled(load(csv).of("private"), WORDS)
    rng = np.random.default_rng(3)
    chosen = np.concatenate([rng.permutation(np.flatnonzero(data.emotion == label))[:EACH] for label in range(3)])
    own = np.isin(np.arange(len(data)), chosen)
    with tempfile.TemporaryDirectory() as name:
        folder = write_folders(data.only(own), Path(name) / "own")
        began = time.monotonic()
        if main(["train", "--from", base, "--data", str(folder), "--out", str(Path(name) / "bundle")]):
            raise SystemExit("The training failed.")
        seconds = round(time.monotonic() - began, 1)
        bundle = Bundle.open(Path(name) / "bundle")
        others = data.only(~own)
        truth = np.array([bundle.config.labels.index(data.labels[label]) for label in others.emotion])
        figures = metrics(Classifier.from_bundle(bundle).probabilities(others.faces), truth, bundle.config.labels)
        crossed = bundle.config.training["crossed"]
    return {
        "from": base,
        "pictures": int(own.sum()),
        "seconds": seconds,
        "crossed": crossed,
        "unseen": {name: figures[name] for name in ("faces", "accuracy", "nll", "ece", "interval")},
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--from", dest="bases", action="append")
    options = parser.parse_args()
    record = [measure(options.csv, base) for base in options.bases or ["fer2013-custom-cnn"]]
    (HERE / "small_sets.json").write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))
