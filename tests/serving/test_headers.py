"""The headers of every answer."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from emotion_core.serving.guard import Guard, is_served
from support.page_server import page_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with page_server(tmp_path_factory.mktemp("headers")) as url:
        yield url


def headers_of(on_space: bool, isolated: bool = False) -> dict[str, str]:
    """What the guard adds to an answer that has no headers of its own."""
    sent: dict[str, str] = {}

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def keep(message: Any) -> None:
        sent.update({name.decode(): value.decode() for name, value in message["headers"]})

    asyncio.run(Guard(app, on_space, isolated=isolated)({"type": "http", "path": "/"}, None, keep))  # type: ignore[arg-type]
    return sent


class TestHeaders:
    def test_on_every_kind_of_answer(self, server: str) -> None:
        paths = ("", "config", "healthz", "api/v1/models", "api/nowhere", "docs", "nowhere", "monitoring", "theme.css")
        for path in paths:
            answer = httpx.get(server + path)
            assert answer.headers["x-content-type-options"] == "nosniff", path
            assert answer.headers["referrer-policy"] == "same-origin"
            assert "camera=(self)" in answer.headers["permissions-policy"]
            assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
        page = httpx.get(server).headers
        assert "default-src 'self'" in page["content-security-policy"]
        assert "https:" not in page["content-security-policy"]
        assert page["x-frame-options"] == "SAMEORIGIN"
        assert "default-src 'none'" in httpx.get(f"{server}healthz").headers["content-security-policy"]

    def test_a_space_is_shown_in_its_frame(self) -> None:
        space, elsewhere = (headers_of(on_space) for on_space in (True, False))
        assert "https://huggingface.co" in space["content-security-policy"]
        assert "x-frame-options" not in space
        assert "huggingface" not in elsewhere["content-security-policy"]

    def test_apart_from_other_pages_where_that_is_asked_for(self) -> None:
        ways = ((False, True), (True, True), (False, False))
        apart = ["cross-origin-embedder-policy" in headers_of(on_space, isolated) for on_space, isolated in ways]
        assert apart == [True, False, False]  # the frame around a Space is not blocked

    def test_what_is_served(self) -> None:
        for path in (
            "/",
            "/gradio_api/file=/tmp/x.png",
            "/gradio_api/file=C:/x.png",
            "/gradio_api/queue/join",
            "/pwa_icon",
            "/docs",
            "/page/photo",
            "/browser/manifest.json",
            "/assets/index.js",
        ):
            assert is_served(path)
        for path in (
            "/gradio_api/file=https://x",
            "//gradio_api/proxy=x",
            "/gradio_api/file= ftp://x",
            "/monitoring/x",
            "/pwa_icon/60000",
            "/login",
            "//login/",
            "/logout",
            "/svelte/x",
            "/gradio_api/token",
            "/gradio_api/custom_component/a/client/component/x.js",
        ):
            assert not is_served(path)
