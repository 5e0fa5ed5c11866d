"""What tests of videos share: a recognizer that finds the scenes' persons."""

import os
from pathlib import Path

import pytest

from emotion_core import (
    EmotionRecognizer,
)
from emotion_core.recognition.detectors import YuNetDetector


@pytest.fixture(scope="module")
def eyes(recognizer: EmotionRecognizer) -> EmotionRecognizer:
    """With YuNet where its file is there, else with Haar."""
    path = os.environ.get("YUNET_ONNX")
    return EmotionRecognizer(recognizer.classifier, YuNetDetector(Path(path).read_bytes())) if path else recognizer
