"""An application on the first free port, until it is told to stop."""

import contextlib
import ctypes
import os
import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

#: How long answers that are under way may hold up a stop, in seconds.
GRACE = 3
#: Of glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def keep_memory_flat() -> bool:
    """Have the C library give large buffers back at once, and keep few pools of small ones.

    By default glibc keeps pools for eight threads a core, and learns to keep ever larger buffers in
    them: fifty clients' pictures then made a server grow for as long as they went on. Whether it
    could be done: elsewhere than on glibc it cannot.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    options = ((_M_ARENA_MAX, 2), (_M_MMAP_THRESHOLD, 1 << 20), (_M_TRIM_THRESHOLD, 1 << 22))
    return all(mallopt(option, value) for option, value in options)


class _Server(uvicorn.Server):
    """Says when it stops, before it waits for the open connections."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)


def serve(app: ASGIApp, on_stop: Callable[[], None], trust_proxies: bool = False) -> None:
    """Serve until Ctrl-C or SIGTERM; prints the address. on_stop: ends the app's endless answers.

    Listens where Gradio's own variables say: GRADIO_SERVER_NAME, GRADIO_SERVER_PORT, and the
    GRADIO_NUM_PORTS ports from there on, of which the first free one is taken. Raises OSError
    when there is none.
    """
    on_space = os.environ.get("SYSTEM") == "spaces"
    name = os.environ.get("GRADIO_SERVER_NAME") or ("0.0.0.0" if on_space else "127.0.0.1")  # noqa: S104 (a Space has its own proxy)
    first = int(os.environ.get("GRADIO_SERVER_PORT") or 7860)
    with listen(name.strip("[]"), first, int(os.environ.get("GRADIO_NUM_PORTS") or 100)) as listener:
        print(f"* Running on local URL:  http://{name}:{listener.getsockname()[1]}", flush=True)
        config = uvicorn.Config(
            app, log_level="warning", lifespan="on", proxy_headers=trust_proxies, timeout_graceful_shutdown=GRACE
        )
        with contextlib.suppress(KeyboardInterrupt):
            _Server(config, on_stop).run(sockets=[listener])


def listen(host: str, first: int, count: int) -> socket.socket:
    """A listening socket on the first free port of ``count``; OSError when all are taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(first, first + count):
        # The protocol is named, or asyncio leaves Nagle's algorithm on, which holds each answer back for 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(128)
        except OSError as error:
            listener.close()
            reason = error
        else:
            return listener
    raise OSError(f"No free port from {first} to {first + count - 1}: set GRADIO_SERVER_PORT. ({reason.strerror})")
