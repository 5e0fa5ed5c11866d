"""uvicorn in the tests' own process."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from emotion_core.serving.server import listen


def config_of(app: Any, **options: Any) -> uvicorn.Config:
    """Settings of a server that leaves the process's logging alone.

    uvicorn's own logging configuration closes all handlers there are, and Abseil's handler, which TensorFlow and
    Keras bring, closes the stream it was made with: that of pytest, for all tests that follow.
    """
    return uvicorn.Config(app, **{"log_level": "error", "timeout_graceful_shutdown": 1, **options}, log_config=None)


@contextmanager
def served(app: Any, **options: Any) -> Iterator[int]:
    """Serve in a thread until the end of the block; yields the port."""
    with listen("127.0.0.1", 0, 1) as listener:
        server = uvicorn.Server(config_of(app, **options))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            server.should_exit = True
            thread.join()
