"""The Video tab in Chromium, and ``/analyze_video`` through the Python client, on the real server."""

import base64
import csv
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from support.axe import serious_findings
from support.chart import PLAYED, chart_and_player_go_together
from support.films import write_films
from support.page_server import CHROMIUM, FLAGS, ROOT, page_server
from support.waiting import until

_DROPPED = """(contents) => {
    const transfer = new DataTransfer(), bytes = (text) => Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    contents.forEach((one, at) => transfer.items.add(new File([bytes(one)], `${at}.mp4`, {type: "video/mp4"})));
    document.querySelector("#video-clip .stage").dispatchEvent(
        new DragEvent("drop", {dataTransfer: transfer, bubbles: true}));
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with page_server(tmp_path_factory.mktemp("server"), EMOTION_MAX_VIDEO_SECONDS="20") as url:
        yield url


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return Client(server, verbose=False)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_films(tmp_path_factory.mktemp("films"))


class TestClient:
    def test_a_clip(self, client: Client, films: Path) -> None:
        summary, annotated, table, record = client.predict(
            handle_file(films / "walk.mp4"), frames_per_second=5, api_name="/analyze_video"
        )
        assert (summary["frames"], summary["analyzed_frames"], summary["has_sound"]) == (20, 10, True)
        assert [person["person"] for person in summary["people"]] == [1, 2]
        with av.open(annotated) as film:
            assert [stream.type for stream in film.streams] == ["video", "audio"]
            assert len(list(film.decode(video=0))) == 20
        with Path(table).open(newline="") as file:
            assert {row["person"] for row in csv.DictReader(file)} == {"1", "2"}
        assert '"frames"' in Path(record).read_text()

    def test_without_the_annotated_video(self, client: Client, films: Path) -> None:
        walk = handle_file(films / "walk.mp4")
        summary, annotated, table, _ = client.predict(
            walk, frames_per_second=2, annotated=False, api_name="/analyze_video"
        )
        assert annotated is None
        assert summary["frames"] > summary["analyzed_frames"] > 1
        assert Path(table).read_text().startswith("time_seconds,person,emotion")

    def test_it_is_typed(self, client: Client) -> None:
        endpoints: Any = client.view_api(return_format="dict", print_info=False)
        endpoint = endpoints["named_endpoints"]["/analyze_video"]
        names = [parameter["parameter_name"] for parameter in endpoint["parameters"]]
        assert names == ["video", "model", "frames_per_second", "smoothing_seconds", "annotated"]
        assert [returned["label"] for returned in endpoint["returns"]] == ["summary", "annotated", "csv", "json"]
        fields = endpoint["returns"][0]["type"]["properties"]
        assert {"seconds", "frames", "people", "notices"} <= set(fields)

    @pytest.mark.parametrize(
        ("name", "options", "words"),
        [
            ("garbage.mp4", {}, "not a video that can be read"),
            ("overlong.mp4", {}, "lasts 40 seconds, the limit is 20. Cut it"),
            ("walk.mp4", {"model": "nope"}, "no model of that name"),
            ("walk.mp4", {"frames_per_second": -1}, "above 0, not -1"),
        ],
    )
    def test_errors_can_be_read(
        self, client: Client, films: Path, name: str, options: dict[str, Any], words: str
    ) -> None:
        with pytest.raises(AppError, match=words):
            client.predict(handle_file(films / name), **options, api_name="/analyze_video")

    def test_a_cancelled_one_frees_the_machine(self, client: Client, films: Path) -> None:
        job = client.submit(handle_file(films / "long.mp4"), api_name="/analyze_video")
        until(lambda: any(unit.index for unit in job.status().progress_data or []), 20)
        job.cancel()
        started = time.monotonic()
        client.predict(handle_file(films / "walk.mp4"), frames_per_second=2, api_name="/analyze_video")
        assert time.monotonic() - started < 10  # the long video takes several times as long

    def test_the_code_of_the_documents(self, server: str, films: Path) -> None:
        told = (ROOT / "docs/api.md").read_text().replace("http://127.0.0.1:7860", server.rstrip("/"))
        [program] = re.findall(r"<!-- video client -->\n```python\n(.*?)```", told, re.DOTALL)
        command = [sys.executable, "-c", program.replace("clip.mp4", "walk.mp4")]
        done = subprocess.run(command, cwd=films, capture_output=True, text=True, timeout=60, check=True)
        _loaded, *people, files = done.stdout.splitlines()
        assert [line.split()[0] for line in people] == ["1", "2"]
        assert files.endswith(".json")

    def test_files_of_the_server_stay_there(self, server: str, films: Path) -> None:
        for meta in ({}, {"meta": {"_type": "gradio.FileData"}}):
            body = {"data": [{"path": str(films / "walk.mp4"), **meta}, "", 0, 0.4]}
            answer = httpx.post(f"{server}gradio_api/run/analyze_video", json=body, timeout=30)
            assert answer.status_code >= 400
            assert "people" not in answer.text


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium with a camera that shows a test picture."""
    from playwright.sync_api import sync_playwright

    camera = ["--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, *camera])
        yield browser
        browser.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
class TestBrowser:
    @pytest.fixture
    def open_page(self, browser: Any, server: str) -> Iterator[Any]:
        contexts = []

        def opened(**options: Any) -> Any:
            contexts.append(browser.new_context(permissions=["camera", "microphone"], **options))
            page = contexts[-1].new_page()
            page.set_default_timeout(60_000)
            page.hosts = set()
            page.on("request", lambda request: page.hosts.add(request.url.split("/")[2]))
            page.troubles, page.received = [], []
            page.on("pageerror", lambda error: page.troubles.append(str(error)))
            page.on("response", lambda answer: page.received.append(answer.url))
            page.goto(server)
            page.get_by_role("tab", name="Video").click()
            return page

        yield opened
        for context in contexts:
            context.close()

    def test_of_several_clips_the_first_is_taken(self, open_page: Any, films: Path) -> None:
        """It is said, and goes with the next clip."""
        page = open_page()
        clip = base64.b64encode((films / "walk.mp4").read_bytes()).decode()
        told = page.locator("#video-clip").get_by_text("Only the first of these 2 files is taken")
        for given in (2, 1):
            page.evaluate(_DROPPED, [clip] * given)
            page.locator("#video-status").get_by_text("Ready.").wait_for()
            assert told.is_visible() == (given == 2)

    def send(self, page: Any, film: Path, rate: str = "10 a second") -> None:
        """Upload the film and start the analysis."""
        self.upload(page, film, rate)
        page.get_by_role("button", name="Analyse", exact=True).click()

    def upload(self, page: Any, film: Path, rate: str) -> None:
        page.locator("#video-clip input[type=file]").set_input_files(str(film))
        page.locator("#video-status").get_by_text("Ready.").wait_for()
        page.get_by_label(rate).check()

    @pytest.mark.parametrize("dark_phone", [False, True])
    def test_a_clip_comes_back_annotated(self, open_page: Any, films: Path, dark_phone: bool) -> None:
        size = {"width": 390, "height": 844} if dark_phone else {"width": 1280, "height": 800}
        page = open_page(viewport=size, color_scheme="dark" if dark_phone else "light")
        self.send(page, films / "walk.mp4")
        (progress := page.locator("#video-status progress[value]")).wait_for()
        # The buttons and the progress bar are visible under the clip, without scrolling.
        buttons = [page.get_by_role("button", name=name, exact=True) for name in ("Analyse", "Cancel")]
        for place in (part.bounding_box() for part in (*buttons, progress)):
            assert 0 < place["y"] < size["height"] - place["height"]
        page.locator("#video-status").get_by_text("2 persons in 2.0 seconds: 20 frames").wait_for()
        page.wait_for_timeout(800)
        assert 0 <= page.locator("#video-answer").bounding_box()["y"] < size["height"] / 2
        assert page.evaluate(PLAYED) == [320, 240]
        chart_and_player_go_together(page, dark_phone)
        assert page.locator("#video-chart svg image").count() == 2
        assert page.locator("#video-shares tbody tr").count() == 2
        for row in page.locator("#video-shares tbody tr").all():
            shares = [int(cell.split("%")[0]) for cell in row.locator("td").all_inner_texts()[1:]]
            assert sum(shares) == pytest.approx(100, abs=3)
        starts = {"video": b"\0\0\0 ftyp", "CSV": b"time_seconds,person", "JSON": b'{"labels"', "chart": b"<svg"}
        for name, start in starts.items():
            with page.expect_download() as saved:
                page.get_by_role("button", name=f"Save {name}").click()
            assert saved.value.path().read_bytes().startswith(start)
        # Nothing overflows sideways, no other host was contacted, and no player or editor of Gradio's was loaded.
        assert page.troubles == []
        assert [address for address in page.received if re.search("ffmpeg|hls", address)] == []
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert all(host.startswith("127.0.0.1") for host in page.hosts if host)
        assert serious_findings(page) == []
        page.get_by_label("2 a second").check()  # the same clip again
        buttons[0].click()
        page.locator("#video-status").get_by_text("4 of them analysed").wait_for()

    def test_a_drawn_clip_and_a_recorded_one(self, open_page: Any) -> None:
        page = open_page()
        page.get_by_role("button", name="Try a drawn clip").click()
        page.locator("#video-status").get_by_text("4.0 seconds, 480x360").wait_for()
        page.reload()
        page.get_by_role("button", name="Record a clip").click()
        page.locator("#video-clip .cover").get_by_text("Recording … 1 s").wait_for()
        page.get_by_role("button", name="Stop recording").click()
        page.locator("#video-status").get_by_text("Ready.").wait_for()
        page.get_by_label("2 a second").check()
        page.get_by_role("button", name="Analyse", exact=True).click()
        page.locator("#video-status").get_by_text("Done. nobody in").wait_for()

    def test_what_cannot_be_used_is_refused_before_any_work(self, open_page: Any, films: Path) -> None:
        page = open_page()
        for name, words in (("garbage.mp4", "This is not a video that can be read"), ("overlong.mp4", "limit is 20")):
            page.locator("#video-clip input[type=file]").set_input_files(str(films / name))
            page.locator("#video-status [role=alert]").get_by_text(words).wait_for()
            assert page.get_by_role("button", name="Analyse", exact=True).is_disabled()
        self.send(page, films / "cut.mp4", "2 a second")
        page.locator("#video-status li").get_by_text("The file is cut short or damaged").wait_for()

    def test_cancelling_frees_the_machine(self, open_page: Any, films: Path) -> None:
        page = open_page()
        self.send(page, films / "long.mp4", "Every frame")
        page.locator("#video-status").get_by_text("a second, about").wait_for()
        # The clip cannot be replaced during the analysis, neither by a button nor by a drop.
        assert page.get_by_role("button", name="Another video").count() == 0
        page.locator("#video-clip input[type=file]").set_input_files(str(films / "walk.mp4"))
        page.locator("#video-clip [role=alert]").get_by_text("Another clip is being analysed").wait_for()
        page.get_by_role("button", name="Cancel").click()
        page.locator("#video-status").get_by_text("It was stopped before it was finished.").wait_for()
        started = time.monotonic()
        self.send(page, films / "walk.mp4", "2 a second")
        page.locator("#video-status").get_by_text("Done.").wait_for()
        assert time.monotonic() - started < 10
        assert page.get_by_role("button", name="Cancel").is_disabled()

    def test_the_next_visitor_waits_and_photos_are_answered_meanwhile(
        self, open_page: Any, client: Client, films: Path, astronaut: np.ndarray, tmp_path: Path
    ) -> None:
        first, second = open_page(), open_page()
        self.upload(second, films / "walk.mp4", "2 a second")
        self.send(first, films / "long.mp4", "Every frame")
        first.locator("#video-status").get_by_text("a second, about").wait_for()
        second.get_by_role("button", name="Analyse", exact=True).click()
        second.locator("#video-status").get_by_text(
            "One video is analysed at a time; 1 video is before yours."
        ).wait_for()
        Image.fromarray(astronaut).save(tmp_path / "astronaut.png")
        photo = client.predict(handle_file(tmp_path / "astronaut.png"), api_name="/analyze_image")
        assert photo["faces"][0]["emotion"] == "happy"
        assert second.locator("#video-status").get_by_text("Waiting.").is_visible()
        first.close()  # leaving also frees the machine
        second.locator("#video-status").get_by_text("Done.").wait_for()
