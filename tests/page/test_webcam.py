"""The Webcam tab: sessions at scripted times, what the page's script may call, and Chromium with a fake camera."""

import base64
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import cv2
import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from emotion_core import Box, EmotionRecognizer, Face, ImageError, Prediction, Settings
from emotion_core.images import RGB
from emotion_core.page.examples import APPEARANCES, drawn_face
from emotion_core.page.live_view import MAX_ROWS, rolling_timeline
from emotion_core.page.webcam_tab import server_functions
from emotion_core.recognition.bundle_config import BundleConfig, CropShape
from emotion_core.serving.live import IDLE_SECONDS, MAX_SIDE, LiveSession, LiveSessions
from emotion_core.serving.temporary import LOCK
from emotion_core.serving.webcam import MAX_CHARACTERS, Webcam
from emotion_core.serving.workshop import Workshop
from emotion_core.tracking.recent import BIN_SECONDS, MAX_PEOPLE, WINDOW_SECONDS, RollingHistory
from emotion_core.tracking.stream import TrackedFace, TrackedFrame
from support import clips
from support.page_server import CHROMIUM, FLAGS, page_server

LABELS = ("happy", "sad", "neutral")


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Scripted:
    """Detector and classifier in one: works for ``seconds`` and sees a face, or none, whatever the picture."""

    name = "scripted"
    config = BundleConfig(name="scripted", labels=LABELS, input=CropShape(48, 48, 1))

    def __init__(self, clock: Clock, seconds: float = 0.0) -> None:
        self.clock, self.seconds, self.in_view = clock, seconds, True

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        self.clock.now += self.seconds
        side, place = (near, (rgb.shape[0] - near) // 2) if near else (40, 20)
        return [Face(Box(place, place, side, side), Box(place, place, side, side))] if self.in_view else []

    def probabilities(self, crops: np.ndarray) -> np.ndarray:
        return np.tile((0.8, 0.1, 0.1), (len(crops), 1))

    def unmirrored(self) -> "Scripted":
        return self

    def recognizer(self) -> EmotionRecognizer:
        parts: Any = self
        return EmotionRecognizer(parts, parts)


def jpeg(rgb: RGB | None = None) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.full((96, 128, 3), 120, np.uint8) if rgb is None else rgb).save(file, "JPEG", quality=90)
    return file.getvalue()


def frame(time: float, shares: dict[int, Sequence[float]]) -> TrackedFrame:
    """A frame in which persons show these probabilities."""
    face = Face(Box(0, 0, 10, 10), Box(0, 0, 10, 10))
    faces = []
    for person, values in shares.items():
        prediction = Prediction(face, LABELS, tuple(values))
        faces.append(TrackedFace(person, prediction, prediction))
    return TrackedFrame(time, 128, 96, tuple(faces))


HAPPY, SAD = (1.0, 0.0, 0.0), (0.0, 1.0, 0.0)


class TestSession:
    @pytest.mark.parametrize(("work", "expected"), [(0.0, 0.1), (0.03, 0.1), (0.2, 0.4)])
    def test_rate_latency_and_rest(self, work: float, expected: float) -> None:
        """Ten a second at most, and never more than half of the time."""
        clock = Clock()
        session = LiveSession(Scripted(clock, work).recognizer(), Workshop(Settings()), rolling_timeline, clock)
        assert session.answer(jpeg())["fps"] is None
        for _ in range(30):
            clock.now += 0.5 - work
            answer = session.answer(jpeg())
        assert answer["fps"] == pytest.approx(2, abs=0.05)
        assert answer["milliseconds"] == pytest.approx(1000 * work)
        assert answer["next_seconds"] == pytest.approx(expected)

    def test_what_is_said_and_drawn_comes_now_and_then(self) -> None:
        clock = Clock()
        scripted = Scripted(clock)
        session = LiveSession(scripted.recognizer(), Workshop(Settings()), rolling_timeline, clock)
        said, drawn = [], 0
        for _ in range(100):  # ten seconds
            scripted.in_view = clock.now < 104
            answer = session.answer(jpeg())
            said.append(answer["summary"])
            drawn += answer["timeline"] is not None
            clock.now += 0.1
        assert list(dict.fromkeys(said)) == ["1 face: person 1 happy.", "No face found."]
        assert drawn <= 10
        clock.now += 1
        assert "Person 1" in (session.answer(jpeg())["timeline"] or "")

    def test_people_keep_their_numbers_and_are_shown_at_once(self, recognizer: Any) -> None:
        clock = Clock()
        session = LiveSession(recognizer, Workshop(Settings()), rolling_timeline, clock)
        paths = {1: clips.across(10, 30), 2: clips.across(200, -10, 120)}
        seen = []
        for index in range(6):
            pixels, truth = clips.scene(paths, index * 0.1)
            faces = session.answer(jpeg(pixels))["frame"]["faces"]
            boxes = {face["person"]: Box(**face["box"]) for face in faces}
            seen.append({who: max(boxes, key=lambda it: boxes[it].overlap(truth[who])) for who in truth})
            clock.now += 0.1
        assert sorted(seen[0].values()) == [1, 2]
        assert seen == seen[:1] * 6

    def test_frames_that_no_page_sends(self) -> None:
        session = LiveSession(Scripted(Clock()).recognizer(), Workshop(Settings()), rolling_timeline)
        for bad in (b"", b"no picture", jpeg(np.zeros((40, MAX_SIDE + 1, 3), np.uint8))):
            with pytest.raises(ImageError):
                session.answer(bad)


