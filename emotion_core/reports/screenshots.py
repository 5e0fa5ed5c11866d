"""Screenshots of the page as a visitor sees it, if a browser is installed."""

import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from PIL import Image

from ..errors import MissingPackageError, ToolError
from ..images import RGB

APP: Final = Path(__file__).parents[2] / "app.py"
_BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
_HEIGHT, _GAP = 860, 40
_START_SECONDS: Final = 120


@dataclass(frozen=True, slots=True)
class View:
    """One view of the page."""

    #: Screen size in pixels.
    width: int
    height: int = _HEIGHT
    #: "light" or "dark".
    colours: str = "light"
    #: Whether to scroll down to the answer.
    scroll: bool = False


#: For the presentation: a desktop screen, and a phone in dark mode.
_SLIDE: Final = (View(1280), View(390, colours="dark", scroll=True))
#: For the README: GitHub shows the one that matches its reader's theme.
SCREENSHOTS: Final = {"page-light.webp": View(1100, 800), "page-dark.webp": View(1100, 800, "dark")}


def photograph_page(photo: RGB, model: str | None = None) -> bytes | None:
    """Start the application, give it a photo and take a PNG of its answer on a desktop and a phone screen.

    model: as for ``EMOTION_MODEL``. Returns None, printing the reason, when Playwright or a browser is
    missing or fails, or no face is found. Raises ToolError when the application does not start.
    """
    views = _photographs(photo, _SLIDE, model)
    if views is None:
        return None
    whole = Image.new("RGB", (sum(view.width for view in views) + _GAP, _HEIGHT), "white")
    whole.paste(views[0], (0, 0))
    whole.paste(views[1], (whole.width - views[1].width, 0))
    png = io.BytesIO()
    whole.save(png, "PNG", optimize=True)
    return png.getvalue()


def write_screenshots(folder: Path) -> list[Path]:
    """Write the page's answer to NASA's portrait of Eileen Collins, shipped with scikit-image, in light and dark.

    Returns the paths written, none where ``photograph_page`` would return None. Raises MissingPackageError
    without scikit-image, ToolError when the application does not start.
    """
    try:
        from skimage.data import astronaut
    except ImportError as error:
        raise MissingPackageError.for_extra("A screenshot", ("scikit-image",), "dev") from error
    taken = _photographs(np.asarray(astronaut()), tuple(SCREENSHOTS.values()), None)
    if taken is None:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    for name, picture in zip(SCREENSHOTS, taken, strict=True):
        picture.save(folder / name, quality=90, method=6)
    return [folder / name for name in SCREENSHOTS]


def _photographs(photo: RGB, views: Sequence[View], model: str | None) -> list[Image.Image] | None:
    browser = next(filter(None, map(shutil.which, _BROWSERS)), None)
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        browser = None
    if browser is None or not APP.is_file():
        print("No picture of the page: it needs a clone, Playwright (requirements-dev.txt) and Chromium.")
        return None
    with TemporaryDirectory() as folder, _served(model) as url, sync_playwright() as playwright:
        file = Path(folder) / "photo.png"
        Image.fromarray(photo).save(file)
        try:
            chromium = playwright.chromium.launch(executable_path=browser)
            taken = [_view(chromium, url, file, view) for view in views]
            chromium.close()
        except Error as error:
            print(f"No picture of the page: {error.message.splitlines()[0]}")
            return None
    return taken


def _view(chromium: Any, url: str, photo: Path, view: View) -> Image.Image:
    size = {"width": view.width, "height": view.height}
    page = chromium.new_page(viewport=size, color_scheme=view.colours)
    page.set_default_timeout(60_000)
    page.goto(url)
    page.locator("input[type=file]").first.set_input_files(photo)
    page.locator("#image .face").first.wait_for()
    if view.scroll:
        page.locator("#image .stage").evaluate("photo => photo.scrollIntoView()")
    page.evaluate("() => document.activeElement.blur()")  # hide the focus ring
    page.wait_for_timeout(1500)  # for pictures to load and bars to finish animating
    taken = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    page.close()
    return taken


@contextmanager
def _served(model: str | None) -> Iterator[str]:
    """Run the application in its own process; yields its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    # Only this port: another may belong to somebody else.
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
