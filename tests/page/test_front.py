"""The page and its configuration are made once for each address, not for each request."""

from collections import Counter
from typing import Any

import pytest
from starlette.responses import HTMLResponse, JSONResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from emotion_core.page import front
from emotion_core.page.front import FrontPage


class Made:
    """An application that counts what it makes."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        self.count[path] += 1
        host = dict(scope["headers"])[b"host"].decode()
        answer: Any = JSONResponse({"root": host}, 404 if b"lost" in scope["query_string"] else 200)
        if path == "/":
            answer = HTMLResponse(f'<head><base href="./"></head><body>{host}</body>')
        await answer(scope, receive, send)


@pytest.fixture
def made() -> Made:
    return Made()


@pytest.fixture
def client(made: Made) -> TestClient:
    return TestClient(FrontPage(made, hints=["a.js"]))


@pytest.mark.parametrize("path", ["/", "/config"])
def test_made_once(made: Made, client: TestClient, path: str) -> None:
    answers = [client.get(path) for _ in range(3)]
    assert len({answer.text for answer in answers}) == 1
    assert len({str(answer.headers) for answer in answers}) == 1
    assert answers[0].headers["content-encoding"] == "gzip"
    assert made.count[path] == 1
    plain = client.get(path, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.text == answers[0].text
    assert int(plain.headers["content-length"]) == len(plain.content)
    head = client.head(path)
    assert head.status_code == 200
    assert head.content == b""
    assert head.headers["content-length"] == answers[0].headers["content-length"]
    assert made.count[path] == 2


@pytest.mark.parametrize("header", ["Host", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Gradio-Server"])
def test_everybody_gets_the_address_by_which_he_called(made: Made, client: TestClient, header: str) -> None:
    client.get("/config")
    client.get("/config", headers={header: "https"})
    assert made.count["/config"] == 2
    if header == "Host":
        assert client.get("/config", headers={header: "https"}).json() == {"root": "https"}


def test_few_are_kept(made: Made, client: TestClient) -> None:
    """However many names the server is called by, and however long they are."""
    kept = client.app._kept  # type: ignore[attr-defined]
    for number in range(40):
        client.get("/", headers={"Host": f"host{number}"})
        client.get("/", headers={"Host": "usual"})
    assert len(kept) == front._KEPT
    assert made.count["/"] == 41
    client.get("/", headers={"Host": "a" * 1_000})
    client.get("/?deep_link=x")
    assert client.get("/config?lost=1").status_code == 404
    assert made.count["/"] == 43
    assert all(len(str(key)) < 1_000 and "deep_link" not in str(key) for key in kept)


def test_other_answers_pass(made: Made, client: TestClient) -> None:
    for _ in range(2):
        assert "content-encoding" not in client.get("/else").headers
    assert made.count["/else"] == 2


def test_the_page_is_finished(client: TestClient) -> None:
    page = client.get("/").text
    assert "og:title" in page
    assert "a.js" in page
