"""Shared by the page's tests: one server, one Chromium, photos."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from support.page_server import CHROMIUM, FLAGS, page_server


@pytest.fixture(scope="session")
def page_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with default settings."""
    with page_server(tmp_path_factory.mktemp("page-server")) as url:
        yield url


@pytest.fixture(scope="session")
def photos(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray, montage: np.ndarray) -> Path:
    """A folder: astronaut.png, montage.jpg with three faces, empty.png without any, notes.png, not a picture."""
    folder = tmp_path_factory.mktemp("photos")
    Image.fromarray(astronaut).save(folder / "astronaut.png")
    Image.fromarray(montage).save(folder / "montage.jpg", quality=95)
    Image.new("RGB", (320, 240), "gray").save(folder / "empty.png")
    (folder / "notes.png").write_text("no picture at all")
    return folder


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """A browser; without one, tests that need it are skipped."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
