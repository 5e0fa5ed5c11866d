"""Attacks on what is counted: connections, pieces of bodies, files, messages that wait, pictures of a request."""

import contextlib
import functools
import selectors
import socket
import time
import uuid

import httpx
import numpy as np
from PIL import Image
from skimage.data import astronaut

from support.hostile_pictures import saved

from .target import Target, upload_head

#: Connections that one address may have, and addresses that have as many: together all that there are.
EACH, ADDRESSES = 200, 10


def full_connections(target: Target) -> None:
    """Every address holds as many silent connections as it may, and opens others for those that are closed."""
    with contextlib.ExitStack() as opened, selectors.DefaultSelector() as waiting:
        while target.goes_on:
            for _ in range(min(50, EACH * ADDRESSES - len(waiting.get_map()))):
                with contextlib.suppress(OSError):
                    line = opened.enter_context(target.connect())
                    line.setblocking(False)
                    waiting.register(line, selectors.EVENT_READ)
            for key, _ in waiting.select(0.05):
                line = key.fileobj  # type: ignore[assignment]
                with contextlib.suppress(BlockingIOError):
                    gone = True
                    with contextlib.suppress(ConnectionError):
                        gone = not line.recv(100)
                    if gone:
                        waiting.unregister(line)
                        line.close()
            target.note("held")


def small_pieces(target: Target) -> None:
    """One address, and on each of fifty connections requests behind one another, in chunks of one byte."""
    one = (
        b"POST /nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\ny\r\n" * 990 + b"0\r\n\r\n"
    )
    block = one * 20
    with selectors.DefaultSelector() as waiting:

        def begin() -> None:
            with contextlib.suppress(OSError):
                line = socket.create_connection(("127.0.0.1", target.port), 5, ("127.0.0.2", 0))
                line.setblocking(False)
                waiting.register(line, selectors.EVENT_READ | selectors.EVENT_WRITE, [block])

        for _ in range(50):
            begin()
        while target.goes_on:
            for key, events in waiting.select(0.1):
                line: socket.socket = key.fileobj  # type: ignore[assignment]
                try:
                    if events & selectors.EVENT_READ and not line.recv(65_536):
                        raise ConnectionResetError
                    if events & selectors.EVENT_WRITE:
                        key.data[0] = key.data[0][line.send(key.data[0]) :] or block
                except BlockingIOError:
                    continue
                except OSError:
                    target.note("closed")
                    waiting.unregister(line)
                    line.close()
                    begin()
            target.note("sent")
        for key in list(waiting.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]


def tiny_files(target: Target) -> None:
    """Forms of sixty files of a few bytes, each of another content."""

    def send(client: httpx.Client, _: int) -> httpx.Response:
        files = [("files", ("a", uuid.uuid4().bytes)) for _ in range(60)]
        answer = client.post("gradio_api/upload", files=files)
        if answer.status_code != 200:
            time.sleep(0.05)
        return answer

    target.together(send, 10)


def cut_forms(target: Target) -> None:
    """Forms that end within a file, to every address that reads a form."""
    form = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\n' + bytes(100_000)
    addresses = ("gradio_api/component_server", "gradio_api/upload", "api/v1/analyze", "api/v1/video", "page/photo")

    def send(client: httpx.Client, number: int) -> httpx.Response:
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        return client.post(addresses[number % len(addresses)], content=form, headers=headers)

    target.together(send, 10)


def unfetched_messages(target: Target) -> None:
    """Calls of sessions that go on, whose answers nobody fetches."""
    with target.client() as client:
        calls = client.get("config").json()["dependencies"]
    function = next(call["id"] for call in calls if call["api_name"] == "models")

    def send(client: httpx.Client, number: int) -> httpx.Response:
        call = {"data": [], "session_hash": f"session {number}", "fn_index": function}
        answer = client.post("gradio_api/queue/join", json=call)
        if answer.status_code != 200:
            time.sleep(0.05)
        return answer

    target.together(send, 20)


@functools.cache
def _faces() -> bytes:
    """A light picture of 49 faces."""
    face = np.asarray(Image.fromarray(astronaut()[20:220, 120:320]))
    return saved(Image.fromarray(np.tile(face, (7, 7, 1))), "JPEG", quality=30)


def left_batches(target: Target) -> None:
    """Requests of 32 pictures of many faces, whose senders soon go away; and some who stay."""
    files = [("image", (f"{number}.jpg", _faces())) for number in range(32)]

    def send(client: httpx.Client, number: int) -> httpx.Response:
        return client.post("api/v1/analyze", files=files, timeout=30 if number % 4 == 0 else 1)

    target.together(send, 20)


