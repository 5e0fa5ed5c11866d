"""From data to a served bundle: train, record, export."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import keras

from ..bundle import Bundle, BundleConfig
from .data import load
from .export import export_bundle
from .fit import TrainConfig, read_history, train

__all__ = ["TrainConfig", "train_bundle"]


def train_bundle(data_path: Path, votes: Path | None, config: TrainConfig, out: Path, resume: bool = False) -> Bundle:
    """Train on the data's Training split and write a bundle to ``out``; ``out/run`` keeps the run.

    Raises DataError for data that cannot be used, or when ``out`` holds another run.
    """
    data = load(data_path, votes)
    folder = out / "run"
    network = train(data, config, folder, resume)
    history = read_history(folder)
    shape = network.input_shape
    described = BundleConfig(
        name=out.resolve().name,
        arch=config.arch,
        labels=data.labels,
        height=shape[1],
        width=shape[2],
        channels=shape[3],
        training={
            "config": config.as_json(),
            "data_sha256": data.digest(),
            "votes": "FER+ votes given" if votes else "no votes given",
            "history": history,
            "hours": round(sum(float(row["seconds"]) for row in history) / 3600, 2),
            "hardware": f"{os.cpu_count()} {platform.machine()} cores",
            "backend": keras.backend.backend(),
            "keras": version("keras"),
        },
    )
    return export_bundle(network, described, data, out)
