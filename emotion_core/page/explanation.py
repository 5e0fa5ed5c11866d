"""Which parts of a face support the answer, as HTML for the page."""

import threading
import time
from typing import Final

import numpy as np

from ..errors import ImageError
from ..images import RGB
from ..recognition.occlusion import as_seen, heat_picture, occlusion_map
from ..recognition.recognizer import EmotionRecognizer
from .templating import render

#: What an explanation took on two cores, in seconds; used until one has been timed here.
_FIRST_GUESS: Final = 0.5


def fitting(recognizer: EmotionRecognizer, crop: RGB) -> RGB:
    """The crop, if it has the network's input size; else ImageError is raised."""
    config = recognizer.config
    if crop.shape[:2] != (config.height, config.width):
        raise ImageError(f"A crop for this model has {config.width}x{config.height} pixels. Analyse the photo again.")
    return crop


class Explainer:
    """Explains faces one at a time, and estimates how long one takes. Safe to share between threads."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def seconds(self, model: str) -> float:
        """How long the last face took with the named model, in seconds."""
        return self._seconds.get(model, _FIRST_GUESS)

    def explain(self, recognizer: EmotionRecognizer, crop: RGB, label: str) -> str:
        """HTML: a crop as the network sees it, and the parts of it that support the label.

        crop: must have the network's input size. Raises ImageError if it does not, and ValueError
        for a label the model does not have.
        """
        config = recognizer.config
        pixels = np.ascontiguousarray(fitting(recognizer, crop)[..., : config.channels])
        with self._lock:  # two at once would take as long, and distort the timing
            start = time.perf_counter()
            heat = occlusion_map(recognizer.classifier, pixels, label)
            self._seconds[config.name] = time.perf_counter() - start
        return render("explanation.html", label=label, given=as_seen(crop), spoke=heat_picture(crop, heat))
