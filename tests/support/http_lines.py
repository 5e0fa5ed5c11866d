"""Connections that ask a server in the tests' own process for answers, and read them as they like."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from emotion_core.serving.connections import careful
from support.in_process import served

#: More than the system keeps of a connection.
LARGE = bytes(range(256)) * 40_000
_ANSWERS = {"/large": LARGE, "/small": b"small"}


class Noting:
    """An application that notes what was asked for, and what it has answered; ``/pieces`` is ``/large`` in pieces."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.done: list[str] = []
        self.pieces = 0

    async def __call__(self, scope: Any, _receive: Any, send: Any) -> None:
        """Serve one request."""
        path = scope["path"]
        self.begun.append(path)
        body = _ANSWERS.get(path, LARGE)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        step = 100_000 if path == "/pieces" else len(body)
        for start in range(0, len(body), step):
            more = start + step < len(body)
            await send({"type": "http.response.body", "body": body[start : start + step], "more_body": more})
            self.pieces += 1
        self.done.append(path)


@contextmanager
def noting(keep_alive: int = 5, **limits: Any) -> Iterator[tuple[int, Noting]]:
    """The port of a server of it, and itself."""
    app = Noting()
    with served(app, http=careful(**limits), lifespan="off", timeout_keep_alive=keep_alive) as port:
        yield port, app


def asking(port: int, *paths: str, close: bool = False) -> socket.socket:
    """A connection that has asked for them all, and has read nothing."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    line.settimeout(20)
    line.connect(("127.0.0.1", port))
    last = "Connection: close\r\n" if close else ""
    line.sendall("".join(f"GET {path} HTTP/1.1\r\nHost: x\r\n{last}\r\n" for path in paths).encode())
    return line


def answer(line: socket.socket, length: int, pause: float = 0.0) -> bytes:
    """The body of one answer. pause: seconds, before each megabyte of it. ConnectionError if there is no more."""

    def some(most: int) -> bytes:
        if said := line.recv(most):
            return said
        raise ConnectionError

    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += some(1)
    assert head.startswith(b"HTTP/1.1 200")
    body, due = bytearray(), 0
    while len(body) < length:
        if len(body) >= due:
            time.sleep(pause)
            due += 1_000_000
        body += some(min(100_000, length - len(body)))
    return bytes(body)
