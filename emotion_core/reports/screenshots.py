"""The page as a visitor sees it, photographed in a browser where one is at hand."""

import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from PIL import Image

from ..errors import ToolError
from ..images import RGB

APP: Final = Path(__file__).parents[2] / "app.py"
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_HEIGHT, _GAP = 860, 40
#: A screen on a desk and a phone in the evening: width, colours, and whether to scroll down to the answer.
_VIEWS: Final = ((1280, "light", False), (390, "dark", True))
_START_SECONDS: Final = 120


def photograph_page(photo: RGB, model: str | None = None) -> bytes | None:
    """Start the application, give it a photo and take a PNG of its answer, on a desk's screen and on a phone's.

    model: as for ``EMOTION_MODEL``. None, with the reason printed, where Playwright or a browser is
    missing or fails, or no face is found. Raises EmotionError when the application does not start.
    """
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        browser = None
    if browser is None or not APP.is_file():
        print("No picture of the page: that takes a clone, Playwright (requirements-dev.txt) and Chromium.")
        return None
    with TemporaryDirectory() as folder, _served(model) as url, sync_playwright() as playwright:
        file = Path(folder) / "photo.png"
        Image.fromarray(photo).save(file)
        try:
            chromium = playwright.chromium.launch(executable_path=browser)
            views = [_view(chromium, url, file, *view) for view in _VIEWS]
            chromium.close()
        except Error as error:
            print(f"No picture of the page: {error.message.splitlines()[0]}")
            return None
    whole = Image.new("RGB", (sum(view.width for view in views) + _GAP, _HEIGHT), "white")
    whole.paste(views[0], (0, 0))
    whole.paste(views[1], (whole.width - views[1].width, 0))
    png = io.BytesIO()
    whole.save(png, "PNG", optimize=True)
    return png.getvalue()


def _view(chromium: Any, url: str, photo: Path, width: int, colours: str, scroll: bool) -> Image.Image:
    page = chromium.new_page(viewport={"width": width, "height": _HEIGHT}, color_scheme=colours)
    page.set_default_timeout(60_000)
    page.goto(url)
    page.locator("input[type=file]").first.set_input_files(photo)
    page.locator("#image .face").first.wait_for()
    if scroll:
        page.locator("#image .stage").evaluate("photo => photo.scrollIntoView()")
    page.wait_for_timeout(1500)  # until pictures are shown and bars have grown
    taken = Image.open(io.BytesIO(page.screenshot()))
    page.close()
    return taken


@contextmanager
def _served(model: str | None) -> Iterator[str]:
    """The address of the application in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # This port or none: another may be somebody else's.
    settings = {"GRADIO_SERVER_NAME": "127.0.0.1", "GRADIO_SERVER_PORT": str(port), "GRADIO_NUM_PORTS": "1"}
    settings |= {"EMOTION_MODEL": model} if model else {}
    quiet = subprocess.DEVNULL
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([sys.executable, APP], env={**os.environ, **settings}, stdout=quiet, stderr=quiet) as process:
        try:
            end = time.monotonic() + _START_SECONDS
            while not _answers(f"{url}/healthz"):
                if process.poll() is not None or time.monotonic() > end:
                    raise ToolError("The application did not start: see what `python app.py` says.")
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()


def _answers(url: str) -> bool:
    try:
        urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 (an address of ours)
    except OSError:
        return False
    return True
