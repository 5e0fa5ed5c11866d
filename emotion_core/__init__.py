"""Perceived facial expressions in pictures and videos: ``EmotionRecognizer.load().analyze(picture)``."""

from .errors import (
    BundleError,
    BusyError,
    DataError,
    EmotionError,
    HashMismatchError,
    HubError,
    ImageError,
    ImageLimitError,
    MissingPackageError,
    ModelNotFoundError,
    OutputError,
    ReportError,
    SettingsError,
    ToolError,
    TrainingError,
    UploadGoneError,
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
    "BusyError",
    "DataError",
    "EmotionError",
    "EmotionRecognizer",
    "Face",
    "FaceTracker",
    "FrameResult",
    "HashMismatchError",
    "HubError",
    "ImageError",
    "ImageLimitError",
    "MissingPackageError",
    "ModelNotFoundError",
    "OutputError",
    "Prediction",
    "ProbabilitySmoother",
    "ReportError",
    "Settings",
    "SettingsError",
    "StreamAnalyzer",
    "ToolError",
    "TrackedFace",
    "TrackedFrame",
    "TrainingError",
    "UploadGoneError",
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
