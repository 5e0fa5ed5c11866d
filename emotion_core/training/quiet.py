"""Silence TensorFlow and its converter, whose native log lines would drown out the user's output."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from ..recognition.litert import silent_stderr


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Hide the converter's native log lines and its warnings; exceptions propagate as usual."""
    with silent_stderr(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Statistics for quantized inputs")  # ours are uint8 already
        yield


def start_quietly() -> None:
    """Import the training libraries silently; from then on they log errors only."""
    with quiet_libraries():
        import keras

        keras.backend.backend()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
