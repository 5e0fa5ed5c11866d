"""The models a server offers: the loaded one, and the other embedded bundles on demand."""

import logging
import time
from functools import cache
from pathlib import Path
from typing import Final

from typing_extensions import TypedDict

from ..errors import HubError, ModelNotFoundError
from .bundle import EMBEDDED, Bundle
from .bundle_config import CONFIG, BundleConfig
from .bundle_figures import Figures
from .classifier import Classifier
from .detectors import FaceDetector
from .once import Once
from .recognizer import EmotionRecognizer
from .resolve import DETECTORS, best_detector, detector_at_hand

#: The choice that means the best detector available at the moment.
BEST: Final = "best at hand"
#: How often to check whether a better detector has arrived, in seconds.
LOOK_AGAIN: Final = 5.0

log = logging.getLogger(__name__)


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
    """Models by name. The first is the default; the others are loaded on first use.

    Nothing is loaded or fetched under a lock, and nothing waits for the Hub: a better detector is
    fetched in the background and takes over as soon as it is there.
    """

    def __init__(self, default: EmotionRecognizer) -> None:
        self._default = default
        self._look_again = time.monotonic() + LOOK_AGAIN
        self._models = Once[EmotionRecognizer]()
        self._detectors = Once[FaceDetector]()
        self._folders = {
            path.parent.name: path.parent
            for path in sorted(EMBEDDED.glob(f"*/{CONFIG}"))
            if path.parent.name != default.config.name
        }

    @property
    def default(self) -> EmotionRecognizer:
        """The recognizer used when nothing is chosen, as it is now; costs nothing."""
        return self._default

    def detectors(self) -> list[str]:
        """The available face detectors, the default's first."""
        first = BEST if self._default.chooses_detector else self._default.detector.name
        return list(dict.fromkeys((first, *(name for name in DETECTORS.values() if self._held(name) is not None))))

    def get(self, name: str | None = None, detector: str | None = None) -> EmotionRecognizer:
        """The named model with the named detector; None means the default's.

        Raises ModelNotFoundError, listing the available names, for an unknown model or a detector
        that is not available.
        """
        self._take_better()
        default = self._default
        finder = self._finder(detector)
        if name is None or name == default.config.name:
            return default if finder is default.detector else default.with_detector(finder)
        if name not in self._folders:
            names = ", ".join([default.config.name, *self._folders])
            raise ModelNotFoundError(f"There is no model of that name here. There are: {names}.")
        found = self._models.get(name, lambda: self._load(name))
        return found if found.detector is finder else found.with_detector(finder)

    def _load(self, name: str) -> EmotionRecognizer:
        bundle = Bundle.open(self._folders[name], f"{name} (embedded)")
        return EmotionRecognizer(Classifier.from_bundle(bundle), self._default.detector, bundle.origin, bundle=bundle)

    def _finder(self, name: str | None) -> FaceDetector:
        default = self._default.detector
        if name in (None, BEST, default.name):
            return default
        if (found := self._held(str(name))) is None:
            raise ModelNotFoundError(
                f"There is no detector of that name here. There are: {', '.join(self.detectors())}."
            )
        return found

    def _held(self, name: str) -> FaceDetector | None:
        """The detector of that name, if it is available."""
        if name == self._default.detector.name:
            return self._default.detector
        asked = next((asked for asked, called in DETECTORS.items() if called == name), None)
        try:
            return self._detectors.get(asked, lambda: detector_at_hand(asked)) if asked else None
        except (ModelNotFoundError, HubError):
            return None

    def _take_better(self) -> None:
        """Switch to YuNet once its file has arrived, checking the disk now and then until then."""
        now, default = time.monotonic(), self._default
        if now < self._look_again or not default.chooses_detector or default.detector.name == DETECTORS["yunet"]:
            return
        self._look_again = now + LOOK_AGAIN
        found = best_detector()
        if found.name != default.detector.name:
            log.info("Faces are found by %s from now on.", found.name)
            self._default = default.with_detector(found)

    def config(self, name: str) -> BundleConfig:
        """The named model's config; ModelNotFoundError for an unknown name."""
        if name == self._default.config.name:
            return self._default.config
        if name not in self._folders:
            raise ModelNotFoundError(f"There is no model {name!r} here.")
        return _config_of(self._folders[name])

    def bundles(self) -> list[Bundle]:
        """All models' bundles, checked, the default first; a default without a bundle is left out."""
        found = [self._default.bundle] if self._default.bundle is not None else []
        return found + [Bundle.open(folder, f"{name} (embedded)") for name, folder in self._folders.items()]

    def describe(self) -> list[ModelDict]:
        """All models, the default first; reads only their configs."""
        found = [_describe(self._default.config, self._default.origin, default=True)]
        found += [_describe(self.config(name), f"{name} (embedded)", default=False) for name in self._folders]
        return found


@cache
def _config_of(folder: Path) -> BundleConfig:
    """An embedded bundle's; read once, as there are few and none changes."""
    return BundleConfig.from_json((folder / CONFIG).read_bytes())


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
