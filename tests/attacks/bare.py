"""A bare server beside the one under attack: what its visitor waits for is the machine, not the server."""

import contextlib
import multiprocessing
from collections.abc import Iterator
from typing import Any

import uvicorn

from support.waiting import free_port, is_up, until


async def app(_scope: Any, _receive: Any, send: Any) -> None:
    """Answer every request with one byte."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})
    await send({"type": "http.response.body", "body": b"1"})


@contextlib.contextmanager
def bare_server() -> Iterator[str]:
    """Run it in a process of its own; gives its address."""
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(port,))
    process.start()
    try:
        until(lambda: is_up(url), 60)
        yield url
    finally:
        process.kill()
        process.join()


def _serve(port: int) -> None:
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="critical", lifespan="off")
