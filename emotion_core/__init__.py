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
    SettingsError,
)
from .images import load_image
from .recognizer import EmotionRecognizer
from .results import Box, Face, FrameResult, Prediction
from .settings import Settings

__all__ = [
    "Box",
    "Bundle",
    "BundleConfig",
    "BundleError",
    "DataError",
    "EmotionError",
    "EmotionRecognizer",
    "Face",
    "FrameResult",
    "HashMismatchError",
    "HubError",
    "ImageError",
    "ModelNotFoundError",
    "Prediction",
    "Settings",
    "SettingsError",
    "load_image",
]

__version__ = "0.1.0"
