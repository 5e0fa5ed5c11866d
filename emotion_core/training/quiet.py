"""Silence TensorFlow and its converter, whose native log lines would drown out the user's output."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Hide what native code writes to the process's stderr inside the context; exceptions propagate as usual."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Statistics for quantized inputs")  # ours are uint8 already
            yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def start_quietly() -> None:
    """Import the training libraries silently; from then on they log errors only."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_libraries():
        import keras

        keras.backend.backend()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
