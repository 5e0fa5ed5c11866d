"""The page for everyone: axe's findings, keyboard, small screens, addresses, link previews, its size."""

import gzip
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from emotion_core.page.api_tab import ADDRESS, SNIPPETS
from support.axe import serious_findings

TABS = ("Image", "Webcam", "Video", "API", "About")
_SHIFTS = """window.shifted = 0;
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({type: "layout-shift", buffered: true});"""


#: The lowest contrast of the tabs' text with its background, which axe cannot measure: Gradio draws behind it.
_CONTRAST = """() => {
    const canvas = document.createElement("canvas").getContext("2d");
    const light = (colour) => {
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        const [red, green, blue] = [...canvas.getImageData(0, 0, 1, 1).data].map((it) => it / 255)
            .map((it) => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4);
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = light(getComputedStyle(document.querySelector("gradio-app")).backgroundColor);
    return Math.min(...[...document.querySelectorAll("[role=tab]")].map((tab) => light(getComputedStyle(tab).color))
        .map((ink) => (Math.max(ink, ground) + 0.05) / (Math.min(ink, ground) + 0.05)));
}"""


@pytest.fixture(params=["light", "dark"])
def page(request: pytest.FixtureRequest, chromium: Any, page_url: str) -> Iterator[Any]:
    context = chromium.new_context(color_scheme=request.param, viewport={"width": 1280, "height": 800})
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(page_url)
    page.get_by_role("button", name="Choose a photo").wait_for()
    yield page
    context.close()


@pytest.mark.browser
def test_nothing_that_shuts_people_out(page: Any, photos: Path) -> None:
    for tab in TABS:
        page.get_by_role("tab", name=tab, exact=True).click()
        page.wait_for_timeout(200)
        assert serious_findings(page) == [], tab
        assert page.evaluate(_CONTRAST) >= 4.5, tab
    page.get_by_role("tab", name="Image", exact=True).click()
    page.locator("#image input[type=file]").set_input_files(str(photos / "montage.jpg"))
    page.locator("#image .face summary").first.click()
    page.locator("#image .face .why").first.click()
    page.locator("#image .reason").wait_for()
    for folded in ("Choose who answers", "All numbers", "Several photos at once"):
        page.get_by_text(folded).first.click()
    page.wait_for_timeout(300)
    assert serious_findings(page) == []


@pytest.mark.browser
def test_tabs_have_addresses_and_keys(chromium: Any, page_url: str) -> None:
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.goto(f"{page_url}#about")
    page.get_by_text("Perceived expression, not feeling").wait_for()
    tab = page.get_by_role("tab", name="About")
    tab.focus()
    for key, name in (("ArrowRight", "image"), ("ArrowRight", "webcam"), ("ArrowLeft", "image"), ("End", "about")):
        page.keyboard.press(key)
        page.wait_for_function(f"location.hash === '#{name}'")
    page.get_by_role("link", name="For programs").click()
    page.get_by_text("curl -F image=@photo.jpg").wait_for()
    assert page_url.rstrip("/") in page.locator("code.snippet").first.inner_text()
    page.close()


@pytest.mark.browser
def test_a_narrow_screen_is_not_scrolled_sideways(chromium: Any, page_url: str) -> None:
    page = chromium.new_page(viewport={"width": 320, "height": 640})
    page.goto(page_url)
    page.get_by_role("button", name="Choose a photo").wait_for()
    for tab in TABS:
        page.goto(f"{page_url}#{tab.lower()}")
        page.wait_for_timeout(300)
        assert page.evaluate("document.documentElement.scrollWidth") == 320, tab
    page.close()


@pytest.mark.browser
def test_one_language_whatever_the_browser_speaks(chromium: Any, page_url: str) -> None:
    context = chromium.new_context(locale="de-DE")
    page = context.new_page()
    page.goto(f"{page_url}#video")
    page.locator("#video-clip").get_by_text("Drop a video here").wait_for()
    assert page.evaluate("document.documentElement.lang") == "en"
    context.close()


