"""TensorFlow and its converter write notes to the terminal past Python; a user's own lines drown in them."""

import logging
import os
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Within, what compiled code writes to the process's error stream is not shown; exceptions are raised as ever."""
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
    """Import the training libraries without their notes; from here on they log errors alone."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with quiet_libraries():
        import keras

        keras.backend.backend()
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
