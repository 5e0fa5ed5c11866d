"""The tabs as a visitor meets them: they stay in place, "Back" works, and what is chosen can be seen."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.browser
TABS = ("Image", "Webcam", "Video", "API", "About")


@pytest.fixture
def page(chromium: Any, page_url: str) -> Iterator[Any]:
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.received = []
    page.on("response", lambda answer: page.received.append(answer.url))
    page.goto(page_url)
    page.get_by_role("button", name="Choose a photo").wait_for()
    yield page
    page.close()


def focused(page: Any) -> str:
    return str(page.evaluate("document.activeElement.textContent"))


def chosen(page: Any) -> str:
    return str(page.locator("[role=tab][aria-selected=true]").inner_text())


def test_the_tabs_stay_where_they_are(page: Any) -> None:
    """A tab with little in it does not make the page narrower, so none moves away under the pointer."""
    places = []
    for name in TABS:
        page.get_by_role("tab", name=name).click()
        places.append([page.get_by_role("tab", name=tab).bounding_box()["x"] for tab in TABS])
    assert all(place == places[0] for place in places), places


def test_back_goes_to_the_last_tab(page: Any, page_url: str) -> None:
    """It does not leave the page, and its photo, by a slip; arrow keys leave nothing to go back to."""
    page.get_by_role("tab", name="Video").click()
    page.get_by_role("tab", name="About").click()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert (chosen(page), page.url) == ("Webcam", f"{page_url}#webcam")
    for name, address in (("Video", "#video"), ("Image", "")):
        page.go_back()
        page.locator("[role=tab][aria-selected=true]").get_by_text(name).wait_for()
        assert page.url == f"{page_url}{address}"
    page.go_forward()
    page.locator("[role=tab][aria-selected=true]").get_by_text("Video").wait_for()


def test_nothing_heavy_comes_with_the_page(page: Any) -> None:
    """Gradio's video and gallery bring a player for streams, a quarter of a page's bytes, before anybody asks."""
    page.get_by_role("tab", name="Video").click()
    page.get_by_role("button", name="Record a clip").wait_for()
    assert [address for address in page.received if re.search("hls|ffmpeg|Video|Gallery", address)] == []


def test_what_is_chosen_can_be_seen(page: Any) -> None:
    """Gradio's style takes the dot from radio buttons and the arrow from lists."""
    page.locator("#image .choices summary").click()
    for tab, kind in (("Image", "#image input[type=radio]"), ("Image", "#image select"), ("Webcam", "#webcam select")):
        page.get_by_role("tab", name=tab).click()
        page.locator(kind).first.wait_for(state="attached")
        looks = page.locator(kind).evaluate_all("all => all.map(one => getComputedStyle(one).appearance)")
        assert set(looks) == {"auto"}, kind


@pytest.mark.parametrize("width", [1280, 800, 390, 320])
def test_nothing_stands_alone_or_over_another(page: Any, width: int) -> None:
    """No choice in a row of its own, and no button over the code that it copies."""
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(f"{page.url.partition('#')[0]}#video")
    page.get_by_label("2 a second").wait_for()
    choices = page.locator("fieldset:has-text('Frames analysed') label:has(input)")
    rows = choices.evaluate_all("all => all.map((one) => one.offsetTop)")
    assert [rows.count(row) for row in sorted(set(rows))] in ([4], [2, 2])
    page.goto(f"{page.url.partition('#')[0]}#api")
    page.locator("#api .snippet-box").first.wait_for()
    for box in page.locator("#api .snippet-box").all():
        code, button = box.locator("pre").bounding_box(), box.locator("button").bounding_box()
        assert code["x"] + code["width"] <= button["x"]
        assert code["width"] > 150


def test_the_keyboard_keeps_its_place(page: Any, photos: Path) -> None:
    """A button that is hidden by what it did hands its focus on; Gradio's own choices show that they have it."""
    with page.expect_file_chooser() as chooser:
        page.locator("#image .choose").press("Enter")
    chooser.value.set_files(photos / "notes.png")
    page.locator("#image [role=alert]").wait_for()
    assert focused(page) == "Choose a photo"
    page.locator("#image [data-example]").last.press("Enter")
    page.locator("#image .face").first.wait_for()
    page.locator("#image .face summary").first.click()
    page.locator("#image .why").first.press("Enter")
    page.locator("#image .reason").first.wait_for()
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"
    page.get_by_role("tab", name="Video").click()
    page.get_by_role("button", name="Try a drawn clip").press("Enter")
    page.locator("#video-status").get_by_text("Ready.").wait_for()
    assert focused(page) == "Another video"
    page.get_by_label("2 a second").press("ArrowLeft")
    look = page.locator("label:has(> input:focus)").evaluate("one => getComputedStyle(one).outlineStyle")
    assert look == "solid"


def test_a_phone_held_sideways_shows_camera_and_button(chromium: Any, page_url: str) -> None:
    page = chromium.new_page(viewport={"width": 844, "height": 390})
    page.goto(f"{page_url}#webcam")
    page.get_by_role("button", name="Start the camera").wait_for()
    place = page.get_by_role("button", name="Start the camera").bounding_box()
    assert place["y"] + place["height"] <= 390
    assert page.locator("#webcam .stage").bounding_box()["height"] > 200
    page.close()


def test_many_of_them_are_open_at_once(chromium: Any, page_url: str, photos: Path) -> None:
    """A browser has six connections to a host for all its tabs, and each page kept one: the seventh never came up."""
    context = chromium.new_context()
    pages = [context.new_page() for _ in range(8)]
    try:
        for page in pages:
            page.goto(page_url)
            page.get_by_role("button", name="Choose a photo").wait_for(timeout=20_000)
        pages[0].locator("#image input[type=file]").first.set_input_files(photos / "montage.jpg")
        pages[0].locator("#image .face").first.wait_for(timeout=20_000)
    finally:
        context.close()
