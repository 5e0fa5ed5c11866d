"""From data to a served bundle: train, record, export."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import keras

from ..bundle import Bundle, BundleConfig
from .architectures import options_of
from .data import load
from .export import export_bundle
from .fit import TrainConfig, read_stages, train

__all__ = ["TrainConfig", "train_bundle"]


def train_bundle(data_path: Path, votes: Path | None, config: TrainConfig, out: Path, resume: bool = False) -> Bundle:
    """Train on the data's Training split and write a bundle to ``out``; ``out/run`` keeps the run.

    Raises DataError for data that cannot be used, or when ``out`` holds another run.
    """
    data = load(data_path, votes)
    folder = out / "run"
    network = train(data, config, folder, resume)
    stages = read_stages(folder)
    seconds = sum(float(row["seconds"]) for stage in stages for row in stage["history"])
    shape = network.input_shape
    described = BundleConfig(
        name=out.resolve().name,
        arch=config.arch,
        labels=data.labels,
        height=shape[1],
        width=shape[2],
        channels=shape[3],
        arch_options=options_of(config.arch),
        training={
            "stages": stages,
            "hours": round(seconds / 3600, 2),
            "hardware": f"{os.cpu_count()} {platform.machine()} cores",
            "backend": keras.backend.backend(),
            "keras": version("keras"),
        },
    )
    return export_bundle(network, described, data, out)
