"""From data to a served bundle: train, record, export."""

import shutil
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData, as_ferplus, load
from ..datasets.sought import FaceSeeker
from ..errors import TrainingError
from ..recognition.architectures import HEAD, options_of
from ..recognition.bundle import Bundle
from ..recognition.bundle_config import BundleConfig, CropShape
from .config import TrainConfig
from .evaluate import mirror
from .export import Unseen, export_bundle
from .initial_weights import weights_file
from .loop import save, train
from .probe import PARTS, probed
from .run_folder import append_history, keep_history, open_run, read_stages
from .run_record import BEST, record_of
from .small import FOLDS, folds_of, keep_logits, kept_logits
from .targets import class_weights

__all__ = ["TrainConfig", "continued", "load_for", "train_bundle"]


def load_for(
    path: Path, votes: Path | None, config: TrainConfig, ferplus: bool = False, seek: FaceSeeker | None = None
) -> FaceData:
    """Load data in the shape that the configured network takes; with ``ferplus``, labelled by its votes.

    seek: finds the faces if the data consists of photos.
    """
    options = options_of(config.arch, config.arch_options)
    data = load(path, votes, side=options.get("crop_size", 48), channels=options.get("channels", 1), seek=seek)
    return as_ferplus(data) if ferplus else data


def continued(config: TrainConfig, bundle: Bundle) -> TrainConfig:
    """The configuration that fine-tunes a bundle's network."""
    weights_file(bundle)
    options = {**bundle.config.arch_options, **config.arch_options}
    return replace(config, arch=bundle.config.arch, arch_options=options, init=str(bundle.folder))


def train_bundle(
    data: FaceData,
    config: TrainConfig,
    out: Path,
    resume: bool = False,
    flip: bool = False,
    sees: Literal["face", "picture"] = "face",
    learns: Literal["whole", "crossed", "head"] = "whole",
) -> Bundle:
    """Train on the data's Training split and write a bundle to ``out``; ``out/run`` keeps the run.

    flip: whether the bundle also uses each face's mirror image. sees: what it is given when serving,
    detected faces or the whole picture. learns: ``whole``, the whole network; ``crossed``, the same plus
    cross-validation networks that leave each face out once, to calibrate and measure with few faces;
    ``head``, see ``probe``: the configured epochs and steps are then ignored. Raises TrainingError when
    ``out`` holds another run, and after training on a backend other than TensorFlow, which alone can
    export; DataError when a class has no training face.
    """
    folder = out / "run"
    class_weights(data.of("train"), config.class_weight_power)  # raises if a class has no faces
    unseen: Unseen | None
    if learns == "head":
        network, unseen = _new_head(data, config, folder, resume)
    else:
        unseen = _crossed(data, config, folder, flip) if learns == "crossed" else None
        network = train(data, config, folder, resume)
    if keras.backend.backend() != "tensorflow":
        raise TrainingError(
            f"{out.name} is trained, and TensorFlow must export it: run the same again with KERAS_BACKEND=tensorflow, "
            "and --resume on the command line. Nothing is trained twice."
        )
    return bundle_of_run(network, data, config, out, flip=flip, sees=sees, unseen=unseen)


def bundle_of_run(
    network: Any,
    data: FaceData,
    config: TrainConfig,
    out: Path,
    flip: bool = False,
    sees: Literal["face", "picture"] = "face",
    unseen: Unseen | None = None,
) -> Bundle:
    """Export the network of the run in ``out/run`` to ``out``; the arguments are those of ``train_bundle``."""
    folder = out / "run"
    stages = read_stages(folder)
    seconds = sum(float(row["seconds"]) for stage in stages for row in stage["history"])
    shape = network.input_shape
    described = BundleConfig(
        name=out.resolve().name,
        arch=config.arch,
        labels=data.labels,
        input=CropShape(*shape[1:]),
        sees=sees,
        flip=flip,
        arch_options=options_of(config.arch, config.arch_options),
        training={
            "stages": stages,
            "hours": round(seconds / 3600, 4),
            "hardware": stages[-1]["hardware"],
            "backend": stages[-1]["backend"],
            "keras": version("keras"),
            "parameters": network.count_params(),
        },
    )
    return export_bundle(network, described, data, out, unseen=unseen)


def _new_head(
    data: FaceData, config: TrainConfig, folder: Path, resume: bool
) -> tuple[Any, tuple[NDArray[np.float32], NDArray[np.int64]]]:
    """The network from ``probe``, recorded as a run of one epoch, and the logits of held-out faces."""
    config = replace(config, epochs=1, train_from=HEAD)
    network, found, row = probed(data, config)
    open_run(folder, {**record_of(data, config), "probe": {"strength": found.strength, "parts": PARTS}}, resume)
    keep_history(folder, 0)
    append_history(folder, row)
    save(network, folder / BEST)
    print(", ".join(f"{name} {value}" for name, value in row.items()))
    return network, found.unseen


def _crossed(
    data: FaceData, config: TrainConfig, folder: Path, flip: bool
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Cross-validation: logits (N, C) of held-out faces, and their truth (N,)."""
    found = []
    for number, fold in enumerate(folds_of(data), 1):
        kept = folder / f"fold-{number}.json"
        done = kept_logits(kept)
        if done is None:
            print(f"Cross-validation, part {number} of {FOLDS}")
            network = train(fold, config, folder / f"fold-{number}", resume=True)
            public = fold.of("public")
            looks = [public.faces, mirror(public.faces)] if flip else [public.faces]
            logits = np.mean([network.predict(look, batch_size=256, verbose=0) for look in looks], axis=0)
            done = np.asarray(logits, np.float32), public.emotion
            keep_logits(kept, *done)
            shutil.rmtree(folder / f"fold-{number}")
        found.append(done)
    return np.concatenate([logits for logits, _ in found]), np.concatenate([truth for _, truth in found])
