"""Which parts of a face spoke for the answer, as a piece of the page."""

import threading
import time
from typing import Final

import numpy as np

from ..errors import ImageError
from ..images import RGB
from ..recognition.occlusion import as_seen, heat_picture, occlusion_map
from ..recognition.recognizer import EmotionRecognizer
from .templating import render

#: What an explanation took on two cores, in seconds, until one was measured here.
_FIRST_GUESS: Final = 0.5


class Explainer:
    """Explains faces one at a time, and tells how long one takes. Safe to share between threads."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    def seconds(self, model: str) -> float:
        """What a face took lately with the model of that name, in seconds."""
        return self._seconds.get(model, _FIRST_GUESS)

    def explain(self, recognizer: EmotionRecognizer, crop: RGB, label: str) -> str:
        """HTML: a crop as the network is given it, and what spoke in it for the label.

        crop: of the size that the network takes. Raises ImageError for another, and ValueError
        for a label that the model does not have.
        """
        config = recognizer.config
        if crop.shape[:2] != (config.height, config.width):
            raise ImageError(
                f"A crop for this model has {config.width}x{config.height} pixels. Analyse the photo again."
            )
        start = time.perf_counter()
        with self._lock:  # two at a time would take as long, and tell wrong times
            heat = occlusion_map(recognizer.classifier, np.ascontiguousarray(crop[..., : config.channels]), label)
        self._seconds[config.name] = time.perf_counter() - start
        return render("explanation.html", label=label, given=as_seen(crop), spoke=heat_picture(crop, heat))
