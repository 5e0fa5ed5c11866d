"""The models that this server answers with: the loaded one, and the other embedded bundles on demand."""

import threading

from typing_extensions import TypedDict

from ..errors import ModelNotFoundError
from .bundle import EMBEDDED, Bundle
from .bundle_config import CONFIG, BundleConfig, Figures
from .classifier import Classifier
from .detectors import FaceDetector
from .recognizer import EmotionRecognizer
from .resolve import resolve_detector

#: The names that a visitor may choose a detector by, as results call them.
DETECTORS = {"YuNet": "yunet", "Haar cascade": "haar"}


class InputDict(TypedDict):
    """The face crop that the network is given, in pixels; 1 channel is gray, 3 are RGB."""

    height: int
    width: int
    channels: int


class FiguresDict(TypedDict):
    """What was measured on one split; shares are 0 to 1."""

    faces: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    nll: float
    ece: float


class ModelDict(TypedDict):
    """One model; figures maps a split of its data set (public, private) to what was measured."""

    name: str
    default: bool
    origin: str
    arch: str
    labels: list[str]
    input: InputDict
    figures: dict[str, FiguresDict]


class Catalogue:
    """Models by name. The first is the default; the others load when they are first asked for."""

    def __init__(self, default: EmotionRecognizer) -> None:
        self._default = default
        self._loaded = {default.config.name: default}
        self._detectors: dict[str, FaceDetector] = {}
        self._lock = threading.Lock()
        self._folders = {
            path.parent.name: path.parent
            for path in sorted(EMBEDDED.glob(f"*/{CONFIG}"))
            if path.parent.name != default.config.name
        }

    def detectors(self) -> list[str]:
        """The face detectors to choose from, the default's first."""
        return list(dict.fromkeys((self._default.detector.name, *DETECTORS)))

    def get(self, name: str | None = None, detector: str | None = None) -> EmotionRecognizer:
        """The model of that name behind the detector of that name; None is the default's.

        Raises ModelNotFoundError, which lists the names that there are, and an EmotionError
        when the detector cannot be had.
        """
        recognizer = self._model(name or self._default.config.name)
        if detector is None or detector == self._default.detector.name:
            return recognizer
        with self._lock:
            if detector not in self._detectors:
                if detector not in DETECTORS:
                    raise ModelNotFoundError(f"There is no detector of that name. There are: {', '.join(DETECTORS)}.")
                self._detectors[detector] = resolve_detector(DETECTORS[detector])[0]
        return EmotionRecognizer(recognizer.classifier, self._detectors[detector], recognizer.origin)

    def _model(self, name: str) -> EmotionRecognizer:
        with self._lock:
            if name not in self._loaded:
                if name not in self._folders:
                    names = ", ".join([self._default.config.name, *self._folders])
                    raise ModelNotFoundError(f"There is no model of that name here. There are: {names}.")
                bundle = Bundle.open(self._folders[name], f"{name} (embedded)")
                self._loaded[name] = EmotionRecognizer(
                    Classifier.from_bundle(bundle), self._default.detector, bundle.origin
                )
            return self._loaded[name]

    def config(self, name: str) -> BundleConfig:
        """What the model of that name says of itself; ModelNotFoundError for another."""
        if name == self._default.config.name:
            return self._default.config
        if name not in self._folders:
            raise ModelNotFoundError(f"There is no model {name!r} here.")
        return BundleConfig.from_json((self._folders[name] / CONFIG).read_bytes())

    def bundles(self) -> list[Bundle]:
        """All models' bundles, checked, the default first; a default that came without one is left out."""
        found = [self._default.bundle] if self._default.bundle is not None else []
        return found + [Bundle.open(folder, f"{name} (embedded)") for name, folder in self._folders.items()]

    def describe(self) -> list[ModelDict]:
        """All models, the default first; reads configs only."""
        found = [_describe(self._default.config, self._default.origin, default=True)]
        found += [_describe(self.config(name), f"{name} (embedded)", default=False) for name in self._folders]
        return found


def _describe(config: BundleConfig, origin: str, default: bool) -> ModelDict:
    return {
        "name": config.name,
        "default": default,
        "origin": origin,
        "arch": config.arch,
        "labels": list(config.labels),
        "input": {"height": config.height, "width": config.width, "channels": config.channels},
        "figures": {
            split: _figures(measured)
            for split, measured in config.metrics.items()
            if FiguresDict.__required_keys__ <= measured.keys()
        },
    }


def _figures(measured: Figures) -> FiguresDict:
    return {
        "faces": measured["faces"],
        "accuracy": measured["accuracy"],
        "balanced_accuracy": measured["balanced_accuracy"],
        "macro_f1": measured["macro_f1"],
        "nll": measured["nll"],
        "ece": measured["ece"],
    }
