"""The limits of REST: bytes, faces, photos at a time, and per visitor."""

import asyncio
import base64
import contextlib
import http.client
import json
import socket
import threading
import time
import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast
from unittest.mock import patch

import httpx
import pytest
from fastapi import Request
from starlette.types import Message

from emotion_core import EmotionRecognizer, FrameResult, Settings
from emotion_core.images import RGB
from emotion_core.rest.limits import MAX_IN_MEMORY, MAX_TEXT, MAX_TEXTS, read_form
from emotion_core.serving.addresses import client_address
from emotion_core.serving.callers import RateLimiter
from emotion_core.serving.refusals import ApiError
from support.rest_client import KEY, analyze
from support.rest_server import connection, refusal, serving
from support.waiting import until


class TestSize:
    @pytest.mark.parametrize("more", [b"", b"Expect: 100-continue\r\n"])
    def test_said_beforehand(self, url: str, more: bytes) -> None:
        """The refusal comes even though only part of the body was sent, or none."""
        head = b"POST /api/v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        with patch("emotion_core.serving.bodies.LINGER", 0.2), connection(url) as line:
            line.sendall(head + more + b"Content-Length: 2000001\r\n\r\n" + b"{" * (not more))
            assert line.recv(1000).startswith(b"HTTP/1.1 413")

    def test_a_client_that_sends_everything_first_hears_it_too(self, url: str) -> None:
        line = http.client.HTTPConnection(url.removeprefix("http://"), timeout=20)
        line.request("POST", "/api/v1/analyze", bytes(40_000_000), {"Content-Type": "application/json"})
        answer = line.getresponse()
        assert (answer.status, json.load(answer)["error"]["code"]) == (413, "too_large")
        line.close()

    @pytest.mark.parametrize("kind", ["application/json", "multipart/form-data; boundary=x"])
    def test_not_said(self, url: str, kind: str) -> None:
        """Chunked, without Content-Length: refused as soon as too much has arrived."""
        sent = 0

        def chunks() -> Iterator[bytes]:
            nonlocal sent
            yield b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n'
            for _ in range(40):
                sent += 100_000
                yield b"x" * 100_000

        answer = httpx.post(f"{url}/api/v1/analyze", content=chunks(), headers={"Content-Type": kind})
        refusal(answer, 413, "too_large", "over 2 MB")

    def test_just_small_enough(self, url: str, empty: bytes) -> None:
        padded = empty + bytes(1_900_000)
        assert analyze(url, padded).status_code == 200
        refusal(analyze(url, padded, bytes(200_000)), 413, "too_large")

    def test_too_slow(self, recognizer: EmotionRecognizer) -> None:
        slow = patch("emotion_core.serving.doors.PICTURES_SECONDS", 0.2)
        with slow, serving(recognizer, Settings()) as url, connection(url) as line:
            begin_upload(line)
            assert line.recv(1000).startswith(b"HTTP/1.1 408")


class TestForms:
    """What a form keeps in memory, by a parser's own account."""

    @staticmethod
    def read(files: int, size: int, most: int = 40) -> int:
        """Bytes in memory once a form of so many files of this size is read."""
        part = b'--x\r\nContent-Disposition: form-data; name="image"; filename="a"\r\n\r\n' + bytes(size) + b"\r\n"

        async def form() -> int:
            async def receive() -> Message:
                more = next(left, None)
                return {"type": "http.request", "body": more or b"--x--\r\n", "more_body": more is not None}

            left = iter([part] * files)
            headers = [(b"content-type", b"multipart/form-data; boundary=x")]
            read = await read_form(Request({"type": "http", "headers": headers}, receive), most, ApiError(413))
            contents = [cast("Any", value).file for _, value in read.multi_items()]
            kept = sum(0 if content._rolled else size for content in contents)
            await read.close()
            return kept

        return asyncio.run(form())

    def test_files(self) -> None:
        """Of 48 files of a megabyte each was kept: 24 such requests took a gigabyte."""
        assert self.read(1, 400_000) == 400_000
        assert self.read(30, 400_000) <= MAX_IN_MEMORY
        assert self.read(30, 20_000) <= MAX_IN_MEMORY
        assert self.read(30, 1) <= MAX_IN_MEMORY

    def test_many_files(self, url: str, empty: bytes) -> None:
        """Each is an open file: they are refused as they come, not when all are read."""
        with pytest.raises(ApiError) as refused:
            self.read(41, 10)
        assert refused.value.status == 413
        refusal(httpx.post(f"{url}/api/v1/analyze", files=[("image", ("a", empty))] * 90), 413, "too_many", "pictures")

    @pytest.mark.parametrize(("texts", "size"), [(1, MAX_TEXT + 1), (MAX_TEXTS + 1, 1)])
    def test_texts(self, url: str, texts: int, size: int) -> None:
        sent = [(f"{number}", (None, bytes(size))) for number in range(texts)]
        refusal(httpx.post(f"{url}/api/v1/analyze", files=sent), 400, "bad_request", "multipart")


