"""How photos and clips go from Chromium to the server over a slow line."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser
_WATCH = """() => {
    const watched = (place) => {
        const heard = [], line = document.querySelector(place);
        new MutationObserver(() => { if (line.textContent) heard.push(line.textContent); })
            .observe(line, {childList: true, characterData: true, subtree: true});
        return heard;
    };
    [window.shown, window.said] = [watched("#image .cover"), watched("#page-status")];
}"""


@pytest.fixture
def page(chromium: Any, page_url: str) -> Iterator[Any]:
    """A page that sends 200 kB a second; the requests that came to no answer are in ``ended``."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(page_url)
    page.get_by_role("button", name="Choose a photo").wait_for()
    page.ended = []
    page.on("requestfailed", lambda request: page.ended.append(request.url.rpartition("/")[2].partition("?")[0]))
    line = context.new_cdp_session(page)
    line.send("Network.enable")
    slow = {"offline": False, "latency": 20, "downloadThroughput": 1_000_000, "uploadThroughput": 200_000}
    line.send("Network.emulateNetworkConditions", slow)
    yield page
    context.close()


def drop(page: Any, tab: str, file: Path) -> None:
    page.locator(f"{tab} input[type=file]").set_input_files(str(file))


def test_a_slow_line(page: Any, photos: Path) -> None:
    """How much has been sent is shown; a screen reader hears of each step once, and not of every percentage."""
    page.evaluate(_WATCH)
    drop(page, "#image", photos / "astronaut.png")
    page.locator("#image h2").get_by_text("1 face: happy", exact=True).wait_for()
    shown, said = page.evaluate("[window.shown, window.said]")
    assert said == ["Sending the photo.", "Looking for faces.", "1 face: happy"]
    assert shown[0] == "Sending …"
    assert shown[-1] == "Looking for faces …"
    shares = [int(words.removeprefix("Sending … ").removesuffix("%")) for words in shown[1:-1]]
    assert len(shares) > 3
    assert shares == sorted(shares)
    assert page.locator("#image .cover").is_hidden()


def test_a_photo_that_another_replaces_is_not_sent_to_its_end(page: Any, photos: Path, tmp_path: Path) -> None:
    """It took the line from the one that is waited for: 30 s for six megabytes."""
    noise = np.random.default_rng(0).integers(0, 256, (1400, 1400, 3), np.uint8)
    Image.fromarray(noise).save(large := tmp_path / "large.png")
    drop(page, "#image", large)
    page.locator("#image .cover").get_by_text("%").wait_for()
    drop(page, "#image", photos / "empty.png")
    page.locator("#image h2").get_by_text("No face found", exact=True).wait_for(timeout=10_000)
    assert page.ended == ["photo"]
    assert page.locator("#image .help").is_hidden()


def test_a_clip_that_another_replaces_is_not_sent_to_its_end(page: Any, tmp_path: Path) -> None:
    page.get_by_role("tab", name="Video").click()
    (tmp_path / "large.mp4").write_bytes(bytes(6_000_000))
    (tmp_path / "small.mp4").write_bytes(b"no video")
    drop(page, "#video-clip", tmp_path / "large.mp4")
    page.locator("#video-clip .cover").get_by_text("%").wait_for()
    drop(page, "#video-clip", tmp_path / "small.mp4")
    refusal = page.locator("#video-status [role=alert]")
    refusal.get_by_text("This is not a video that can be read").wait_for(timeout=10_000)
    assert page.ended.count("upload") == 1
