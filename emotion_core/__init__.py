"""Perceived facial expressions in pictures: ``EmotionRecognizer.load().analyze(picture)``."""

from .bundle import Bundle, BundleConfig
from .errors import (
    BundleError,
    DataError,
    EmotionError,
    HashMismatchError,
    HubError,
    ImageError,
    ModelNotFoundError,
)
from .images import load_image
from .recognizer import EmotionRecognizer
from .results import Box, Face, FrameResult, Prediction
from .stream import StreamAnalyzer, TrackedFace, TrackedFrame
from .tracking import FaceTracker, ProbabilitySmoother

__all__ = [
    "Box",
    "Bundle",
    "BundleConfig",
    "BundleError",
    "DataError",
    "EmotionError",
    "EmotionRecognizer",
    "Face",
    "FaceTracker",
    "FrameResult",
    "HashMismatchError",
    "HubError",
    "ImageError",
    "ModelNotFoundError",
    "Prediction",
    "ProbabilitySmoother",
    "StreamAnalyzer",
    "TrackedFace",
    "TrackedFrame",
    "load_image",
]

__version__ = "0.1.0"