@pytest.mark.browser
def test_forced_colours_and_less_motion(chromium: Any, page_url: str, photos: Path) -> None:
    """The bars keep their colours, which carry meaning, and nothing is animated."""
    context = chromium.new_context(forced_colors="active", reduced_motion="reduce", color_scheme="dark")
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.goto(page_url)
    page.locator("#image input[type=file]").set_input_files(str(photos / "montage.jpg"))
    page.locator("#image .face summary").first.click()
    colours = (
        page.locator("#image .face")
        .first.locator(".shares i")
        .evaluate_all("bars => bars.map(bar => getComputedStyle(bar).backgroundColor)")
    )
    assert len(set(colours)) == 7
    longest = "[...document.querySelectorAll('*')].map(it => parseFloat(getComputedStyle(it).transitionDuration))"
    assert page.evaluate(f"Math.max(...{longest})") <= 0.001
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("size", [(1280, 800), (390, 844)])
def test_nothing_jumps_while_the_page_loads(chromium: Any, page_url: str, size: tuple[int, int]) -> None:
    page = chromium.new_page(viewport={"width": size[0], "height": size[1]})
    page.add_init_script(_SHIFTS)
    page.goto(page_url)
    page.get_by_role("button", name="Choose a photo").wait_for()
    page.wait_for_timeout(1500)
    assert page.evaluate("window.shifted") < 0.1
    page.close()


_PLACES = """(parts) => parts.map((part) => document.querySelector(part).getBoundingClientRect())
    .map(({ x, y, width, height }) => [x, y, width, height])"""


@pytest.mark.browser
@pytest.mark.parametrize("size", [(1280, 800), (390, 844), (320, 640), (844, 390)])
def test_the_page_is_seen_before_its_scripts_have_come(chromium: Any, page_url: str, size: tuple[int, int]) -> None:
    """Its first words appear in their final places at once."""
    page = chromium.new_page(viewport={"width": size[0], "height": size[1]})
    page.route("**/assets/**", lambda route: route.abort())
    page.goto(page_url)
    parts = ["h1", ".stage", "h2", "h2 + p"]
    early = page.evaluate(_PLACES, [f"#opening {part}" for part in parts])
    page.unroute("**/assets/**")
    page.goto("about:blank")
    page.goto(page_url)
    page.get_by_role("button", name="Choose a photo").wait_for()
    late = page.evaluate(_PLACES, [".top h1", *(f"#image {part}" for part in parts[1:])])
    assert np.abs(np.subtract(early, late)).max() < 2
    assert page.locator("#opening").count() == 0
    page.close()


def test_what_other_sites_show_of_the_page(page_url: str) -> None:
    html = httpx.get(page_url).text
    tags = dict(re.findall(r'<meta (?:property|name)="((?:og|twitter):\w+|description)" content="([^"]*)">', html))
    assert "Gradio" not in "".join(tags.values())
    assert tags["og:title"] == "Emotion detection"
    assert tags["og:url"] == page_url
    assert len(tags["description"]) > 50
    assert html.count('property="og:title"') == 1
    card = Image.open(io.BytesIO(httpx.get(tags["og:image"], timeout=60).raise_for_status().content))
    assert card.size == (1200, 630)
    assert httpx.get(f"{page_url}favicon.ico").raise_for_status().headers["content-type"].startswith("image/svg")


def test_the_page_is_compressed(page_url: str) -> None:
    with httpx.stream("GET", page_url, headers={"Accept-Encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert "accept-encoding" in answer.headers["vary"].lower()
        sent = b"".join(answer.iter_raw())
    whole = gzip.decompress(sent)
    assert len(sent) < 60_000 < len(whole)
    plain = httpx.get(page_url, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert b"</html>" in whole


def test_no_placeholder_is_shown(page_url: str) -> None:
    assert "OWNER" not in httpx.get(page_url).text


def test_the_snippets_work(page_url: str, photos: Path, tmp_path: Path) -> None:
    """The API tab's snippets, exactly as shown, against this server."""
    import shutil
    import subprocess
    import sys

    shutil.copy(photos / "montage.jpg", tmp_path / "photo.jpg")
    for title, code in SNIPPETS.items():
        here = code.replace(ADDRESS, page_url.rstrip("/"))
        command = ["bash", "-c", here] if title == "curl" else [sys.executable, "-c", here]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=True)
        assert done.stdout.count("happy") >= 3, title
