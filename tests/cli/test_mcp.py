"""``emotion mcp`` with the same package's real client, over stdio and over HTTP."""

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.types import Message, Receive, Scope, Send

from emotion_core.cli.mcp_calls import MOST_BESIDES, ShortCalls, sent
from emotion_core.page.example_clip import write_drawn_clip
from emotion_core.serving.refusals import ApiError
from support.page_server import ROOT
from support.waiting import free_port, until

mcp = pytest.importorskip("mcp", reason="the extra mcp is not installed")
COMMAND = ["-m", "emotion_core", "mcp", "--detector", "haar", "--model", "fer2013-custom-cnn"]
KEY = "a key of sixteen characters and more"


@pytest.fixture(scope="module")
def photo(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray) -> Path:
    path = tmp_path_factory.mktemp("mcp") / "photo.png"
    Image.fromarray(astronaut).save(path)
    return path


def test_over_standard_input_and_output(photo: Path) -> None:
    clip = write_drawn_clip(photo.with_name("clip.mp4"), seconds=1)
    steps = []

    async def told(done: float, _total: float | None, _words: str | None) -> None:
        steps.append(done)

    async def talk() -> tuple[Any, ...]:
        server = mcp.StdioServerParameters(command=sys.executable, args=COMMAND, cwd=str(ROOT))
        async with mcp.Client(server, read_timeout_seconds=300) as client:
            tools = await client.list_tools()
            image = await client.call_tool("analyze_image", {"path": str(photo)})
            video = await client.call_tool("analyze_video", {"path": str(clip)}, progress_callback=told)
            missing = await client.call_tool("analyze_image", {"path": str(photo.with_name("nobody.png"))})
            return tools, image, video, missing

    tools, image, video, missing = asyncio.run(talk())
    assert [tool.name for tool in tools.tools] == ["analyze_image", "analyze_video"]
    [face] = image.structured_content["faces"]
    assert face["emotion"] == "happy"
    assert video.structured_content is not None, video.content
    assert video.structured_content["frames"] == 25
    assert steps == sorted(steps)
    assert steps[-1] == 1
    assert missing.is_error
    assert "no file 'nobody.png'" in missing.content[0].text


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where a server keeps files, with the folder of one that was killed; at the end all is deleted."""
    (tmp_path / "emotion-left").mkdir()
    (tmp_path / "emotion-left" / ".lock").touch()
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    yield tmp_path
    assert list(tmp_path.iterdir()) == []


def test_over_http(photo: Path, monkeypatch: pytest.MonkeyPatch, kept: Path) -> None:
    """The server's files stay private; bodies are bounded; the key is required; each address has its rate limit.

    Videos lie where the next start finds those of a process that was killed.
    """
    clips = list[Path]()
    monkeypatch.setenv("EMOTION_API_KEY", KEY)
    monkeypatch.setenv("EMOTION_RATE_LIMIT", "6")
    port = free_port()
    url = f"http://127.0.0.1:{port}/mcp"
    with subprocess.Popen([sys.executable, *COMMAND, "--http", str(port)], cwd=ROOT) as process:
        try:
            until(lambda: _status(url) == 401, 120, process)
            from mcp.client.streamable_http import streamable_http_client

            content = base64.b64encode(photo.read_bytes()).decode()
            long, short = (
                base64.b64encode(write_drawn_clip(photo.with_name(f"{seconds}.mp4"), seconds=seconds).read_bytes())
                for seconds in (30, 1)
            )

            async def left_and_next(client: Any) -> list[float]:
                begun, steps = asyncio.Event(), []

                async def first(done: float, _total: float | None, _words: str | None) -> None:
                    if done:
                        begun.set()

                async def told(done: float, _total: float | None, _words: str | None) -> None:
                    steps.append(done)

                call = client.call_tool("analyze_video", {"video_base64": long.decode()}, progress_callback=first)
                task = asyncio.create_task(call)
                await asyncio.wait_for(begun.wait(), 120)
                clips.extend(kept.glob("emotion-*/clips/*/clip"))
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                await client.call_tool("analyze_video", {"video_base64": short.decode()}, progress_callback=told)
                return steps

            async def talk() -> tuple[Any, ...]:
                import httpx2

                headers = {"Authorization": f"Bearer {KEY}"}
                async with (
                    httpx2.AsyncClient(headers=headers, timeout=60) as http,
                    mcp.Client(streamable_http_client(url, http_client=http)) as client,
                ):
                    image = await client.call_tool("analyze_image", {"image_base64": content})
                    named = await client.call_tool("analyze_image", {"path": str(photo)})
                    nothing = await client.call_tool("analyze_image", {"image_base64": "no base64!"})
                    waited = await left_and_next(client)
                    over = [await client.call_tool("analyze_video", {"video_base64": "AAAA"}) for _ in range(9)]
                    return image, named, nothing, waited, over

            image, named, nothing, waited, over = asyncio.run(talk())
            # Work for a client that left does not delay the next one: each second of waiting reports a 0.
            assert waited[-1] == 1
            assert waited.count(0) < 5
            told = [call.content[0].text for call in over]
            assert all(call.is_error for call in over)
            assert "not a video" in told[0]
            assert "Too many calls of yours within a minute. Try again in" in told[-1]
            assert image.structured_content["faces"][0]["emotion"] == "happy"
            assert named.is_error
            assert "not base64" in nothing.content[0].text
            refuses_what_is_long(url)
            assert len(clips) == 1
        finally:
            process.terminate()


def refuses_what_is_long(url: str) -> None:
    headers = {"Accept": "application/json, text/event-stream", "Authorization": f"Bearer {KEY}"}
    large = httpx.post(url, content=b"x" * 21_000_000, headers=headers, timeout=60)
    assert large.status_code == 413
    assert large.json()["error"]["message"] == "The request is over 20 MB. Send a smaller or shorter file."
    call = {"jsonrpc": "2.0", "id": "x" * 1_000_000, "method": "tools/list"}
    repeated = httpx.post(url, json=call, headers=headers, timeout=60)
    assert repeated.status_code == 413
    assert "at most 100 kB besides its file" in repeated.json()["error"]["message"]


class Library:
    """What it is given: a body, and a file aside."""

    body, file = b"", ""

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        self.body = (await receive())["body"]
        self.file = sent(scope, "image_base64", json.loads(self.body)["params"]["arguments"]["image_base64"])


def given(body: bytes) -> Library:
    """What the library is given of a call with this body, which comes in two pieces."""
    pieces: list[Message] = [
        {"type": "http.request", "body": body[:70_000], "more_body": True},
        {"type": "http.request", "body": body[70_000:], "more_body": False},
    ]

    async def receive() -> Message:
        return pieces.pop(0)

    async def send(_message: Message) -> None: ...

    library = Library()
    scope = {"type": "http", "headers": [(b"content-length", str(len(body)).encode())]}
    asyncio.run(ShortCalls(library)(scope, receive, send))
    return library


def called(file: str, **more: Any) -> bytes:
    """A call with this file, and what more there is in it."""
    arguments = {"image_base64": file, "model": "\N{SNOWMAN} model"}
    call = {"jsonrpc": "2.0", "id": 1, "params": {"name": "analyze_image", "arguments": arguments}, **more}
    return json.dumps(call, ensure_ascii=False).encode()


def test_the_library_reads_no_long_file() -> None:
    """It takes several copies of it, and everybody's time."""
    file = "+/+=" * 1_000_000
    seen = given(called(file))
    assert seen.file == file
    assert seen.body == called("")
    escaped = given(called(file).replace(b"/", rb"\/").replace(b"+", rb"\u002B"))
    assert escaped.file == file
    assert given(called("+/+=")).file == "+/+="
    assert given(called("+/+=")).body == called("+/+=")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (called("", id="x" * MOST_BESIDES), 413),
        (called("", method="x" * MOST_BESIDES), 413),
        (called("", params={"name": "x" * MOST_BESIDES}), 413),
        (called("x" * MOST_BESIDES, video_base64="x" * MOST_BESIDES), 413),
        (called("x" * MOST_BESIDES, more="x" * MOST_BESIDES), 413),
        (b'{"id":' + b"1" * MOST_BESIDES + b"}", 413),
        (b'{"image_base64":"' + b"x" * MOST_BESIDES, 413),
        (called("\N{GRINNING FACE}" + "x" * MOST_BESIDES), 422),
        (called("x" * MOST_BESIDES + r"\ud83d\ude00"), 422),
        (called("x" * MOST_BESIDES + '"'), 422),
    ],
    ids=["id", "method", "tool", "two files", "more", "digits", "no end", "emoji", "surrogates", "quote"],
)
def test_a_call_is_short_besides_its_file(body: bytes, status: int) -> None:
    with pytest.raises(ApiError) as refused:
        given(body)
    assert refused.value.status == status


def _status(url: str) -> int:
    try:
        return httpx.post(url, json={}).status_code
    except httpx.TransportError:
        return 0
