"""Everything from training that notebooks and programs need, in one place: data, networks, runs, figures."""

from ..datasets.drawn import drawn_faces, relabelled, write_folders
from ..datasets.sources import faces_of, fer2013, pets
from ..labels import FERPLUS
from ..recognition.architectures import build
from ..recognition.classifier import Classifier, softmax
from ..recognition.keras_network import load_network
from ..recognition.resolve import resolve_bundle
from .augment import Augmentation
from .card import class_table, results_table, table
from .config import TrainConfig
from .devices import use_devices
from .evaluate import evaluate, matching
from .experiments import SWITCHES, ablate, search
from .export import export_forms
from .initial_weights import weights_file
from .metrics import metrics
from .pipeline import continued
from .targets import class_weights, targets

__all__ = [
    "FERPLUS",
    "SWITCHES",
    "Augmentation",
    "Classifier",
    "TrainConfig",
    "ablate",
    "build",
    "class_table",
    "class_weights",
    "continued",
    "drawn_faces",
    "evaluate",
    "export_forms",
    "faces_of",
    "fer2013",
    "load_network",
    "matching",
    "metrics",
    "pets",
    "relabelled",
    "resolve_bundle",
    "results_table",
    "search",
    "softmax",
    "table",
    "targets",
    "use_devices",
    "weights_file",
    "write_folders",
]
