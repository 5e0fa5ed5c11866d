"""Shared by the video tests: a recognizer that finds the scenes' persons, and a walking person."""

import os
from pathlib import Path

import pytest

from emotion_core import (
    EmotionRecognizer,
)
from emotion_core.images import RGB
from emotion_core.recognition.detectors import YuNetDetector
from support.walks import frames_of


@pytest.fixture(scope="module")
def eyes(recognizer: EmotionRecognizer) -> EmotionRecognizer:
    """With YuNet if its file is available, else with Haar."""
    path = os.environ.get("YUNET_ONNX")
    return EmotionRecognizer(recognizer.classifier, YuNetDetector(Path(path).read_bytes())) if path else recognizer


@pytest.fixture(scope="module")
def walk() -> list[RGB]:
    """Two seconds of one person walking to the right, at 25 frames a second."""
    return frames_of(2)
