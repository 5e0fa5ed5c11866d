"""How a run began, as its folder records it, and its network when it is finished."""

from pathlib import Path
from typing import Any, Final

import keras

from ..datasets.faces import FaceData
from ..files import sha256_of
from ..recognition.architectures import build, options_of
from ..recognition.bundle import Bundle
from ..recognition.bundle_config import CONFIG
from .config import TrainConfig
from .devices import hardware
from .initial_weights import weights_file
from .provenance import from_the_hub
from .run_folder import RUN, code_version, read_history, read_json, read_stages
from .targets import asked_weights

BEST: Final = "best.weights.h5"


def record_of(data: FaceData, config: TrainConfig) -> dict[str, Any]:
    """The record of how a run was started, for its folder."""
    init, earlier = Path(config.init) if config.init else None, []
    if init and (init / CONFIG).is_file():
        earlier, init = read_stages(init), weights_file(Bundle.open(init))
    elif init and init.suffix == ".h5":
        earlier = read_stages(init.parent)
    started = sha256_of(init) if init and init.is_file() else None
    return {
        "config": config.as_json(),
        "data": data.origin.as_json(),
        "data_sha256": data.digest(),
        "votes_sha256": data.votes_digest(),
        "init_sha256": started,
        "base_model": from_the_hub(started),
        "teachers_sha256": [sha256_of(asked_weights(Bundle.open(Path(teacher)))) for teacher in config.teachers],
        "code": code_version(),
        "backend": keras.backend.backend(),
        "hardware": hardware(),
        "earlier": earlier,
    }


def is_finished(folder: Path, data: FaceData, config: TrainConfig) -> bool:
    """Whether the folder holds every epoch of just this run: what it began from is then no longer needed."""
    if not (folder / RUN).is_file() or not (folder / BEST).is_file() or len(read_history(folder)) < config.epochs:
        return False
    record = read_json(folder / RUN)
    known = (record["config"], record["data_sha256"], record["votes_sha256"])
    return bool(known == (config.as_json(), data.digest(), data.votes_digest()))


def finished(folder: Path, data: FaceData, config: TrainConfig) -> Any:
    """The network of a finished run, with its best averaged weights."""
    network = build(config.arch, len(data.labels), **options_of(config.arch, config.arch_options))
    network.load_weights(folder / BEST)
    return network
