"""Thirty pictures a class: what ``train --from`` makes of them, measured on hundreds of faces that it never saw.

    python tests/benchmarks/small_sets.py FER2013_CSV [--from BUNDLE]

Three classes of PrivateTest, which no shipped network has learnt from, under words that the network does not know;
30 faces of each are the data, all others are for measuring. Beside it, the whole custom CNN is trained with settings
found by hand, on the same faces, and measured on the same others. Written to small_sets.json beside it, where the
networks that were not asked for keep their rows.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))

from emotion_core import Bundle
from emotion_core.cli.main import main
from emotion_core.cli.training_options import bundle_of
from emotion_core.datasets.drawn import relabelled, write_folders
from emotion_core.datasets.faces import FaceData, load
from emotion_core.recognition.classifier import Classifier, softmax
from emotion_core.training.config import TrainConfig
from emotion_core.training.loop import train
from emotion_core.training.metrics import metrics
from emotion_core.training.pipeline import continued
from emotion_core.training.small import suited

RECORD = HERE / "small_sets.json"
WORDS = {"angry": "tense", "happy": "glad", "surprise": "amazed"}
EACH = 30
BASES = ("fer2013-custom-cnn", "fer2013-resnet50v2")
#: The network that is also trained whole, by hand: the small one, since that takes long.
BY_HAND = "fer2013-custom-cnn"
#: The rates between too little and too much; averages and the rest as usual.
EPOCHS, BATCH = 40, 16
RATES = (3e-4, 1e-3)


def truth_of(data: FaceData, labels: tuple[str, ...]) -> Any:
    """The faces' labels as places in ``labels``."""
    return np.array([labels.index(data.labels[label]) for label in data.emotion])


def told(figures: dict[str, Any]) -> dict[str, Any]:
    """What the record keeps of a measurement."""
    return {name: figures[name] for name in ("faces", "accuracy", "nll", "ece", "interval")}


def by_hand(base: str, own: FaceData, others: FaceData, rate: float, out: Path) -> dict[str, Any]:
    """The whole network, trained with these settings; uncalibrated."""
    config = continued(TrainConfig(epochs=EPOCHS, batch_size=BATCH, learning_rate=rate), bundle_of(base))
    config = suited(config, len(own.of("train")), {"epochs", "batch_size", "learning_rate"})
    network = train(own, config, out)
    answers = softmax(network.predict(others.faces, batch_size=256, verbose=0))
    unseen = told(metrics(answers, truth_of(others, own.labels), own.labels))
    return {"epochs": EPOCHS, "batch_size": BATCH, "learning_rate": rate, "ema": config.ema, "unseen": unseen}


def measure(csv: Path, base: str) -> dict[str, Any]:
    """Train on 3 x 30 faces, as a user would and by hand, and measure on the rest."""
    data = relabelled(load(csv).of("private"), WORDS)
    rng = np.random.default_rng(3)
    chosen = np.concatenate([rng.permutation(np.flatnonzero(data.emotion == label))[:EACH] for label in range(3)])
    own = np.isin(np.arange(len(data)), chosen)
    others = data.only(~own)
    with tempfile.TemporaryDirectory() as name:
        folder = write_folders(data.only(own), Path(name) / "own")
        began = time.monotonic()
        if main(["train", "--from", base, "--data", str(folder), "--out", str(Path(name) / "bundle")]):
            raise SystemExit("The training failed.")
        seconds = round(time.monotonic() - began, 1)
        bundle = Bundle.open(Path(name) / "bundle")
        probabilities = Classifier.from_bundle(bundle).probabilities(others.faces)
        figures = metrics(probabilities, truth_of(others, bundle.config.labels), bundle.config.labels)
        shape = bundle.config.height, bundle.config.channels
        faces = load(folder, side=shape[0], channels=shape[1])
        rates = RATES if base == BY_HAND else ()
        hand = [by_hand(base, faces, others, rate, Path(name) / f"hand-{rate:g}") for rate in rates]
    return {
        "from": base,
        "pictures": int(own.sum()),
        "load": [round(load, 1) for load in os.getloadavg()],
        "seconds": seconds,
        "crossed": bundle.config.training["crossed"],
        "unseen": told(figures),
        "by_hand": hand,
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("csv", type=Path)
    parser.add_argument("--from", dest="bases", action="append")
    options = parser.parse_args()
    rows = {row["from"]: row for row in json.loads(RECORD.read_text())} if RECORD.is_file() else {}
    for asked in options.bases or BASES:
        rows[asked] = measure(options.csv, asked)
        RECORD.write_text(json.dumps(list(rows.values()), indent=1) + "\n")
    print(json.dumps(list(rows.values()), indent=1))
