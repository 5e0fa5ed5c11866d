"""Shared by the REST tests: a server, a photo with one face and one with none."""

from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from emotion_core import EmotionRecognizer, Settings
from support.rest_server import LineCounter, encoded, serving


@pytest.fixture(scope="module")
def url(recognizer: EmotionRecognizer) -> Iterator[str]:
    with serving(recognizer, Settings(rate_limit=0, max_request_mb=2, max_images=5), LineCounter()) as address:
        yield address


@pytest.fixture(scope="module")
def jpeg(astronaut: np.ndarray) -> bytes:
    return encoded(Image.fromarray(astronaut), "JPEG")


@pytest.fixture(scope="module")
def empty() -> bytes:
    return encoded(Image.new("RGB", (64, 48), "gray"), "PNG")
