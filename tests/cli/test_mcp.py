"""``emotion mcp`` with the same package's real client, over stdio and over HTTP."""

import asyncio
import base64
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from emotion_core.page.example_clip import write_drawn_clip
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


def test_over_http(photo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's files stay private; bodies are bounded; the key is required; each address has its rate limit."""
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
            large = httpx.post(url, content=b"x" * 21_000_000, headers={"Authorization": f"Bearer {KEY}"}, timeout=60)
            assert large.status_code == 413
            assert large.json()["error"]["message"] == "The request is over 20 MB. Send a smaller or shorter file."
        finally:
            process.terminate()


def _status(url: str) -> int:
    try:
        return httpx.post(url, json={}).status_code
    except httpx.TransportError:
        return 0