class TestLimits:
    def test_rate(self, recognizer: EmotionRecognizer, empty: bytes) -> None:
        with serving(recognizer, Settings(rate_limit=3)) as url:
            answers = [analyze(url, empty, headers={"X-Forwarded-For": f"192.0.2.{n}"}) for n in range(5)]
            assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
            refusal(answers[3], 429, "rate_limited", "more slowly")
            assert 1 <= int(answers[3].headers["retry-after"]) <= 20
            assert httpx.get(f"{url}/api/v1/models").status_code == 200  # costs nothing

    def test_rate_behind_a_proxy(self, recognizer: EmotionRecognizer, empty: bytes) -> None:
        with serving(recognizer, Settings(rate_limit=1, trusted_proxies=1)) as url:
            for invented in ("198.51.100.1", "198.51.100.2"):
                sent = {"X-Forwarded-For": f"{invented}, 192.0.2.1"}
                last = analyze(url, empty, headers=sent).status_code
            assert last == 429
            assert analyze(url, empty, headers={"X-Forwarded-For": "192.0.2.2"}).status_code == 200

    def test_saturation(self, recognizer: EmotionRecognizer, jpeg: bytes) -> None:
        """One is analysed, a few from one address wait, the next is refused; another address still gets a turn."""
        settings = Settings(rate_limit=0, concurrency=1, trusted_proxies=1)
        at_work, go_on = threading.Event(), threading.Event()

        def slowly(rgb: RGB) -> FrameResult:
            at_work.set()
            assert go_on.wait(60)
            return FrameResult(rgb.shape[1], rgb.shape[0], (), "x", "x")

        with serving(recognizer, settings) as url, ThreadPoolExecutor(10) as pool:

            def sent_by(address: str) -> httpx.Response:
                return analyze(url, jpeg, headers={"X-Forwarded-For": address})

            with patch.object(recognizer, "analyze_rgb", slowly), patch("emotion_core.serving.places.EACH_WAITING", 3):
                first = pool.submit(sent_by, "192.0.2.1")
                assert at_work.wait(60)
                waiting = [pool.submit(sent_by, "192.0.2.1") for _ in range(3)]
                time.sleep(1)
                answer = sent_by("192.0.2.1")
                refusal(answer, 503, "overloaded", "in a few seconds")
                assert int(answer.headers["retry-after"]) > 0
                assert httpx.get(f"{url}/healthz").status_code == 200
                other = pool.submit(sent_by, "192.0.2.2")
                time.sleep(0.5)
                go_on.set()
                answered = [call.result().status_code for call in (first, *waiting, other)]
            assert answered == [200] * 5

    @pytest.mark.parametrize("form", [True, False])
    def test_who_has_gone_is_not_answered(self, recognizer: EmotionRecognizer, empty: bytes, form: bool) -> None:
        """Six addresses sent pictures for minutes, left at once, and held the places of everybody's photos."""
        go_on, begun = threading.Event(), list[None]()

        def slowly(rgb: RGB) -> FrameResult:
            begun.append(None)
            assert go_on.wait(60)
            return FrameResult(rgb.shape[1], rgb.shape[0], (), "x", "x")

        with serving(recognizer, Settings()) as url, patch.object(recognizer, "analyze_rgb", slowly):
            text = base64.b64encode(empty).decode()
            sent: Any = {"files": [("image", ("a", empty))] * 9} if form else {"json": {"images": [text] * 9}}
            with pytest.raises(httpx.ReadTimeout):
                httpx.post(f"{url}/api/v1/analyze", **sent, timeout=1)
            until(lambda: len(begun) == 1)
            time.sleep(0.5)
            go_on.set()
            assert analyze(url, empty).status_code == 200
            time.sleep(0.5)
        assert len(begun) == 2, "its first, and the other's"

    def test_slow_bodies_take_no_place(self, recognizer: EmotionRecognizer, empty: bytes) -> None:
        """Twenty connections never finish their bodies: everyone else is answered, and they are closed in time."""
        settings, grace = Settings(rate_limit=0, concurrency=1), patch("emotion_core.serving.bodies.GRACE", 1.0)
        with serving(recognizer, settings) as url, grace, contextlib.ExitStack() as lines:
            slow = [lines.enter_context(connection(url)) for _ in range(20)]
            for line in slow:
                begin_upload(line)
            assert analyze(url, empty).status_code == 200
            for line in slow:
                assert line.recv(1000).startswith(b"HTTP/1.1 408")

    def test_key(self, recognizer: EmotionRecognizer, empty: bytes) -> None:
        with serving(recognizer, Settings(api_key=KEY, rate_limit=8)) as url:
            for headers in ({"Authorization": f"Bearer {KEY}"}, {"X-API-Key": KEY}):
                assert analyze(url, empty, headers=headers).status_code == 200
                assert httpx.get(f"{url}/api/v1/models", headers=headers).status_code == 200
            for headers in ({}, {"X-API-Key": KEY[:-1]}, {"Authorization": f"Basic {KEY}"}, {"X-API-Key": "é"}):
                sent = [(name.encode(), value.encode()) for name, value in headers.items()]
                answer = httpx.get(f"{url}/api/v1/models", headers=sent)
                refusal(answer, 401, "unauthorized", "X-API-Key")
            assert answer.headers["www-authenticate"] == "Bearer"
            assert httpx.get(f"{url}/healthz").status_code == 200
            statuses = [httpx.get(f"{url}/api/v1/models").status_code for _ in range(3)]
            assert statuses == [401, 401, 429]  # guessing is rate-limited
            assert "X-API-Key" in httpx.get(f"{url}/openapi.json").text

    def test_bucket(self) -> None:
        now = 0.0
        limiter = RateLimiter(2, lambda: now)
        assert [limiter.take("a") for _ in range(3)] == [0, 0, 30]
        assert limiter.take("b") == 0
        now = 31
        assert limiter.take("a") == 0
        assert limiter.take("a") > 0
        with patch("emotion_core.serving.callers.MAX_ADDRESSES", 4):
            for number in range(20):
                limiter.take(f"address {number}")
            assert len(limiter._buckets) <= 5

    @pytest.mark.parametrize(
        ("forwarded", "proxies", "address"),
        [
            ("192.0.2.7", 0, "203.0.113.9"),
            ("", 1, "203.0.113.9"),
            ("192.0.2.7", 1, "192.0.2.7"),
            ("invented, 192.0.2.7", 1, "192.0.2.7"),
            ("invented, 192.0.2.7, 198.51.100.1", 2, "192.0.2.7"),
            ("192.0.2.7", 3, "192.0.2.7"),
            ("2001:db8:1:2:3::4", 1, "2001:db8:1:2::/64"),
            ("192.0.2.7:4711", 1, "192.0.2.7"),
            ("[2001:db8:1:2:3::4]:4711", 1, "2001:db8:1:2::/64"),
            ("[2001:db8:1:2:3::4]", 1, "2001:db8:1:2::/64"),
            ("::ffff:192.0.2.7", 1, "192.0.2.7"),
            ("x" * 500, 1, "x" * 64),
        ],
    )
    def test_address(self, forwarded: str, proxies: int, address: str) -> None:
        scope = {
            "type": "http",
            "client": ("203.0.113.9", 1),
            "headers": [(b"x-forwarded-for", forwarded.encode())],
        }
        assert client_address(scope, proxies) == address


def test_what_was_forwarded_is_split_no_further_than_needed() -> None:
    """Gradio's queue asks for the addresses of all that wait, again and again: everybody waited for 0.8 seconds."""
    scope = {"type": "http", "headers": [(b"x-forwarded-for", b"," * 60_000 + b"192.0.2.7, 198.51.100.1")]}
    tracemalloc.start()
    try:
        assert client_address(scope, 2) == "192.0.2.7"
        assert tracemalloc.get_traced_memory()[1] < 400_000  # its parts would take megabytes
    finally:
        tracemalloc.stop()


def begin_upload(line: socket.socket) -> None:
    """Start a request whose body never ends."""
    head = b"POST /api/v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    line.sendall(head)
