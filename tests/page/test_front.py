"""The page and its configuration are made once, for every address by which the server is called."""

import asyncio
import gzip
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from unittest.mock import Mock, patch

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.testclient import TestClient
from starlette.types import Receive, Scope, Send

from emotion_core.page import front
from emotion_core.page.addressed import HOST, AddressedText, as_called
from emotion_core.page.front import FrontPage


class Made:
    """An application that counts what it makes, and tells how it was called."""

    def __init__(self) -> None:
        self.count: Counter[str] = Counter()
        self.refuses = False
        self.together = self.most = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path, root = scope["path"], str(Request(scope).base_url).rstrip("/")
        self.count[path] += 1
        self.together += 1
        self.most = max(self.most, self.together)
        await asyncio.sleep(0.01)
        self.together -= 1
        query, names = scope["query_string"].decode(), [name.decode() for name, _ in scope["headers"]]
        told = {"root": root, "query": query, "names": names, "filling": "x" * 70_000}
        answer: Any = JSONResponse(told, 404 if self.refuses else 200)
        if path == "/":
            answer = HTMLResponse(f'<head><base href="./"></head><body>{root} and {root}</body>')
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
    assert made.count[path] == 1


@pytest.mark.parametrize("host", ["a", "A.example:8000", "127.0.0.1", "[::1]:7860", "x" * 200, "x_y"])
@pytest.mark.parametrize("kind", ["gzip", "identity"])
def test_everybody_gets_the_address_by_which_he_called(made: Made, client: TestClient, host: str, kind: str) -> None:
    """Made for none of them: a visitor can make up any number, and each took 150 ms of everybody's time."""
    for called in ("usual", host):
        for scheme in ("http", "https"):
            sent = {"Host": called, "X-Forwarded-Proto": scheme, "Accept-Encoding": kind}
            answer = client.get("/config", headers=sent)
            assert answer.json()["root"] == f"{scheme}://{called}"
            assert int(answer.headers["content-length"]) == answer.num_bytes_downloaded
            page = client.get("/", headers=sent).text
            assert page.count(f"{scheme}://{called} and {scheme}://{called}<") == 1
            assert f'content="{scheme}://{called}/"' in page
            assert HOST.decode() not in page
    assert made.count == {"/": 1, "/config": 1}


@pytest.mark.parametrize(
    "host", ["", "x:y:z", "[::1", "999.999.999.999", "a@b", "x/../y", "'<script>", "x" * 999, "a:99999"]
)
def test_what_names_no_host_is_passed_over(made: Made, host: str) -> None:
    for headers in ({"Host": host}, {"Host": host, "X-Forwarded-Host": host}):
        for behind_proxy in (True, False):
            client = TestClient(FrontPage(made, behind_proxy=behind_proxy))
            assert client.get("/config", headers=headers).json()["root"] == "http://testserver:80"
            assert httpx.URL(client.get("/else", headers=headers).json()["root"]).host == "testserver"


def test_what_a_proxy_says_is_heeded_if_it_is_trusted(made: Made) -> None:
    headers = {"X-Forwarded-Host": "called.example, near", "X-Gradio-Server": "http://elsewhere.example"}
    for path in ("/config", "/else"):
        for behind_proxy, root in ((True, "http://called.example"), (False, "http://usual")):
            client = TestClient(FrontPage(made, behind_proxy=behind_proxy))
            told = client.get(path, headers={"Host": "usual", **headers}).json()
            assert told["root"] == root
            assert not {"x-forwarded-host", "x-gradio-server"} & {*told["names"]}


def test_every_header_but_the_addresses_is_passed_on() -> None:
    sent = [(b"host", b"a"), (b"cookie", b"b"), (b"x-forwarded-for", b"c"), (b"x-gradio-server", b"d")]
    called = as_called({"type": "http", "headers": sent, "path": "/else"}, behind_proxy=False)
    assert sorted(called["headers"]) == [(b"cookie", b"b"), (b"host", b"a"), (b"x-forwarded-for", b"c")]


@pytest.mark.parametrize("query", ["a=1", "__theme=dark", "deep_link=x", "page=nowhere", "page="])
def test_a_query_is_the_browsers_to_answer(made: Made, client: TestClient, query: str) -> None:
    assert client.get(f"/?{query}").text == client.get("/").text
    assert client.get(f"/config?{query}").json()["query"] == ""
    assert made.count == {"/": 1, "/config": 1}


@pytest.mark.parametrize("path", ["/gradio_api/info", "/gradio_api/info/"])
def test_the_list_of_endpoints_is_made_twice(made: Made, client: TestClient, path: str) -> None:
    """With what only the page calls, as the Python client asks for it, and without."""
    for query, made_with in (("", "page="), ("?page=x", "page="), ("?all_endpoints=True&x=1", "all_endpoints=True")):
        assert [client.get(f"{path}{query}").json()["query"] for _ in range(2)] == [made_with] * 2
    assert made.count == {"/gradio_api/info": 2}


def test_one_is_made_at_a_time(made: Made) -> None:
    """Who comes meanwhile waits for it, and makes none."""

    async def together() -> None:
        transport = httpx.ASGITransport(FrontPage(made))
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            await asyncio.gather(*(client.get(f"/{'config' * (number % 2)}?{number}") for number in range(20)))

    asyncio.run(together())
    assert made.count == {"/": 1, "/config": 1}
    assert made.most == 1


def test_a_refusal_is_passed_on_and_not_kept(made: Made, client: TestClient) -> None:
    made.refuses = True
    assert [client.get("/config").status_code for _ in range(2)] == [404, 404]
    made.refuses = False
    assert client.get("/config").status_code == 200
    assert made.count["/config"] == 3


@pytest.mark.parametrize("content", [b"", b"http://%s", b"a http://%s b" * 9, b"\0" * 100_000 + b"http://%s" * 2])
def test_a_text_of_pieces_is_one_gzip_file(content: bytes) -> None:
    text = AddressedText(content.replace(b"%s", HOST))
    for address in (b"http://a", b"https://" + b"b" * 300):
        whole = content.replace(b"http://%s", address)
        assert text.plain(address) == gzip.decompress(text.gzipped(address)) == whole


def test_other_answers_pass(made: Made, client: TestClient) -> None:
    for _ in range(2):
        assert "content-encoding" not in client.get("/else").headers
    assert made.count["/else"] == 2


def test_the_page_is_finished(client: TestClient) -> None:
    page = client.get("/").text
    assert "og:title" in page
    assert "a.js" in page


def test_the_preview_is_made_once() -> None:
    """A hundred who asked for it of a new server had it made forty times at once: everybody waited for four seconds."""
    made: list[None] = []

    def slowly(_catalogue: Any) -> bytes:
        made.append(None)
        time.sleep(0.2)
        return b"a picture"

    with patch.object(front, "share_card", slowly), ThreadPoolExecutor(8) as pool:
        [shared] = [route.endpoint for route in front.front_routes(Mock()) if route.path == "/page/card.png"]
        assert {bytes(answer.body) for answer in pool.map(shared, range(8))} == {b"a picture"}
    assert len(made) == 1
