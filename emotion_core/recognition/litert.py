"""Builds LiteRT's interpreters, without the lines that the library writes to stderr beside the user's output."""

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

_first = threading.Lock()
_told = False


def interpreter(model: bytes, threads: int) -> Any:
    """An interpreter with its tensors allocated. Raises ValueError or RuntimeError for what is not a graph."""
    global _told
    if _told:
        return _built(model, threads)
    with _first, silent_stderr():  # it names its processor's delegate once in a process
        built = _built(model, threads)
        _told = True
        return built


@contextmanager
def silent_stderr() -> Iterator[None]:
    """Hide what native code writes to the process's stderr inside the context; exceptions propagate as usual."""
    if sys.stderr is not None:
        sys.stderr.flush()
    try:
        kept = os.dup(2)
    except OSError:  # a program without a stderr
        yield
        return
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


#: LiteRT holds Python's global lock while it allocates what it knows the size of. Other threads have their turn for so
#: many seconds after each: several in a row held a server up for a tenth of a second.
_PAUSE: Final = 0.002
_allocating = threading.Lock()


def _built(model: bytes, threads: int) -> Any:
    from ai_edge_litert.interpreter import Interpreter

    made = Interpreter(model_content=model, num_threads=threads)
    with _allocating:
        made.allocate_tensors()
        time.sleep(_PAUSE)
    return made
