"""The Image tab in Chromium, on a desktop screen and a phone's."""

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from support.page_server import CHROMIUM, FLAGS

pytestmark = pytest.mark.browser
_PASTE = """async (address) => {
    const blob = await (await fetch(address)).blob(), data = new DataTransfer();
    data.items.add(new File([blob], "pasted.jpg", {type: "image/jpeg"}));
    document.activeElement.dispatchEvent(new ClipboardEvent("paste", {clipboardData: data, bubbles: true}));
}"""

_SEVERAL = """([way, contents]) => {
    const transfer = new DataTransfer(), bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    contents.forEach((one, at) => transfer.items.add(new File([bytes(one)], `${at}.png`, {type: "image/png"})));
    const event = way === "dropped" ? new DragEvent("drop", {dataTransfer: transfer, bubbles: true})
        : new ClipboardEvent("paste", {clipboardData: transfer, bubbles: true});
    document.querySelector("#image .stage").dispatchEvent(event);
}"""


@pytest.fixture(params=["light desk", "dark phone"])
def page(request: pytest.FixtureRequest, chromium: Any, page_url: str) -> Iterator[Any]:
    phone = request.param == "dark phone"
    context = chromium.new_context(
        color_scheme="dark" if phone else "light",
        viewport={"width": 390, "height": 844} if phone else {"width": 1280, "height": 800},
        accept_downloads=True,
    )
    page = context.new_page()
    page.set_default_timeout(60_000)
    page.hosts, page.complaints, page.phone = set(), [], phone
    page.on("console", lambda message: page.complaints.append(message.text))
    page.on("pageerror", lambda error: page.complaints.append(f"policy of the page itself: {error}"))
    page.on("request", lambda sent: page.hosts.add(sent.url.split("/")[2]))
    page.goto(page_url)
    page.get_by_role("button", name="Choose a photo").wait_for()
    yield page
    assert [text for text in page.complaints if "policy" in text.lower()] == []
    # Nothing overflows sideways, and no other host was contacted.
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert all(host.startswith("127.0.0.1") for host in page.hosts if host)
    context.close()


def drop(page: Any, photo: Path) -> None:
    page.locator("#image input[type=file]").set_input_files(str(photo))


def heading(page: Any, words: str) -> None:
    page.locator("#image h2").get_by_text(words, exact=True).wait_for()


def saved(page: Any, button: str) -> Path:
    with page.expect_download() as download:
        page.get_by_role("button", name=button).click()
    return Path(download.value.path())


def test_a_photo_is_answered_beside_itself(page: Any, photos: Path) -> None:
    drop(page, photos / "montage.jpg")
    heading(page, "3 faces: 3 happy")
    page.wait_for_timeout(800)  # a phone scrolls smoothly to the answer
    # One picture; the heading and the first row are visible and focused.
    assert page.locator("#image .frame img").count() == 1
    first = page.locator("#image .face").first.bounding_box()
    assert first["y"] >= 0
    assert first["y"] + first["height"] <= page.viewport_size["height"]
    assert page.evaluate("document.activeElement.matches('#image h2')")
    assert page.locator("#page-status").text_content() == "3 faces: 3 happy"
    assert page.locator("#image .frame img").get_attribute("alt") == "The photo. 3 faces: 3 happy"
    # A row expands to all its bars and highlights its box; a box highlights its row and expands it.
    assert page.locator("#image .box").count() == 3
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    assert page.locator("#image .face").first.locator(".shares li").count() == 7
    assert page.locator("#image .face").first.locator(".shares").is_visible()
    assert page.locator("#image .box.marked").get_attribute("data-face") == "0"
    page.locator("#image .box").nth(1).click()
    assert page.locator("#image .face.marked").get_attribute("data-face") == "1"
    assert page.locator("#image .face").nth(1).locator("details").get_attribute("open") is not None
    # The table of numbers is collapsed.
    assert not page.locator("#image .numbers table").is_visible()