def unread_answers(target: Target) -> None:
    """Request the page repeatedly on one connection, and read nothing."""
    with contextlib.ExitStack() as opened:
        while target.goes_on:
            with contextlib.suppress(OSError):
                line = opened.enter_context(target.connect())
                line.setblocking(False)
                line.send(b"GET /config HTTP/1.1\r\nHost: x\r\n\r\n" * 200)
            target.note("asked")
            time.sleep(0.02)


def unread_and_more(target: Target) -> None:
    """Each line asks for the page, reads hardly anything of it, and sends a photo behind that."""
    photo = saved(Image.new("RGB", (16, 16)), "JPEG")
    head = f"POST /page/photo HTTP/1.1\r\nHost: x\r\nContent-Type: image/jpeg\r\nContent-Length: {len(photo)}\r\n\r\n"
    begun = [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"GET /page/card.png HTTP/1.1\r\nHost: x\r\n\r\n"]
    with contextlib.ExitStack() as opened:
        lines = 0
        while target.goes_on:
            with contextlib.suppress(OSError):
                line = opened.enter_context(_narrow(target.port, f"127.0.0.{lines % ADDRESSES + 2}"))
                line.sendall(begun[lines % 2] + head.encode() + photo)
                target.note("asked")
            lines += 1
            time.sleep(0.005 if lines < EACH * ADDRESSES else 0.1)


def _narrow(port: int, address: str) -> socket.socket:
    """A connection by which little goes at a time, so that answers wait in the server and not in the system."""
    line = socket.socket()
    line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    line.settimeout(5)
    try:
        line.bind((address, 0))
        line.connect(("127.0.0.1", port))
    except OSError:
        line.close()
        raise
    return line


def own_pages(target: Target) -> None:
    """Each line asks for the page under a name of its own, reads hardly anything, with many requests behind that."""
    more = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n" * 2_000
    with contextlib.ExitStack() as opened:
        lines = 0
        while target.goes_on:
            with contextlib.suppress(OSError):
                line = opened.enter_context(_narrow(target.port, f"127.0.0.{lines % ADDRESSES + 2}"))
                line.setblocking(False)
                line.send(f"GET / HTTP/1.1\r\nHost: h{lines}.example\r\n\r\n".encode() + more)
                target.note("asked")
            lines += 1
            time.sleep(0.005 if lines < EACH * ADDRESSES else 0.1)


def held_json(target: Target) -> None:
    """Bodies of JSON of ten megabytes that come at once but for their end, from two addresses, again and again."""
    kind = "Host: x\r\nContent-Type: application/json\r\nContent-Length: 9900000\r\n\r\n"
    with contextlib.ExitStack() as opened:
        number = 0
        while target.goes_on:
            with contextlib.suppress(OSError):
                address = f"127.0.0.{number % 2 + 2}"
                line = opened.enter_context(socket.create_connection(("127.0.0.1", target.port), 1, (address, 0)))
                line.sendall(f"POST /api/v1/analyze HTTP/1.1\r\n{kind}".encode() + bytes(9_890_000))
                target.note("held")
            number += 1
            time.sleep(0.05)


def reading_with_bodies(target: Target) -> None:
    """GETs with a body, at an address whose answer does not end."""

    def send(client: httpx.Client, number: int) -> httpx.Response:
        return client.request("GET", f"gradio_api/heartbeat/{number}", content=b"{}")

    target.together(send, 20)


def behind_streams(target: Target) -> None:
    """Bytes behind requests whose answers do not end: the progress of an upload that goes on."""
    asks = b"GET /gradio_api/upload_progress?upload_id=slow HTTP/1.1\r\nHost: x\r\n\r\n"
    with contextlib.ExitStack() as opened:
        sending = opened.enter_context(target.connect())
        sending.sendall(upload_head("?upload_id=slow"))
        lines: dict[int, socket.socket] = {}
        while target.goes_on:
            sending.sendall(bytes(20_000))
            for number in range(5 * ADDRESSES):
                try:
                    if number not in lines:
                        whose = (f"127.0.0.{number % ADDRESSES + 2}", 0)
                        line = opened.enter_context(socket.create_connection(("127.0.0.1", target.port), 5, whose))
                        line.sendall(asks)
                        line.setblocking(False)
                        lines[number] = line
                    lines[number].send(b"GET /" + bytes(60_000))
                    target.note("sent")
                except BlockingIOError:
                    pass
                except OSError:
                    if number in lines:
                        lines.pop(number).close()
            time.sleep(0.1)
