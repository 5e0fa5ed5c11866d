"""The server around the application: start-up settings, connections, and its output."""

import io
import logging
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any
from unittest.mock import Mock

import httpx
import pytest
from uvicorn.server import ServerState

from emotion_core import Settings, SettingsError
from emotion_core.page.gradio_bounds import MAX_FILES
from emotion_core.serving import connections
from emotion_core.serving.connections import allow_files, careful
from emotion_core.serving.doors import Doors
from emotion_core.serving.output import BoundedOutput
from emotion_core.serving.server import Where
from support.in_process import config_of, served
from support.waiting import free_port, is_up, until


class TestWhere:
    @pytest.mark.parametrize(
        ("name", "value", "words"),
        [
            ("GRADIO_SERVER_PORT", "abc", "whole number from 1 to 65535, not 'abc'"),
            ("GRADIO_SERVER_PORT", "0", "whole number"),
            ("GRADIO_SERVER_PORT", "70000", "whole number"),
            ("GRADIO_SERVER_PORT", "99999999999999999999", "whole number"),
            ("GRADIO_SERVER_PORT", "-1", "whole number"),
            ("GRADIO_SERVER_PORT", "٣", "whole number"),
            ("GRADIO_NUM_PORTS", "0", "whole number from 1"),
            ("GRADIO_NUM_PORTS", "many", "whole number"),
            ("GRADIO_SERVER_NAME", "no.such.host.invalid", "not a name or address of this machine.*127.0.0.1"),
            ("GRADIO_SERVER_NAME", "a..b", "not a name or address"),
            ("GRADIO_SERVER_NAME", "999.1.1.1", "not a name or address"),
        ],
    )
    def test_what_does_not_fit_is_named(self, name: str, value: str, words: str) -> None:
        with pytest.raises(SettingsError, match=f"{name}.*{words}"):
            Where.from_environment({name: value})

    def test_an_address_of_another_machine(self) -> None:
        with pytest.raises(SettingsError, match=r"GRADIO_SERVER_NAME.*no address here"):
            Where.from_environment({"GRADIO_SERVER_NAME": "192.0.2.1"}).listen()

    @pytest.mark.parametrize(
        ("name", "url"),
        [
            ("", "http://127.0.0.1:7"),
            ("[::1]", "http://[::1]:7"),
            ("::1", "http://[::1]:7"),
            (" localhost ", "http://localhost:7"),
        ],
    )
    def test_what_does(self, name: str, url: str) -> None:
        where = Where.from_environment({"GRADIO_SERVER_NAME": name, "GRADIO_SERVER_PORT": " 65500 "})
        assert where.url(7) == url
        assert (where.first, where.count) == (65_500, 36)
        with where.listen() as listener:
            assert listener.getsockname()[1] >= 65_500

    def test_a_space_is_reached_from_outside(self) -> None:
        assert Where.from_environment({"SYSTEM": "spaces"}).host == "0.0.0.0"  # noqa: S104


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers any request, ``/large`` with more than the socket buffers hold, ``/early`` before it reads the body."""
    assert scope["type"] == "http"
    while scope["path"] != "/early" and (await receive()).get("more_body", False):
        continue
    body = bytes(50_000_000 if scope["path"] == "/large" else 5)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


@contextmanager
def server(**limits: Any) -> Iterator[tuple[int, Any]]:
    """The port, and the protocol class that counts connections."""
    protocol = careful(**limits)
    with served(app, http=protocol, lifespan="off") as port:
        yield port, protocol


def test_a_server_in_this_process_closes_no_handler_of_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Abseil's handler closes its stream with itself: that of pytest."""
    other, closed = logging.StreamHandler(), []
    monkeypatch.setattr(other, "close", lambda: closed.append(True))
    with server():
        pass
    assert closed == []


def holds(protocol: Any, count: int) -> bool:
    """Whether so many connections are open."""
    return bool(protocol.open.total() == count)


