"""REST on a real server: every answer, every refusal, every limit."""

import asyncio
import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import numpy as np
import pytest
from fastapi import FastAPI

from emotion_core import EmotionRecognizer, Settings
from emotion_core.recognition.bundle import EMBEDDED
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.serving.refusals import answer_errors
from support.rest_client import analyze
from support.rest_server import refusal, serving

ROOT = Path(__file__).parents[2]


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
        wrapped = base64.encodebytes(empty).decode()  # with line breaks, as written by the base64 command
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
    monitored = httpx.head(f"{url}/healthz")
    assert (monitored.status_code, monitored.content) == (200, b"")


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
            (b'{"images": ["", "", "", "", "", ""]}', 413, "too_many", "more pictures than the 5"),
        ],
    )
    def test_json(self, url: str, body: bytes, status: int, code: str, words: str) -> None:
        headers = {"Content-Type": "application/json; charset=utf-8"}
        refusal(httpx.post(f"{url}/api/v1/analyze", content=body, headers=headers), status, code, words)

    def test_forms(self, url: str, empty: bytes) -> None:
        address = f"{url}/api/v1/analyze"
        boundary = {"Content-Type": "multipart/form-data; boundary=x"}
        refusal(httpx.post(address, content=b"nonsense", headers=boundary), 400, "bad_request", "multipart")
        many = b'--x\r\nContent-Disposition: form-data; name="image"; z="' + b";" * 3000 + b"\r\n\r\n-\r\n--x--\r\n"
        refusal(httpx.post(address, content=many, headers=boundary), 400, "bad_request", "parameters")
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


def test_nothing_of_a_visitor_is_logged(url: str, caplog: pytest.LogCaptureFixture, capfd: Any) -> None:
    with caplog.at_level("DEBUG", "emotion_core"):
        httpx.post(f"{url}/api/v1/analyze", files={"image": ("anna-at-home.jpg", b"broken")})
        httpx.post(f"{url}/api/v1/analyze?model=anna-at-home", files={"image": ("anna-at-home.jpg", b"broken")})
        httpx.get(f"{url}/api/v1/anna-at-home")
    written = capfd.readouterr()
    assert "anna" not in caplog.text + written.out + written.err
