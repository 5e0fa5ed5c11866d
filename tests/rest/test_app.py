"""REST on a real server: every answer, every refusal, every limit."""

import asyncio
import base64
import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.openapi.models import OpenAPI
from PIL import Image

from emotion_core import EmotionRecognizer, FrameResult, Settings
from emotion_core.images import RGB
from emotion_core.page.example_clip import write_drawn_clip
from emotion_core.recognition.bundle import EMBEDDED
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.rest.limits import RateLimiter
from emotion_core.serving.addresses import client_address
from emotion_core.serving.refusals import answer_errors
from emotion_core.serving.video_queue import VideoDesk
from support.openapi_check import check, fits
from support.rest_server import LineCounter, connection, encoded, refusal, serving

ROOT = Path(__file__).parents[2]
KEY = "a key of the tests"
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def url(recognizer: EmotionRecognizer) -> Iterator[str]:
    with serving(recognizer, Settings(rate_limit=0, max_request_mb=2, max_images=5), LineCounter()) as address:
        yield address


@pytest.fixture(scope="module")
def jpeg(astronaut: np.ndarray) -> bytes:
    return encoded(Image.fromarray(astronaut), "JPEG")


@pytest.fixture(scope="module")
def empty() -> bytes:
    return encoded(Image.new("RGB", (64, 48), "gray"), "PNG")


def analyze(url: str, *files: bytes, **options: Any) -> httpx.Response:
    return httpx.post(f"{url}/api/v1/analyze", files=[("image", file) for file in files], timeout=20, **options)


class TestAnalyze:
    def test_one_file(self, url: str, jpeg: bytes) -> None:
        [frame] = analyze(url, jpeg).raise_for_status().json()["results"]
        assert (frame["width"], frame["height"], len(frame["faces"])) == (512, 512, 1)
        assert frame["faces"][0]["emotion"] == "happy"
        assert sum(frame["faces"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)

    def test_many_files_and_a_bad_one(self, url: str, jpeg: bytes, empty: bytes) -> None:
        answer = analyze(url, jpeg, b"no picture", empty)
        assert answer.status_code == 200
        face, error, nobody = answer.json()["results"]
        assert face["faces"][0]["emotion"] == "happy"
        assert nobody["faces"] == []
        assert error["error"]["code"] == "unreadable_image"
        assert error["error"]["field"] == "image.1"

    def test_base64(self, url: str, jpeg: bytes, empty: bytes) -> None:
        text = base64.b64encode(jpeg).decode()
        wrapped = base64.encodebytes(empty).decode()  # with line ends, as the command base64 writes it
        for body, faces in [
            ({"image": text}, [1]),
            ({"image": f"data:image/jpeg;base64,{text}"}, [1]),
            ({"images": [wrapped, text]}, [0, 1]),
        ]:
            answer = httpx.post(f"{url}/api/v1/analyze", json=body).raise_for_status()
            assert [len(frame["faces"]) for frame in answer.json()["results"]] == faces

    def test_a_named_model(self, url: str, jpeg: bytes) -> None:
        answer = analyze(url, jpeg, params={"model": "fer2013-resnet50v2"})
        assert answer.json()["results"][0]["model"] == "fer2013-resnet50v2"
        error = refusal(analyze(url, jpeg, params={"model": "../nope"}), 422, "unknown_model", "fer2013-resnet50v2")
        assert error["field"] == "model"

    def test_many_at_once(self, url: str, jpeg: bytes, empty: bytes) -> None:
        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda file: analyze(url, file), [jpeg, empty, b"?"] * 5))
        assert [answer.status_code for answer in answers] == [200, 200, 422] * 5
        faces = [len(answer.json()["results"][0]["faces"]) for answer in answers if answer.status_code == 200]
        assert faces == [1, 0] * 5


def test_models_and_health(url: str) -> None:
    model, *others = httpx.get(f"{url}/api/v1/models").json()["models"]
    assert {other["name"] for other in others} == {path.name for path in EMBEDDED.iterdir()} - {model["name"]}
    assert not any(other["default"] for other in others)
    config = json.loads((ROOT / "emotion_core/bundles/fer2013-resnet50v2/config.json").read_text())
    assert model["default"] is True
    assert model["labels"] == config["labels"]
    assert model["figures"]["private"]["accuracy"] == config["metrics"]["private"]["accuracy"]
    assert httpx.get(f"{url}/healthz").json() == {"status": "ok", "model": "fer2013-resnet50v2"}


