"""The page in Firefox: answers on the visitor's own device work there, too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from emotion_core.images import RGB
from support.firefox import FIREFOX, Firefox, firefox
from support.page_server import page_server

pytestmark = [pytest.mark.browser, pytest.mark.skipif(FIREFOX is None, reason="Firefox is not installed")]


@pytest.fixture(scope="module")
def server(browser_runtime_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    with page_server(folder, EMOTION_BROWSER_RUNTIME=str(browser_runtime_folder), EMOTION_DETECTOR="auto") as url:
        yield url


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Firefox]:
    with firefox(tmp_path_factory.mktemp("firefox")) as browser:
        yield browser


def test_a_camera_is_answered_on_the_device(browser: Firefox, server: str, astronaut: RGB, tmp_path: Path) -> None:
    browser.instead_of_a_camera(astronaut)
    browser.goto(f"{server}#webcam")
    browser.wait_for("document.querySelector('#webcam .where')?.innerText.startsWith('On ')")
    assert browser.evaluate("document.querySelector('#webcam .where').innerText").startswith("On this device")
    # Chosen explicitly, so that the page does not switch on a busy machine.
    browser.evaluate(
        "(() => { const it = document.querySelector('#webcam .place select'); it.value = 'device'; "
        "it.dispatchEvent(new Event('change', { bubbles: true })); })()"
    )
    browser.evaluate("new Promise((done) => setTimeout(done, 500))")
    browser.evaluate(
        "[...document.querySelectorAll('#webcam button')].find((it) => it.innerText === 'Start the camera').click()"
    )
    browser.wait_for("[...document.querySelectorAll('#webcam .box b')].some((it) => it.innerText.includes('happy'))")
    browser.wait_for("document.querySelectorAll('#webcam .person li').length === 7")
    assert browser.evaluate("document.querySelector('#webcam .where').innerText").startswith("On this device, by")
    count = len(browser.requests())
    browser.evaluate("new Promise((done) => setTimeout(done, 2000))")
    assert [request["url"] for request in browser.requests()[count:]] == []
    browser.screenshot(tmp_path / "firefox.png")
    # LiteRT logs notes as errors; the page's own code logs none.
    told = [message["params"] for message in browser.heard if message["method"] == "log.entryAdded"]
    assert [entry["text"] for entry in told if entry["type"] == "javascript" and entry["level"] == "error"] == []
