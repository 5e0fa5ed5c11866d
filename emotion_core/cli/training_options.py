"""Options shared by training commands: the data, and the settings of a run."""

import argparse
from pathlib import Path
from typing import Any, Final

from .options import add_fields, given

MODEL: Final = "a bundle's folder or name, or owner/repo[@revision]"
DETECT: Final = "DATA holds photos: find the face in each, as serving does"
_DATA: Final = "fer2013.csv, a folder of classes, or a zip file of either"


def bundle_of(name: str) -> Any:
    """The bundle named by an option; raises BundleError as ``resolve_bundle`` does."""
    from ..recognition.resolve import resolve_bundle

    return resolve_bundle(name).bundle


def start_of(name: str) -> str:
    """What ``--init`` names: a path as it is; else, as ``bundle_of`` finds it, the folder of a bundle.

    A file of weights that is not there is left for training to tell of.
    """
    path = Path(name).expanduser()
    return str(path) if path.exists() or path.suffix in (".h5", ".npz") else str(bundle_of(name).folder)


def data_options(command: argparse.ArgumentParser) -> None:
    """Add the paths of the data and the votes, and which labels to use."""
    command.add_argument("--data", type=Path, required=True, help=_DATA)
    command.add_argument("--votes", type=Path, help="fer2013new.csv, the FER+ votes")
    command.add_argument("--ferplus", action="store_true", help="take the eight labels of FER+ from the votes")


def train_options(train: argparse.ArgumentParser) -> None:
    """Add the options ``train_config`` reads; those not given keep TrainConfig's defaults."""
    from ..training.config import NetworkShape, TrainConfig

    add_fields(train, NetworkShape)
    add_fields(train, TrainConfig)


def asked_for(options: argparse.Namespace) -> set[str]:
    """The names of the TrainConfig settings given on the command line."""
    from ..training.config import TrainConfig

    return set(given(options, TrainConfig))


def train_config(options: argparse.Namespace) -> Any:
    """The TrainConfig described by the options."""
    from ..training.config import NetworkShape, TrainConfig

    settings = given(options, TrainConfig)
    settings["teachers"] = tuple(str(bundle_of(teacher).folder) for teacher in options.teachers or ())
    if options.init:
        settings["init"] = start_of(options.init)
    settings["arch_options"] = NetworkShape(**given(options, NetworkShape)).arch_options()
    return TrainConfig(**settings)
