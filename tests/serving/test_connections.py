"""Connections: whose turns they take, who is seen to be gone, and what ends them."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from emotion_core.serving.connections import careful
from emotion_core.serving.parser import Parser
from emotion_core.serving.turns import Turns
from support.http_lines import answer, asking, noting
from support.in_process import served
from support.rest_server import connection
from support.waiting import until


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

    gone = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request until nobody is there."""
        request = Request(scope, receive)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"x", "more_body": True})
        while not await request.is_disconnected():
            await asyncio.sleep(0.01)
        self.gone += 1


@pytest.mark.parametrize("behind", [b"", b"GET /" + bytes(20_000)], ids=["nothing", "something"])
def test_who_is_gone_is_seen_to_be_gone(behind: bytes) -> None:
    """With or without a part of a request behind the one that is answered."""
    app = Polling()
    with served(app, http=careful(), lifespan="off") as port:
        with asking(port, "/small") as line:
            line.sendall(behind)
            assert line.recv(12) == b"HTTP/1.1 200"
            time.sleep(0.1)
            assert not app.gone
        until(lambda: app.gone == 1)


def test_too_much_behind_a_stream_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sixteen kilobytes came into memory with each question: half a gigabyte in a minute."""
    app, came, receive = Polling(), list[int](), Parser.receive_data

    def note(parser: Parser, data: bytes) -> None:
        came.append(len(data))
        receive(parser, data)

    monkeypatch.setattr(Parser, "receive_data", note)
    with served(app, http=careful(), lifespan="off") as port, asking(port, "/small") as line:
        assert line.recv(12) == b"HTTP/1.1 200"
        with contextlib.suppress(ConnectionError):
            for _ in range(50):
                line.send(b"GET /" + bytes(60_000))
        until(lambda: app.gone == 1)
        assert sum(came) < 60_000


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
