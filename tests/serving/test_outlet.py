"""Answers that are read slowly or not at all: what they hold meanwhile, and that honest readers get all of them."""

import asyncio
import contextlib
import socket
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from emotion_core import Settings
from emotion_core.serving.bodies import Bodies
from emotion_core.serving.connections import careful
from emotion_core.serving.doors import Doors
from emotion_core.serving.outlet import READ
from emotion_core.serving.parser import Parser
from emotion_core.serving.turns import Turns
from support.in_process import served
from support.rest_server import connection
from support.waiting import until

#: More than the system keeps of a connection.
_LARGE = bytes(range(256)) * 40_000
_ANSWERS = {"/large": _LARGE, "/small": b"small"}


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
        body = _ANSWERS.get(path, _LARGE)
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


def test_a_request_behind_an_unread_answer_is_not_begun() -> None:
    """It was, and its answer waited behind the other, with its place: ten addresses had those of everybody's photos."""
    paths = ["/large", "/small", "/pieces", "/small"]
    with noting() as (port, app), asking(port, *paths) as line:
        until(lambda: app.done == ["/large"])
        time.sleep(0.3)
        assert app.begun == ["/large"]
        for body in (_LARGE, b"small", _LARGE, b"small"):
            assert answer(line, len(body)) == body
        until(lambda: app.done == paths)


def test_what_waits_is_asked_for_and_keeps_the_connection_open() -> None:
    with noting(keep_alive=1) as (port, app), asking(port, "/large", "/small") as line:
        until(lambda: app.done == ["/large"])
        time.sleep(2)
        assert answer(line, len(_LARGE)) == _LARGE
        assert answer(line, 5) == b"small"


def test_what_many_do_not_read_is_kept_once() -> None:
    """Each had its own copy: two thousand that asked for the page took half a gigabyte."""
    with noting() as (port, app), ExitStack() as lines:
        with asking(port, "/small") as line:
            assert answer(line, 5) == b"small"
        tracemalloc.start()
        try:
            for _ in range(10):
                lines.enter_context(asking(port, "/large"))
            until(lambda: app.done.count("/large") == 10)
            taken, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert taken < 2_000_000


def test_an_application_waits_until_its_pieces_are_read() -> None:
    with noting() as (port, app), asking(port, "/pieces") as line:
        until(lambda: app.pieces > 0)
        time.sleep(0.3)
        assert app.pieces < len(_LARGE) / 100_000 / 2
        assert answer(line, len(_LARGE)) == _LARGE
        until(lambda: app.done == ["/pieces"])


@pytest.mark.parametrize("how", ["reads on", "closes", "says it ends"])
@pytest.mark.parametrize("path", ["/large", "/pieces"])
def test_who_reads_slowly_gets_it_all(path: str, how: str) -> None:
    """An answer had to be read whole within the limit; now each piece has."""
    with noting(unread_seconds=1.0) as (port, app), asking(port, path, close=how == "closes") as line:
        until(lambda: app.pieces > 0)
        if how == "says it ends" and path == "/large":
            line.shutdown(socket.SHUT_WR)
        assert answer(line, len(_LARGE), 0.2) == _LARGE
        if how == "closes":
            assert line.recv(1) == b""


@pytest.mark.parametrize("path", ["/large", "/pieces"])
def test_who_reads_nothing_is_let_go(path: str) -> None:
    with noting(unread_seconds=0.5) as (port, app), asking(port, path, "/small") as line:
        until(lambda: app.pieces > 0)
        time.sleep(1.5)
        with pytest.raises(ConnectionError):
            answer(line, len(_LARGE))
        assert app.begun == [path]


@pytest.mark.parametrize("pause", [0.0, 0.001])
def test_a_connection_that_ends_with_its_answer_is_closed_once(caplog: pytest.LogCaptureFixture, pause: float) -> None:
    """Proxies ask for that; asyncio told of each slow one with its stack."""
    with noting() as (port, _):
        for _ in range(3):
            with asking(port, "/large", close=True) as line:
                line.settimeout(20)
                read = 0
                while piece := line.recv(1 << 20):
                    read += len(piece)
                    time.sleep(pause)
                assert read > len(_LARGE)
        time.sleep(0.2)
    assert not [record for record in caplog.records if record.name == "asyncio"]


def test_a_connection_is_let_go_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """What cannot be parsed ends it amid a large answer: nine times of ten asyncio told of it with a stack."""
    with noting() as (port, _):
        for _ in range(5):
            with asking(port, "/pieces") as line:
                line.sendall(b"GET / HTTP/9.9\0\r\nno header\r\n\r\n")
                with contextlib.suppress(ConnectionError):
                    while line.recv(1 << 16):
                        pass
        time.sleep(0.2)
    assert not [record for record in caplog.records if record.name == "asyncio"]


def test_it_is_kept_until_its_answer_has_been_read() -> None:
    """Whoever asks again as the last of a large page comes was reset, and lost the end of it."""
    with noting(keep_alive=1) as (port, _), asking(port, "/large") as line:
        body = answer(line, len(_LARGE) - 100_000, 0.25)
        assert len(body) < len(_LARGE)
        line.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
        rest = bytearray()
        while not rest.endswith(b"small"):
            rest += line.recv(1 << 16)
        assert _LARGE.startswith(body + rest[:1000])


