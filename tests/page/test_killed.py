"""A server that is killed while a visitor views a photo, and restarted."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from support.page_server import ROOT
from support.waiting import free_port, is_up, until

pytestmark = pytest.mark.browser


def started(port: int, folder: Path) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder),
        "EMOTION_DETECTOR": "haar",
        "EMOTION_MODEL": "fer2013-custom-cnn",
    }
    process = subprocess.Popen([sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=subprocess.DEVNULL)
    until(lambda: is_up(f"http://127.0.0.1:{port}/"), 300, process)
    return process


def test_the_photo_outlives_the_server(chromium: Any, photos: Path, tmp_path: Path) -> None:
    """The new photo is shown without the previous answer, reported as kept, and answered on retry."""
    port = free_port()
    server = started(port, tmp_path / "first")
    page = chromium.new_page()
    page.set_default_timeout(60_000)
    loads: list[str] = []
    try:
        page.goto(f"http://127.0.0.1:{port}/")
        file = page.locator("#image input[type=file]")
        file.set_input_files(str(photos / "montage.jpg"))
        page.locator("#image h2").get_by_text("3 faces: 3 happy", exact=True).wait_for()
        page.on("framenavigated", lambda frame: loads.append(frame.url))
        server.kill()
        server.wait()
        # The previous answer stays, and can still be saved.
        assert page.locator("#image .face").count() == 3
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save picture").click()
        assert Path(saved.value.path()).stat().st_size > 10_000
        file.set_input_files(str(photos / "astronaut.png"))
        page.locator("#image .help").get_by_text("Your photo is still here: try again in a moment.").wait_for()
        assert page.locator("#image .face, #image .box").count() == 0
        assert page.locator("#image .frame img").evaluate("image => image.naturalWidth") == 512
        server = started(port, tmp_path / "second")
        page.wait_for_timeout(3000)  # for Gradio to reconnect
        assert page.locator("#image .frame img").evaluate("image => image.naturalWidth") == 512
        page.get_by_role("button", name="Try again").click()
        page.locator("#image h2").get_by_text("1 face: happy", exact=True).wait_for()
        assert page.locator("#image .help").is_hidden()
        assert loads == []  # the page was not reloaded, which would have lost the photo
    finally:
        server.terminate()
        server.wait(60)
        page.close()
