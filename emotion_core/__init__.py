"""Perceived facial expressions in pictures and videos: ``EmotionRecognizer.load().analyze(picture)``."""

from .errors import (
    BundleError,
    DataError,
    EmotionError,
    HashMismatchError,
    HubError,
    ImageError,
    ModelNotFoundError,
    SettingsError,
    VideoError,
    VideoLimitError,
)
from .images import load_image
from .project import VERSION
from .recognition.bundle import Bundle
from .recognition.bundle_config import BundleConfig
from .recognition.recognizer import EmotionRecognizer
from .results import Box, Face, FrameResult, Prediction
from .settings import Settings
from .tracking.smoother import ProbabilitySmoother
from .tracking.stream import StreamAnalyzer, TrackedFace, TrackedFrame
from .tracking.tracker import FaceTracker
from .video.analysis import analyze_video
from .video.probe import VideoLimits
from .video.results import VideoOptions, VideoProgress, VideoSummary

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
    "Settings",
    "SettingsError",
    "StreamAnalyzer",
    "TrackedFace",
    "TrackedFrame",
    "VideoError",
    "VideoLimitError",
    "VideoLimits",
    "VideoOptions",
    "VideoProgress",
    "VideoSummary",
    "analyze_video",
    "load_image",
]

__version__ = VERSION