def test_a_group_is_a_short_page_in_reading_order(page: Any, astronaut: np.ndarray) -> None:
    """38 faces: expandable rows in reading order, and not a page of ten thousand pixels."""
    face, group = astronaut[:200, 120:320], np.full((5 * 220, 8 * 220, 3), 128, np.uint8)
    for number in range(38):
        side = 212 if number % 3 else 190  # different sizes, as size must not decide the order
        top, left = 220 * (number // 8) + number % 5, 220 * (number % 8)
        group[top : top + side, left : left + side] = np.asarray(Image.fromarray(face).resize((side, side)))
    file = io.BytesIO()
    Image.fromarray(group).save(file, "PNG")
    photo = {"name": "group.png", "mimeType": "image/png", "buffer": file.getvalue()}
    page.locator("#image input[type=file]").set_input_files(photo)
    heading(page, "38 faces: 38 happy")
    assert page.evaluate("document.documentElement.scrollHeight") < (2400 if page.phone else 1600)
    cells = page.locator("#image .box").evaluate_all(
        "boxes => boxes.map(it => [Math.floor(8 * (it.offsetTop + it.offsetHeight / 2)"
        " / document.querySelector('#image .frame').offsetWidth), it.offsetLeft])"
    )
    assert [row for row, _ in cells] == [number // 8 for number in range(38)]
    assert cells == sorted(cells)
    page.locator("#image .face summary").nth(20).focus()
    assert page.locator("#image .box.marked").get_attribute("data-face") == "20"
    page.locator("#image .box").nth(30).hover()
    assert page.locator("#image .face.marked").get_attribute("data-face") == "30"


def test_an_answer_can_be_saved_and_explained(page: Any, photos: Path) -> None:
    drop(page, photos / "montage.jpg")
    heading(page, "3 faces: 3 happy")
    assert len(json.loads(saved(page, "Save JSON").read_text())["faces"]) == 3
    table = saved(page, "Save CSV").read_text().splitlines()
    assert (len(table), table[0].split(",")[:2]) == (4, ["face", "emotion"])
    with Image.open(saved(page, "Save picture")) as picture:
        assert picture.size == (1024, 1024)
        yellow = np.asarray(picture).astype(int)
        assert ((yellow[..., 0] > 220) & (yellow[..., 1] > 200) & (yellow[..., 2] < 110)).sum() > 500
    with Image.open(saved(page, "Save card")) as card:
        assert card.size == (1200, 630)
    page.get_by_role("button", name="Why these answers?").click()
    page.locator("#image .reason").nth(2).wait_for()
    assert page.locator("#image .reason img").first.evaluate("image => image.naturalWidth") > 100
    # Another model is compared on the same faces.
    page.get_by_text("Choose who answers").first.click()
    page.get_by_label("Compare with").select_option(label="Small and fast")
    page.get_by_text("The other model agrees on 3 of 3.").wait_for()


def test_a_slip_loses_nothing(page: Any, photos: Path) -> None:
    """A bad file is reported, and the previous answer stays; a second photo leaves a way back to the first."""
    drop(page, photos / "montage.jpg")
    heading(page, "3 faces: 3 happy")
    drop(page, photos / "notes.png")
    page.locator("#image .help").get_by_text("notes.png was not analysed. This is not a picture").wait_for()
    heading(page, "3 faces: 3 happy")
    assert page.locator("#image .box").count() == 3
    drop(page, photos / "empty.png")
    heading(page, "No face found")
    assert page.locator("#image").inner_text().count("No face found") == 1
    assert page.locator("#image .box").count() == 0
    page.get_by_role("button", name="Back to the last photo").click()
    heading(page, "3 faces: 3 happy")
    assert page.locator("#image .box").count() == 3


def test_paste_and_examples(page: Any) -> None:
    page.get_by_role("button", name="Three people").click()
    page.locator("#image .face").nth(2).wait_for()
    # Names do not overlap: on a phone, only the selected face shows its name.
    shown = page.locator("#image .box b:visible").count()
    assert shown <= 1 if page.phone else shown == 3
    page.locator("#image .face summary").nth(1).focus()
    assert page.locator("#image .box.marked b").is_visible()
    page.get_by_role("tab", name="Image").focus()
    page.evaluate(_PASTE, "page/examples/generations")
    page.locator("#image .face").nth(1).wait_for()
    page.locator("#image .face").nth(2).wait_for(state="detached")


def test_a_server_that_is_gone(page: Any, photos: Path) -> None:
    """The new photo stays, without the previous one's answer, until the server is back."""
    drop(page, photos / "montage.jpg")
    heading(page, "3 faces: 3 happy")
    page.route("**/page/photo*", lambda route: route.abort())
    drop(page, photos / "empty.png")
    page.locator("#image .help").get_by_text("Your photo is still here").wait_for()
    assert page.locator("#image .face, #image .box").count() == 0
    assert page.locator("#image .frame img").evaluate("image => image.naturalWidth") == 320
    page.unroute("**/page/photo*")
    page.get_by_role("button", name="Try again").click()
    heading(page, "No face found")


@pytest.mark.parametrize("status", [408, 429, 503])
def test_a_refusal_that_is_not_the_photos_fault(page: Any, photos: Path, status: int) -> None:
    """The photo stays on the page, as it is not the one to blame, with a button to send it again."""
    refusal = {"error": {"code": "later", "message": "Too many of your requests are still being answered."}}
    page.route("**/page/photo*", lambda route: route.fulfill(status=status, json=refusal))
    drop(page, photos / "empty.png")
    told = page.locator("#image .help")
    told.get_by_text("Too many of your requests are still being answered. Your photo is still here.").wait_for()
    assert page.locator("#image .frame img").evaluate("image => image.naturalWidth") == 320
    assert page.locator("#image .cover").is_hidden()
    page.unroute("**/page/photo*")
    page.get_by_role("button", name="Try again").click()
    heading(page, "No face found")
    assert told.is_hidden()


@pytest.mark.parametrize("way", ["dropped", "pasted"])
def test_of_several_photos_the_first_is_shown(page: Any, photos: Path, way: str) -> None:
    """It is said at once, with where all of them go, and stays beside the answer."""
    files = [base64.b64encode((photos / name).read_bytes()).decode() for name in ("empty.png", "astronaut.png")]
    page.evaluate(_SEVERAL, [way, files])
    told = page.locator("#image .help").get_by_text("Only the first of these 2 files is shown here.")
    told.wait_for()
    heading(page, "No face found")
    assert told.is_visible()
    assert "open “Several photos at once” below" in told.inner_text()
    assert page.get_by_role("button", name="Several photos at once").is_visible()
    page.evaluate(_SEVERAL, [way, files[1:]])
    heading(page, "1 face: happy")
    assert told.is_hidden()


def test_the_camera(chromium: Any, page_url: str, astronaut: np.ndarray, tmp_path: Path) -> None:
    """A missing camera is explained; a present one takes a photo."""
    import cv2

    frame = np.zeros((480, 640, 3), np.uint8)
    frame[:, 64:576] = astronaut[:480]
    planes = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420)).tobytes()
    film = tmp_path / "camera.y4m"
    film.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420\n" + (b"FRAME\n" + planes) * 5)
    fake = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    for flags in ([], [*fake, f"--use-file-for-fake-video-capture={film}"]):
        browser = chromium.browser_type.launch(executable_path=CHROMIUM, args=[*FLAGS, *flags])
        page = browser.new_context(permissions=["camera"]).new_page()
        page.set_default_timeout(60_000)
        page.goto(page_url)
        page.get_by_role("button", name="Take a photo").click()
        if not flags:
            page.locator("#image .help").get_by_text("No camera was found. Plug one in").wait_for()
        else:
            page.wait_for_function("document.querySelector('#image video').videoWidth > 0")
            page.wait_for_timeout(1000)  # the first frames of a camera are dark
            page.get_by_role("button", name="Take the picture").click()
            heading(page, "1 face: happy")
            assert page.evaluate("document.querySelector('#image video').srcObject") is None
        browser.close()


def test_a_kind_of_file_that_browsers_do_not_show(chromium: Any, page_url: str, astronaut: np.ndarray) -> None:
    file = io.BytesIO()
    Image.fromarray(astronaut).save(file, "TIFF")
    page = chromium.new_page()
    page.goto(page_url)
    page.locator("#image input[type=file]").set_input_files(
        {"name": "scan.tiff", "mimeType": "image/tiff", "buffer": file.getvalue()}
    )
    heading(page, "1 face: happy")
    assert page.locator("#image .frame img").evaluate("image => image.naturalWidth") == 512
    page.close()
