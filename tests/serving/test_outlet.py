"""Answers that are read slowly or not at all: what they hold meanwhile, and that honest readers get all of them."""

import contextlib
import socket
import time
import tracemalloc
from contextlib import ExitStack

import httpx
import pytest

from emotion_core import Settings
from emotion_core.serving.bodies import Bodies
from emotion_core.serving.connections import careful
from emotion_core.serving.doors import Doors
from support.http_lines import LARGE, Noting, answer, asking, noting
from support.in_process import served
from support.rest_server import connection
from support.waiting import until


def test_a_request_behind_an_unread_answer_is_not_begun() -> None:
    """It was, and its answer waited behind the other, with its place: ten addresses had those of everybody's photos."""
    paths = ["/large", "/small", "/pieces", "/small"]
    with noting() as (port, app), asking(port, *paths) as line:
        until(lambda: app.done == ["/large"])
        time.sleep(0.3)
        assert app.begun == ["/large"]
        for body in (LARGE, b"small", LARGE, b"small"):
            assert answer(line, len(body)) == body
        until(lambda: app.done == paths)


def test_what_waits_is_asked_for_and_keeps_the_connection_open() -> None:
    with noting(keep_alive=1) as (port, app), asking(port, "/large", "/small") as line:
        until(lambda: app.done == ["/large"])
        time.sleep(2)
        assert answer(line, len(LARGE)) == LARGE
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
        assert app.pieces < len(LARGE) / 100_000 / 2
        assert answer(line, len(LARGE)) == LARGE
        until(lambda: app.done == ["/pieces"])


@pytest.mark.parametrize("how", ["reads on", "closes", "says it ends"])
@pytest.mark.parametrize("path", ["/large", "/pieces"])
def test_who_reads_slowly_gets_it_all(path: str, how: str) -> None:
    """An answer had to be read whole within the limit; now each piece has."""
    with noting(unread_seconds=1.0) as (port, app), asking(port, path, close=how == "closes") as line:
        until(lambda: app.pieces > 0)
        if how == "says it ends" and path == "/large":
            line.shutdown(socket.SHUT_WR)
        assert answer(line, len(LARGE), 0.2) == LARGE
        if how == "closes":
            assert line.recv(1) == b""


@pytest.mark.parametrize("path", ["/large", "/pieces"])
def test_who_reads_nothing_is_let_go(path: str) -> None:
    with noting(unread_seconds=0.5) as (port, app), asking(port, path, "/small") as line:
        until(lambda: app.pieces > 0)
        time.sleep(1.5)
        with pytest.raises(ConnectionError):
            answer(line, len(LARGE))
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
                assert read > len(LARGE)
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
        body = answer(line, len(LARGE) - 100_000, 0.25)
        assert len(body) < len(LARGE)
        line.sendall(b"GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
        rest = bytearray()
        while not rest.endswith(b"small"):
            rest += line.recv(1 << 16)
        assert LARGE.startswith(body + rest[:1000])


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