class TestHistory:
    def test_spans_hold_means_over_time(self) -> None:
        history = RollingHistory()
        for time, shares in ((0.0, HAPPY), (0.25, SAD), (0.5, SAD), (0.6, HAPPY)):
            history.add(frame(time, {7: shares}))
        [recent] = history.people()
        assert recent.person == 7
        assert recent.seconds_seen == pytest.approx(0.6)
        np.testing.assert_allclose(recent.bins[0], [0.5, 0.5, 0])
        np.testing.assert_allclose(recent.bins[1], SAD)

    def test_a_pause_is_not_credited(self) -> None:
        history = RollingHistory()
        history.add(frame(0, {1: HAPPY}))
        history.add(frame(20, {1: SAD}))
        history.add(frame(20.5, {1: SAD}))
        [recent] = history.people()
        assert recent.seconds_seen == pytest.approx(2)
        assert set(recent.bins) == {0, 1, 2, 40}

    def test_it_stays_small(self) -> None:
        history = RollingHistory()
        for index in range(1200):  # two minutes, with a false face of a new number in every frame
            history.add(frame(index / 10, {1: HAPPY, 100 + index: SAD}))
        people = history.people()
        assert len(people) == MAX_PEOPLE
        assert all(len(recent.bins) <= WINDOW_SECONDS / BIN_SECONDS + 1 for recent in people)
        assert people[0].seconds_seen == pytest.approx(WINDOW_SECONDS, abs=1)
        drawn = rolling_timeline(people, LABELS, 120)
        assert drawn.count("<figure>") == 1
        assert len(drawn) < 8000

    def test_the_chart(self) -> None:
        history = RollingHistory()
        for index in range(40):
            history.add(frame(index / 4, {person: SAD if person % 2 else HAPPY for person in range(1, 9)}))
        drawn = rolling_timeline(history.people(), ("<b>", *LABELS[1:]), 10)
        assert drawn.count("<figure>") == MAX_ROWS
        assert "mostly sad" in drawn
        assert "<b>, " not in drawn  # labels come from bundles
        assert "longer than a second" in rolling_timeline([], LABELS, 10)


