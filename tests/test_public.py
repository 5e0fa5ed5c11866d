"""The public interface: names are added or removed only on purpose, and noted in the changelog."""

import dataclasses
import inspect
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
    """Everything else is a subpackage, or starts with an underscore."""
    others = {name: value for name, value in vars(emotion_core).items() if name not in PUBLIC and name[0] != "_"}
    assert [name for name, value in others.items() if not isinstance(value, types.ModuleType)] in ([], ["VERSION"])


def test_every_public_thing_says_what_it_is() -> None:
    assert [name for name in PUBLIC if not (getattr(emotion_core, name).__doc__ or "").strip()] == []


def test_every_field_of_a_public_dataclass_says_what_it_holds() -> None:
    """One line each; a rectangle's four numbers need none."""
    for name in PUBLIC:
        kind = getattr(emotion_core, name)
        if not dataclasses.is_dataclass(kind) or kind is emotion_core.Box:
            continue
        lines = [line.strip() for line in inspect.getsource(getattr(emotion_core, name)).splitlines()]
        for field in dataclasses.fields(kind):
            [at] = [number for number, line in enumerate(lines) if line.startswith(f"{field.name}: ")]
            assert lines[at - 1].startswith("#: "), (name, field.name)