def test_behind_a_proxy_answers_belong_to_its_visitors() -> None:
    """They were all the proxy's: one of them had everybody's slow downloads ended, and everybody wait for its lines."""
    protocol = careful(behind_proxies=True)
    app = Bodies(Noting(), Settings(trusted_proxies=1))
    with served(app, http=protocol, lifespan="off") as port, ExitStack() as opened:
        for number in range(2):
            line = opened.enter_context(asking(port))
            line.sendall(f"GET /large HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.{number}\r\n\r\n".encode())
        until(lambda: len(protocol.unsent._kept) == 2)
        assert {one.address for one in protocol.unsent._kept} == {"192.0.2.0", "192.0.2.1"}


class _Busy(Turns):
    """Everybody's turns are taken by others."""

    def call(self, address: str, begin: Callable[[], bool]) -> None:
        """Never."""


def test_a_new_request_waits_for_no_turn_of_known_ones() -> None:
    """Behind a proxy all new connections are its own: one visitor who opened hundreds held everybody up for seconds.

    On a kept one the next request may be another visitor's, but not what comes together with the one before.
    """
    request = b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n"
    with noting(behind_proxies=True, turns=_Busy()) as (port, app), asking(port, "/small") as line:
        assert answer(line, 5) == b"small"
        line.sendall(request)
        assert answer(line, 5) == b"small"
        line.sendall(2 * request)
        assert answer(line, 5) == b"small"
        time.sleep(0.2)
        assert app.done == 3 * ["/small"]


class Polling:
    """An application that asks again and again whether somebody is there, as Gradio does while it sends a stream."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(200):
            await send({"type": "http.response.body", "body": b"x", "more_body": True})
            assert not await request.is_disconnected()
            await asyncio.sleep(0.01)
        await send({"type": "http.response.body", "body": b""})


def test_what_comes_behind_a_stream_is_not_read_before_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen kilobytes came into memory with each question: half a gigabyte in a minute."""
    came, receive = list[int](), Parser.receive_data

    def note(parser: Parser, data: bytes) -> None:
        came.append(len(data))
        receive(parser, data)

    monkeypatch.setattr(Parser, "receive_data", note)
    with served(Polling(), http=careful(), lifespan="off") as port, asking(port, "/small") as line:
        assert line.recv(12) == b"HTTP/1.1 200"
        line.setblocking(False)
        for _ in range(50):
            with contextlib.suppress(BlockingIOError):
                line.send(b"GET /" + bytes(60_000))
            time.sleep(0.01)
        assert sum(came) < 100 + 2 * READ


@pytest.mark.parametrize("length", [1, 1_000_000], ids=["all of it", "a part"])
def test_the_rest_of_a_body_that_nobody_reads_keeps_no_connection_open(length: int) -> None:
    """Of one that was answered before its end; a byte of it, and the connection was open for good."""
    with noting(header_seconds=0.5) as (port, _), connection(f"http://127.0.0.1:{port}") as line:
        line.sendall(f"POST /small HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode())
        assert answer(line, 5) == b"small"
        line.sendall(b"x")
        line.settimeout(5)
        began = time.monotonic()
        with contextlib.suppress(ConnectionResetError):
            assert line.recv(1) == b""
        assert time.monotonic() - began < 3


def test_a_wish_for_another_protocol_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Two lines each: some megabytes a second from one connection."""
    with noting() as (port, _):
        caplog.set_level("WARNING", "uvicorn.error")
        headers = {"Connection": "Upgrade", "Upgrade": "h2c"}
        assert httpx.get(f"http://127.0.0.1:{port}/small", headers=headers).text == "small"
    assert not caplog.records


def test_unread_files_leave_a_place_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten addresses, each with as many as it may, held every place of reading: nobody got the page.

    And the system took a megabyte for each, beside the process's own memory; the first honest one waited meanwhile.
    """
    reading = Doors(Settings()).reading
    monkeypatch.setattr("emotion_core.serving.answer._UNREAD", 0.3)
    unread = Noting()
    app = Bodies(unread, Settings(trusted_proxies=1))
    with served(app, http=careful(behind_proxies=True), lifespan="off") as port, ExitStack() as opened:
        for number in range(2 * reading.most):
            line = opened.enter_context(connection(f"http://127.0.0.1:{port}"))
            line.sendall(f"GET /pieces HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 10.0.0.{number % 20}\r\n\r\n".encode())
        time.sleep(0.5)
        assert unread.pieces < 4 * reading.most
        for number in range(10):
            headers = {"X-Forwarded-For": f"192.0.2.{number}"}
            assert httpx.get(f"http://127.0.0.1:{port}/small", headers=headers).text == "small"
        for _ in range(12):  # a page's files, beside each other
            line = opened.enter_context(connection(f"http://127.0.0.1:{port}"))
            line.sendall(b"GET /pieces HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 192.0.2.99\r\n\r\n")
            assert line.recv(12) == b"HTTP/1.1 200"