class TestSessions:
    @pytest.fixture
    def clock(self) -> Clock:
        return Clock()

    @pytest.fixture
    def sessions(self, clock: Clock) -> LiveSessions:
        catalogue: Any = SimpleNamespace(get=lambda model, detector: Scripted(clock).recognizer())  # noqa: ARG005
        settings = Settings(webcam_visitors=2, webcam_seconds=600)
        return LiveSessions(catalogue, Workshop(settings), settings, rolling_timeline, clock)

    def test_places_are_given_back(self, sessions: LiveSessions, clock: Clock) -> None:
        first, second = sessions.open(), sessions.open()
        assert first is not None
        assert second is not None
        assert sessions.open() is None
        sessions.close(first[0])
        sessions.close(first[0])
        third = sessions.open()
        assert third is not None
        assert sessions.get(first[0]) is None
        clock.now += IDLE_SECONDS - 1
        assert sessions.get(third[0]) is third[1]
        clock.now += 2  # the second has not been heard of since
        assert sessions.open() is not None
        assert sessions.get(second[0]) is None

    def test_nobody_is_put_out_while_being_answered(self, sessions: LiveSessions, clock: Clock) -> None:
        opened = sessions.open()
        assert opened is not None
        with opened[1].busy:
            clock.now += 2 * IDLE_SECONDS
            sessions.sweep()
            assert len(sessions) == 1
        sessions.sweep()
        assert len(sessions) == 0

    def test_what_the_page_may_call(self, sessions: LiveSessions, clock: Clock) -> None:
        join, send, leave = server_functions(Webcam(sessions), Workshop(Settings()))
        opened = join({"model": None, "detector": None})
        assert [label["name"] for label in opened["labels"]] == list(LABELS)
        picture = "data:image/jpeg;base64," + base64.b64encode(jpeg()).decode()
        sent = {"token": opened["token"], "picture": picture}
        assert send(sent)["frame"]["faces"][0]["emotion"] == "happy"
        session = sessions.get(opened["token"])
        assert session is not None
        with session.busy:  # a second frame while the first is being answered is not kept for later
            assert send(sent) == {"busy": True}
        join({})
        assert "All 2 places" in join({})["wait"]
        leave(opened["token"])
        assert send(sent) == {"gone": True}
        again = join({})
        clock.now += 601
        assert "10 minutes" in send({**sent, "token": again["token"]})["stop"]
        assert len(sessions) == 1

    def test_what_no_page_sends(self, sessions: LiveSessions) -> None:
        join, send, leave = server_functions(Webcam(sessions), Workshop(Settings()))
        odd: tuple[Any, ...] = (None, 3, [], "x", {}, {"token": 5}, {"token": ["x"]})
        for nonsense in odd:
            assert send(nonsense) == {"gone": True}
            leave(nonsense)
        for picture in (
            None,
            5,
            "",
            "data:,x",
            "data:image/jpeg;base64,%%%",
            "data:;base64,a",
            "A" * (MAX_CHARACTERS + 1),
        ):
            token = join("nonsense")["token"]
            assert "stop" in send({"token": token, "picture": picture})
        assert len(sessions) == 0

    def test_a_model_that_is_not_there(self, recognizer: Any) -> None:
        from emotion_core.recognition.catalogue import Catalogue

        workshop = Workshop(Settings())
        sessions = LiveSessions(Catalogue(recognizer), workshop, Settings(), rolling_timeline)
        join, _, _ = server_functions(Webcam(sessions), workshop)
        assert "no model of that name" in join({"model": "x"})["stop"]
        assert "no detector of that name" in join({"detector": "x"})["stop"]


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds, again and again: a face that sways, happy for four seconds and surprised for four."""
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
    with page_server(folder, EMOTION_WEBCAM_VISITORS="2") as url:
        yield url


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def cameras(playwright: Any, film: Path) -> Iterator[Any]:
    """Chromium with the film for a camera, and nobody who asks."""
    flags = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    browser = playwright.chromium.launch(
        executable_path=CHROMIUM, args=[*FLAGS, *flags, f"--use-file-for-fake-video-capture={film}"]
    )
    yield browser
    browser.close()


def visit(browser: Any, address: str, **options: Any) -> Any:
    """The Webcam tab in a context of its own."""
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
    """How many frames are under way, and were at most."""
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
        # The camera's picture: small, as it is, and with the boxes where the face is.
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
        # In the mirror: the face's box lies where the mirrored picture shows it.
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
        ]  # no picture of anybody
        page.screenshot(path=tmp_path / "webcam.png", full_page=True)
        # Who leaves the tab pauses, and goes on when back.
        page.get_by_role("tab", name="About").click()
        page.wait_for_function("document.querySelector('#webcam .cover').textContent === 'Paused'")
        assert page.evaluate("document.querySelector('#webcam video').srcObject") is None
        page.get_by_role("tab", name="Webcam").click()
        page.locator("#webcam .box").wait_for()
        page.get_by_role("button", name="Stop").click()
        assert page.evaluate("document.querySelector('#webcam video').srcObject") is None
        assert page.locator("#webcam .box, #webcam .person").count() == 0
        # Another model or detector starts afresh; one that this server cannot have is explained.
        start(page)
        page.locator("#webcam .box").wait_for()
        page.evaluate("document.dispatchEvent(new CustomEvent('webcam-choice', {detail: {detector: 'nobody'}}))")
        page.get_by_role("button", name="Start the camera").wait_for()
        assert "no detector of that name" in page.locator("#webcam .help").inner_text()
        assert page.problems == []

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
        # Both go on being answered, and nothing sticks out of the phone's page.
        for page in (first, second):
            page.evaluate("document.querySelector('#webcam .fps').textContent = ''")
            page.wait_for_function("document.querySelector('#webcam .fps').textContent !== ''")
        assert second.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        second.screenshot(path=tmp_path / "phone.png", full_page=True)
        # Who leaves the tab stops, which gives the place to whoever waits: sooner than silence would.
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
        # The same page by plain http, from anywhere but this machine.
        page = visit(browser, server.replace("127.0.0.1", "page.test"))
        page.get_by_text("Open this page by its https address").wait_for()
        browser.close()
