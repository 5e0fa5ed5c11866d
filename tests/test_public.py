"""The public interface: a name goes or comes on purpose, in the changelog's sight."""

import types

import emotion_core

PUBLIC = [
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


def test_the_public_names() -> None:
    assert sorted(emotion_core.__all__) == PUBLIC
    assert all(hasattr(emotion_core, name) for name in PUBLIC)


def test_nothing_else_is_public() -> None:
    """What is there beside them is a room, or begins with an underscore."""
    others = {name: value for name, value in vars(emotion_core).items() if name not in PUBLIC and name[0] != "_"}
    assert [name for name, value in others.items() if not isinstance(value, types.ModuleType)] in ([], ["VERSION"])


def test_every_public_thing_says_what_it_is() -> None:
    assert [name for name in PUBLIC if not (getattr(emotion_core, name).__doc__ or "").strip()] == []