def test_other_embedded_models_load_when_asked_for(
    recognizer: EmotionRecognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, astronaut: np.ndarray
) -> None:
    source = ROOT / "emotion_core/bundles/fer2013-resnet50v2"
    config = json.loads((source / "config.json").read_text())
    (tmp_path / "second").mkdir()
    (tmp_path / "second/config.json").write_text(json.dumps({**config, "name": "second", "metrics": {}}))
    (tmp_path / "second/model.tflite").symlink_to(source / "model.tflite")
    monkeypatch.setattr("emotion_core.recognition.catalogue.EMBEDDED", tmp_path)
    catalogue = Catalogue(recognizer)
    assert [(model["name"], model["default"], bool(model["figures"])) for model in catalogue.describe()] == [
        ("fer2013-resnet50v2", True, True),
        ("second", False, False),
    ]
    assert catalogue.get("second").analyze(astronaut).model == "second"
    assert catalogue.get("second") is catalogue.get("second")


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "status", "code", "words"),
        [
            (b"{", 400, "bad_request", "JSON"),
            (b'{"picture": "x"}', 422, "invalid_request", "not permitted"),
            (b'{"image": 7}', 422, "invalid_request", "string"),
            (b'{"images": ["", 7]}', 422, "invalid_request", "string"),
            (b"{}", 422, "invalid_request", "either 'image' or 'images'"),
            (b'{"images": []}', 422, "invalid_request", "at least one"),
            (b'{"image": "photo.jpg"}', 422, "unreadable_image", "base64"),
            ('{"image": "größe"}'.encode(), 422, "unreadable_image", "base64"),
            (b'{"image": "aGVsbG8="}', 422, "unreadable_image", "not a picture"),
            (b'{"image": ""}', 422, "unreadable_image", "empty"),
            (b'{"images": ["", "", "", "", "", ""]}', 413, "too_many", "6 pictures are more than the 5"),
        ],
    )
    def test_json(self, url: str, body: bytes, status: int, code: str, words: str) -> None:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        refusal(httpx.post(f"{url}/api/v1/analyze", content=body, headers=headers), status, code, words)

    def test_forms(self, url: str, empty: bytes) -> None:
        address = f"{url}/api/v1/analyze"
        boundary = {"Content-Type": "multipart/form-data; boundary=x"}
        refusal(httpx.post(address, content=b"nonsense", headers=boundary), 400, "bad_request", "multipart")
        no_boundary = {"Content-Type": "multipart/form-data"}
        refusal(httpx.post(address, content=b"--x", headers=no_boundary), 400, "bad_request", "boundary")
        refusal(httpx.post(address, content=b"--x--\r\n", headers=boundary), 422, "invalid_request", "at least one")
        wrong = refusal(httpx.post(address, files={"photo": empty}), 422, "invalid_request", "'image'")
        assert wrong["field"] == "photo"
        text = httpx.post(address, files={"image": (None, b"photo.jpg")})
        refusal(text, 422, "invalid_request", "the @ of -F")
        refusal(analyze(url, b"no picture"), 422, "unreadable_image", "not a picture")
        refusal(analyze(url, empty[:60]), 422, "unreadable_image", "damaged")
        refusal(analyze(url, *[empty] * 6), 413, "too_many", "of one request")

    def test_other_types(self, url: str, jpeg: bytes) -> None:
        for kind in ("image/jpeg", "text/plain", ""):
            answer = httpx.post(f"{url}/api/v1/analyze", content=jpeg, headers={"Content-Type": kind})
            refusal(answer, 415, "unsupported_media_type", "multipart/form-data")

    def test_other_addresses_and_methods(self, url: str) -> None:
        for path in ("/api", "/api/v1", "/api/v1/analyse", "/api/v1/models/", "/api/v2/models"):
            refusal(httpx.get(url + path), 404, "not_found", "/docs")
        answer = httpx.put(f"{url}/api/v1/analyze")
        refusal(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "POST"
        assert httpx.request("PATCH", f"{url}/api/v1/video/x").headers["allow"] == "DELETE, GET"

    def test_our_own_failure(self, recognizer: EmotionRecognizer, jpeg: bytes) -> None:
        with serving(recognizer, Settings()) as url, patch.object(Catalogue, "get", side_effect=OSError("/tmp/secret")):
            refusal(analyze(url, jpeg), 500, "internal_error", "not your request's fault")


def test_fastapis_own_validation_has_the_same_shape() -> None:
    app = FastAPI()
    answer_errors(app)

    @app.get("/{number}")
    def number(number: int) -> int:
        return number

    async def ask() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
            return await client.get("/many")

    error = refusal(asyncio.run(ask()), 422, "invalid_request", "integer")
    assert error["field"] == "path.number"


class TestSize:
    @pytest.mark.parametrize("more", [b"", b"Expect: 100-continue\r\n"])
    def test_said_beforehand(self, url: str, more: bytes) -> None:
        """The refusal comes though only a piece of the body was sent, or none."""
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
        """Chunked, without a Content-Length: refused as soon as too much has come."""
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
        """One is analysed, so many of one address wait, and the next is told; another address still gets its turn."""
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

    def test_slow_bodies_take_no_place(self, recognizer: EmotionRecognizer, empty: bytes) -> None:
        """Twenty connections that never end their body: everybody else is answered, and they are not for ever."""
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
            assert statuses == [401, 401, 429]  # guessing is slow
            assert "X-API-Key" in httpx.get(f"{url}/openapi.json").text

    def test_bucket(self) -> None:
        now = 0.0
        limiter = RateLimiter(2, lambda: now)
        assert [limiter.take("a") for _ in range(3)] == [0, 0, 30]
        assert limiter.take("b") == 0
        now = 31
        assert limiter.take("a") == 0
        assert limiter.take("a") > 0
        with patch("emotion_core.rest.limits.MAX_ADDRESSES", 4):
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


def test_nothing_of_a_visitor_is_logged(url: str, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    with caplog.at_level("DEBUG", "emotion_core"):
        httpx.post(f"{url}/api/v1/analyze", files={"image": ("anna-at-home.jpg", b"broken")})
        httpx.post(f"{url}/api/v1/analyze?model=anna-at-home", files={"image": ("anna-at-home.jpg", b"broken")})
        httpx.get(f"{url}/api/v1/anna-at-home")
    written = capfd.readouterr()
    assert "anna" not in caplog.text + written.out + written.err


@pytest.fixture(scope="module")
def document(url: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{url}/openapi.json").raise_for_status().json()
    return found


class TestDescription:
    def test_openapi_is_valid_and_so_are_its_examples(self, document: dict[str, Any]) -> None:
        OpenAPI.model_validate(document)
        assert len(check(document)) > 30  # one for nearly every status of every route

    def test_every_route_tells_its_refusals(self, document: dict[str, Any]) -> None:
        analyze = document["paths"]["/api/v1/analyze"]["post"]
        assert set(analyze["responses"]) == {"200", "400", "401", "408", "413", "415", "422", "429", "503"}
        assert set(analyze["requestBody"]["content"]) == {"multipart/form-data", "application/json"}
        names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
        assert len(names) == len(set(names))

    def test_real_answers_fit_the_document(self, document: dict[str, Any], url: str, jpeg: bytes) -> None:
        for path, method, answer in [
            ("/api/v1/analyze", "post", analyze(url, jpeg, b"bad")),
            ("/api/v1/models", "get", httpx.get(f"{url}/api/v1/models")),
            ("/healthz", "get", httpx.get(f"{url}/healthz")),
        ]:
            schema = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
            fits(answer.json(), schema, document)

    def test_docs_ask_no_other_host(self, url: str) -> None:
        page = httpx.get(f"{url}/docs")
        assert not re.search(r"(https?:)?//[a-z]", page.text)
        assert "default-src 'self'" in page.headers["content-security-policy"]

    @pytest.mark.browser
    @pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
    def test_docs_in_a_browser(self, url: str, jpeg: bytes, tmp_path: Path) -> None:
        from playwright.sync_api import sync_playwright

        (tmp_path / "photo.jpg").write_bytes(jpeg)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page()
            page.set_default_timeout(60_000)
            seen, complaints = set(), []
            page.on("request", lambda sent: seen.add(sent.url.split("/")[2]))
            page.on("console", lambda message: complaints.append(message.text))
            page.goto(f"{url}/docs")
            page.get_by_text("/api/v1/analyze").click()
            box = page.locator("main > details[open]")
            box.locator("input[type=file]").set_input_files(str(tmp_path / "photo.jpg"))
            box.get_by_role("button", name="Send").click()
            box.get_by_text('"emotion": "happy"').first.wait_for()
            box.get_by_label("Send as").select_option("application/json")
            box.get_by_role("button", name="Send").click()
            box.get_by_text("unreadable_image").first.wait_for()
            assert {host for host in seen if host} == {url.removeprefix("http://")}
            assert [text for text in complaints if "422" not in text] == []
            browser.close()


def test_the_commands_of_the_documents(recognizer: EmotionRecognizer, jpeg: bytes, tmp_path: Path) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    told = (ROOT / "docs/api.md").read_text()
    for name in ("photo.jpg", "other.jpg"):
        (tmp_path / name).write_bytes(jpeg)
    write_drawn_clip(tmp_path / "clip.mp4", seconds=1)
    [shell] = re.findall(r"<!-- rest -->\n```bash\n(.*?)```", told, re.DOTALL)
    settings = Settings(api_key=KEY)
    with serving(recognizer, settings, VideoDesk(Catalogue(recognizer), settings).run) as url:
        environment = {**os.environ, "EMOTION_API_KEY": KEY}
        command = ["bash", "-euo", "pipefail", "-c", shell.replace("http://127.0.0.1:7860", url)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"emotion":"happy"') == 3
    assert '"analyzed_frames": 25' in done.stdout
    assert '"labels":["angry"' in done.stdout
    assert (tmp_path / "frames.csv").read_text().startswith("time_seconds,person,emotion")


def begin_upload(line: socket.socket) -> None:
    """A request whose body never comes to its end."""
    head = b"POST /api/v1/analyze HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
    line.sendall(head)
