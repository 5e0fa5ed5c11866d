"""A network and a data set so small that training, export and serving run in seconds.

As a program (``python tests/support/tiny.py DATA OUT EPOCHS``) it trains, to be killed.
"""

import csv
import sys
from pathlib import Path
from typing import Any

import numpy as np

USAGES = ("Training", "PublicTest", "PrivateTest")
COUNTS = (140, 42, 42)


def drawn_faces(seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """uint8 (N, 48, 48), emotion ids, usages: a bar whose height depends on the class, and noise."""
    rng = np.random.default_rng(seed)
    emotion = np.concatenate([np.arange(count) % 7 for count in COUNTS])
    usage = np.repeat(USAGES, COUNTS)
    faces = rng.integers(90, 130, (len(emotion), 48, 48))
    for face, label in zip(faces, emotion, strict=True):
        face[4 + 6 * label : 8 + 6 * label, 8:40] = 250
    return faces.astype(np.uint8), emotion, usage


def write_csv(path: Path) -> Path:
    """The drawn faces in the layout of fer2013.csv."""
    faces, emotion, usage = drawn_faces()
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["emotion", "pixels", "Usage"])
        for face, label, split in zip(faces, emotion, usage, strict=True):
            writer.writerow([label, " ".join(map(str, face.ravel())), split])
    return path


def register() -> str:
    """Add the architecture ``tiny`` to the registry, with dropout and batch normalisation."""
    from keras import Input, Model, layers

    from emotion_core.recognition.architectures import BUILDERS

    def tiny(classes: int, dropout: float = 0.1, weights: str | None = None) -> Any:
        assert weights is None
        crop = Input((48, 48, 1), dtype="uint8", name="crop")
        x = layers.Rescaling(1 / 127.5, offset=-1, dtype="float32", name="scale")(crop)
        x = layers.BatchNormalization()(layers.Conv2D(8, 5, strides=4, padding="same", activation="relu")(x))
        x = layers.Dropout(dropout)(layers.Flatten()(x))
        return Model(crop, layers.Dense(classes, dtype="float32", name="logits")(x), name="tiny")

    BUILDERS["tiny"] = tiny
    return "tiny"


def settings(epochs: int) -> Any:
    from emotion_core.training.augment import Augmentation
    from emotion_core.training.config import TrainConfig

    mild = Augmentation(flip=0.5, rotation=2, zoom=(0.98, 1.02), shift=0.01, erase=0.1, spoil=0)
    return TrainConfig(
        arch=register(),
        epochs=epochs,
        batch_size=28,
        learning_rate=0.01,
        ema=0.7,
        augmentation=mild,
        precision="float32",
    )


if __name__ == "__main__":
    from emotion_core.datasets.faces import load
    from emotion_core.training.loop import train

    train(load(sys.argv[1]), settings(int(sys.argv[3])), sys.argv[2])