def closed_after(line: socket.socket, seconds: float) -> float:
    """Seconds until the other side closes; AssertionError if it does not."""
    line.settimeout(seconds)
    start = time.monotonic()
    with suppress(ConnectionResetError):
        assert line.recv(1) == b""
    return time.monotonic() - start


def connected(port: int, source: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=20, source_address=(source, 0))


_IDLE = """
import time
from emotion_core.serving.server import Where, serve

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        while True:
            await send({"type": (await receive())["type"] + ".complete"})
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % looks})

import uvicorn
looks, tick = 0, uvicorn.Server.on_tick

async def counted(self, counter):
    global looks
    looks += 1
    return await tick(self, counter)

uvicorn.Server.on_tick = counted
serve(app, lambda: print("stopping", flush=True), lambda: None, Where("127.0.0.1", 0, 1))
"""


def test_an_idle_server_rests_and_ends_at_once_when_told() -> None:
    with subprocess.Popen([sys.executable, "-c", _IDLE], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().split()[-1]
            time.sleep(3)
            answer = httpx.get(url)
            assert int(answer.text) <= 6  # ten times a second as Uvicorn does it
            assert abs(parsedate_to_datetime(answer.headers["date"]).timestamp() - time.time()) < 3
            start = time.monotonic()
            process.terminate()
            assert process.stdout.readline() == "stopping\n"
            assert time.monotonic() - start < 0.8
            process.wait(10)
        finally:
            process.kill()


def test_a_hundred_find_room_while_none_is_accepted() -> None:
    """The loop accepts a few in each pass; the system would turn away more than that, who try again a second later."""
    command = [sys.executable, "-c", _IDLE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process, ExitStack() as lines:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().split()[-1]
            until(lambda: is_up(url), 20, process)
            port = int(url.strip("/").rpartition(":")[2])
            process.send_signal(signal.SIGSTOP)
            for _ in range(100):
                lines.enter_context(socket.create_connection(("127.0.0.1", port), timeout=0.5))
        finally:
            process.kill()


class TestConnections:
    @pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nHost: x\r\nX: "])
    def test_headers_have_a_time_limit(self, sent: bytes) -> None:
        with server(header_seconds=0.5) as (port, _), connected(port) as line:
            line.sendall(sent)
            assert closed_after(line, 10) < 5

    def test_dripping_does_not_help_also_on_a_kept_connection(self) -> None:
        with server(header_seconds=1.0) as (port, _), connected(port) as line:
            line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert line.recv(1000).startswith(b"HTTP/1.1 200")
            start = time.monotonic()
            with suppress(ConnectionError):
                while time.monotonic() - start < 10:
                    line.sendall(b"X")
                    time.sleep(0.1)
            assert time.monotonic() - start < 8

    def test_a_usual_visitor_is_not_cut_off(self) -> None:
        with server(header_seconds=0.5) as (port, _), httpx.Client(base_url=f"http://127.0.0.1:{port}") as line:
            for _ in range(4):
                assert line.get("/").status_code == 200
                time.sleep(0.3)

    def test_an_answer_that_nobody_reads(self) -> None:
        with server(unread_seconds=0.5) as (port, protocol), connected(port) as line:
            line.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
            deadline = time.monotonic() + 10
            while protocol.open.total():
                assert time.monotonic() < deadline
                time.sleep(0.05)

    @pytest.mark.parametrize(
        "sent",
        [
            b"a:\r\n" * 10_000,
            b"a: " + b"b" * 70_000 + b"\r\n\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 40_000 + b"0\r\n",
            b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"a:\r\n" * 10_000,
        ],
        ids=["headers", "a long header", "chunks", "trailers"],
    )
    def test_what_takes_long_to_parse_is_refused(self, sent: bytes) -> None:
        """A quarter of a megabyte that comes at once took over half a second, and everybody waited."""
        with server() as (port, _), connected(port) as line:
            said = b""
            with suppress(ConnectionError):  # it may be closed before everything is sent
                line.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n" + sent + b"\r\n")
                said = line.recv(100)
            assert said[9:12] in (b"", b"400")
            assert httpx.get(f"http://127.0.0.1:{port}").status_code == 200

    def test_the_headers_and_bodies_of_proxies_are_not(self) -> None:
        headers = {f"X-Header-{number}": "a" * 300 for number in range(150)}
        with server() as (port, _), httpx.Client(base_url=f"http://127.0.0.1:{port}") as line:
            for size in (50, 5_000):
                pieces = (bytes(size) for _ in range(1_000))
                assert line.post("/", content=pieces, headers=headers).status_code == 200

    def test_nonsense_after_an_early_answer_ends_the_connection(self, caplog: pytest.LogCaptureFixture) -> None:
        """uvicorn would answer a second time, and fail on that with a traceback."""
        with server() as (port, _), connected(port) as line:
            line.sendall(b"POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
            said = b""
            while not said.endswith(bytes(5)):
                said += line.recv(1000)
            line.sendall(b"nonsense\r\n")
            assert closed_after(line, 5) < 5
        assert "Traceback" not in caplog.text

    def test_nonsense_with_the_request_is_refused_once(self, caplog: pytest.LogCaptureFixture) -> None:
        """The application has begun by then; uvicorn's refusal came first, and what it sent failed, as an error."""
        with server() as (port, _), connected(port) as line:
            line.sendall(b"POST /early HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n")
            said = line.recv(12)
            assert said == b"HTTP/1.1 400"
            while not said.endswith(b"0\r\n\r\n"):
                said += line.recv(1000)
            assert closed_after(line, 5) < 5
        assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []

    def test_there_are_only_so_many_and_few_of_one_address(self) -> None:
        with server(most=30, each=20) as (port, protocol), ExitStack() as lines:
            mine = [lines.enter_context(connected(port, "127.0.0.2")) for _ in range(40)]
            time.sleep(0.5)
            assert protocol.open == {"127.0.0.2": 20}
            assert closed_after(mine[-1], 5) < 5
            assert httpx.get(f"http://127.0.0.1:{port}").status_code == 200  # another address
            for _ in range(40):
                lines.enter_context(connected(port, "127.0.0.3"))
            time.sleep(0.5)
            assert protocol.open.total() == 30
            lines.close()
            deadline = time.monotonic() + 5
            while protocol.open:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            assert httpx.get(f"http://127.0.0.1:{port}").status_code == 200

    @pytest.mark.parametrize(
        ("lines", "sent"),
        [
            (40, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
            (
                1,
                b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                + b"1\r\nx\r\n" * 900
                + b"0\r\n\r\n",
            ),
        ],
        ids=["requests", "chunks"],
    )
    def test_what_came_at_once_is_parsed_in_turn(self, lines: int, sent: bytes) -> None:
        """All of it was, in one pass of the loop: fifty connections of small chunks held everybody up for seconds."""
        whole: list[str] = []

        async def counting(scope: Any, receive: Any, send: Any) -> None:
            if scope["path"] == "/wait":
                time.sleep(0.5)  # nobody is read meanwhile
            while (await receive())["more_body"]:
                pass
            whole.append(scope["client"][0])
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
            await send({"type": "http.response.body", "body": b""})

        with served(counting, http=careful(), lifespan="off") as port, ExitStack() as opened:
            greedy = [opened.enter_context(connected(port, "127.0.0.2")) for _ in range(lines)]
            honest, waits = (opened.enter_context(connected(port, f"127.0.0.{number}")) for number in (3, 4))
            waits.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
            time.sleep(0.1)
            for line in greedy:
                line.sendall(sent)
            honest.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert all(line.recv(1000).startswith(b"HTTP/1.1 200") for line in (*greedy, honest))
        assert whole.index("127.0.0.3") <= min(lines, 3)

    def test_who_has_few_gets_one_of_the_address_that_has_the_most(self) -> None:
        """Ten addresses held two hundred each, which said nothing, and nobody else got any."""
        with server(most=30, each=20) as (port, protocol), ExitStack() as lines:
            for source, taken in (("127.0.0.2", 20), ("127.0.0.3", 30)):
                theirs = [lines.enter_context(connected(port, source)) for _ in range(20)]
                until(partial(holds, protocol, taken))
            until(lambda: protocol.open == {"127.0.0.2": 15, "127.0.0.3": 15})
            for source in ("127.0.0.4", "127.0.0.5", "127.0.0.5"):
                line = lines.enter_context(connected(port, source))
                line.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert line.recv(1000).startswith(b"HTTP/1.1 200")
            assert protocol.open["127.0.0.4"] == 1
            assert protocol.open["127.0.0.5"] == 2
            assert protocol.open.total() == 30
            assert closed_after(theirs[-1], 5) < 5, "nobody has more than they"

    def test_the_addresses_of_one_household_count_as_one(self) -> None:
        """IPv6 gives each any number of them."""
        protocol = careful(each=1)
        for number in (1, 2):
            one = protocol(config_of(app), ServerState(), {}, Mock())
            transport = Mock(get_extra_info={"peername": (f"2001:db8::{number}", 9)}.get)
            one.connection_made(transport)
            assert protocol.open == {"2001:db8::/64": 1}
            assert transport.abort.called == (number == 2)

    def test_behind_a_proxy_its_address_is_no_measure(self) -> None:
        assert careful(behind_proxies=True, most=50).each == 50
        assert careful(most=50).each == careful().each

    def test_descriptors_suffice(self) -> None:
        """With every connection open, the files of all forms took the last ones: nobody else was accepted."""
        assert 16 <= allow_files(500) <= 500
        settings = Settings()
        doors = Doors(settings)
        files = doors.pictures.most * settings.max_images + doors.uploads.most * MAX_FILES
        assert files + 200 < connections._OTHER_FILES


def test_what_is_written_is_bounded() -> None:
    now, stream = 0.0, io.StringIO()
    output = BoundedOutput(stream, burst=1000, rate=10, clock=lambda: now)
    for _ in range(100):
        print("x" * 99, file=output)
    assert len(stream.getvalue()) <= 1000
    now = 60
    print("afterwards", file=output)
    assert "[9000 characters were left out]\nafterwards\n" in stream.getvalue()


#: Serves its interpreter's own settings; it has threads that never stop computing.
_BUSY_SERVER = """
import gc, json, sys, threading
from emotion_core.serving.server import Where, serve

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        return
    told = {"turn": sys.getswitchinterval(), "spared": gc.get_freeze_count(), "every": gc.get_threshold()[2]}
    body = json.dumps(told).encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})

def compute():
    while True:
        sum(range(1000))

for _ in range(20):
    threading.Thread(target=compute, daemon=True).start()
serve(app, lambda: None, lambda: None, Where("127.0.0.1", int(sys.argv[1]), 1))
"""


def test_an_answer_waits_for_no_thread_and_no_collection() -> None:
    """With twenty threads of 5 ms each before it, every step of an answer waited a tenth of a second."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", _BUSY_SERVER, str(port)])
    try:
        until(lambda: is_up(f"http://127.0.0.1:{port}/"), 60, process)
        told = httpx.get(f"http://127.0.0.1:{port}/", timeout=60).json()
    finally:
        process.kill()
        process.wait()
    assert told["turn"] <= 0.001
    assert told["spared"] > 10_000  # the program's own objects
    assert told["every"] >= 50  # a collection of all else, with a thousand open connections, takes a tenth of a second


def test_a_stop_ends_whatever_hangs() -> None:
    """Also the cleaning up: it takes locks that threads hold which are still at work."""
    program = "import time; from emotion_core.serving.server import end_after; end_after(0.1, lambda: time.sleep(60))"
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", f"{program}; time.sleep(60)"], check=True, timeout=50)
    assert time.monotonic() - started < 20
