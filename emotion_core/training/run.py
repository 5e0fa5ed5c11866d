"""From data to a served bundle: train, record, export."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import keras

from ..bundle import Bundle, BundleConfig
from .data import load
from .export import export_bundle
from .fit import TrainConfig, read_run, train

__all__ = ["TrainConfig", "train_bundle"]


def train_bundle(data_path: Path, votes: Path | None, config: TrainConfig, out: Path, resume: bool = False) -> Bundle:
    """Train on the data's Training split and write a bundle to ``out``; ``out/run`` keeps the run.

    Raises DataError for data that cannot be used, or when ``out`` holds another run.
    """
    data = load(data_path, votes)
    folder = out / "run"
    # A run that starts from another one's weights is told with it, first stage first.
    init = Path(config.init) if config.init else None
    earlier = [read_run(init.parent)] if init is not None and init.suffix == ".h5" else []
    network = train(data, config, folder, resume)
    stages = [*earlier, read_run(folder)]
    seconds = sum(float(row["seconds"]) for stage in stages for row in stage["history"])
    shape = network.input_shape
    described = BundleConfig(
        name=out.resolve().name,
        arch=config.arch,
        labels=data.labels,
        height=shape[1],
        width=shape[2],
        channels=shape[3],
        training={
            "stages": [{"config": stage["config"], "history": stage["history"]} for stage in stages],
            "data_sha256": data.digest(),
            "votes": votes is not None,
            "hours": round(seconds / 3600, 2),
            "hardware": f"{os.cpu_count()} {platform.machine()} cores",
            "backend": keras.backend.backend(),
            "keras": version("keras"),
        },
    )
    return export_bundle(network, described, data, out)
