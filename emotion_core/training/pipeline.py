"""From data to a served bundle: train, record, export."""

import os
import platform
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import keras

from ..errors import TrainingError
from ..recognition.architectures import options_of
from ..recognition.bundle import Bundle
from ..recognition.bundle_config import BundleConfig, CropShape
from .config import TrainConfig
from .data.faces import FaceData, as_ferplus, load
from .export import export_bundle
from .initial_weights import weights_file
from .loop import train
from .run_folder import read_stages

__all__ = ["TrainConfig", "continued", "load_for", "train_bundle"]


def load_for(path: Path, votes: Path | None, config: TrainConfig, ferplus: bool = False) -> FaceData:
    """Load data in the shape that the configured network takes; with ``ferplus``, by its votes."""
    options = options_of(config.arch, config.arch_options)
    data = load(path, votes, side=options.get("crop_size", 48), channels=options.get("channels", 1))
    return as_ferplus(data) if ferplus else data


def continued(config: TrainConfig, bundle: Bundle) -> TrainConfig:
    """The configuration that fine-tunes a bundle's network."""
    weights_file(bundle)
    options = {**bundle.config.arch_options, **config.arch_options}
    return replace(config, arch=bundle.config.arch, arch_options=options, init=str(bundle.folder))


def train_bundle(data: FaceData, config: TrainConfig, out: Path, resume: bool = False, flip: bool = False) -> Bundle:
    """Train on the data's Training split and write a bundle to ``out``; ``out/run`` keeps the run.

    flip: whether the bundle is to look at each face's mirror image too. Raises TrainingError for
    data that cannot be used, when ``out`` holds another run, and once it is trained on another
    backend than TensorFlow, which alone can export.
    """
    folder = out / "run"
    network = train(data, config, folder, resume)
    if keras.backend.backend() != "tensorflow":
        raise TrainingError(
            f"{out.name} is trained, and TensorFlow must export it: do the same again with KERAS_BACKEND=tensorflow, "
            "and --resume on the command line. Nothing is trained twice."
        )
    stages = read_stages(folder)
    seconds = sum(float(row["seconds"]) for stage in stages for row in stage["history"])
    shape = network.input_shape
    described = BundleConfig(
        name=out.resolve().name,
        arch=config.arch,
        labels=data.labels,
        input=CropShape(*shape[1:]),
        flip=flip,
        arch_options=options_of(config.arch, config.arch_options),
        training={
            "stages": stages,
            "hours": round(seconds / 3600, 2),
            "hardware": f"{os.cpu_count()} {platform.machine()} cores",
            "backend": keras.backend.backend(),
            "keras": version("keras"),
            "parameters": network.count_params(),
        },
    )
    return export_bundle(network, described, data, out)
