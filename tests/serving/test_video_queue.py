"""Videos one at a time: the desk itself, and real clips through REST."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import av
import httpx
import pytest

from emotion_core import BusyError, EmotionError, EmotionRecognizer, Settings, VideoError, VideoOptions
from emotion_core.page.example_clip import HEIGHT, WIDTH, write_drawn_clip
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.serving.jobs import JobQueue
from emotion_core.serving.temporary import ShortLivedFolder
from emotion_core.serving.video_queue import VideoDesk, Waiting
from emotion_core.video.results import VideoProgress
from support import clips
from support.rest_server import refusal, serving
from support.waiting import until

FAST = VideoOptions(rate=4)


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of a drawn face."""
    return write_drawn_clip(tmp_path_factory.mktemp("drawn") / "drawn.mp4", seconds=1)


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight seconds without a face: long enough to be interrupted."""
    return clips.encode(tmp_path_factory.mktemp("long") / "long.mp4", [clips.background()] * 200)


@pytest.fixture
def desk(recognizer: EmotionRecognizer) -> VideoDesk:
    return VideoDesk(Catalogue(recognizer), Settings(max_video_seconds=9, max_video_jobs=2))


def test_a_drawn_clip(desk: VideoDesk, drawn: Path, tmp_path: Path) -> None:
    info = desk.probe(drawn)
    assert (info.width, info.height, info.frames, info.has_sound) == (WIDTH, HEIGHT, 25, False)
    summary = desk.analyze(drawn, tmp_path, options=VideoOptions(rate=5, confirm_seconds=0)).result()
    assert [person.person for person in summary.people] == [1]


def test_everyone_gets_a_turn(desk: VideoDesk, long: Path, drawn: Path, tmp_path: Path) -> None:
    first = desk.analyze(long, tmp_path / "1", address="a")
    with pytest.raises(BusyError, match="As many of your videos are waiting"):
        desk.analyze(drawn, tmp_path / "3", address="a")
    second = desk.analyze(drawn, tmp_path / "2", options=FAST, address="b")
    steps = next(first), next(first)
    assert isinstance(steps[1], VideoProgress)
    assert steps[1].frames
    assert next(second) == Waiting(1)
    with pytest.raises(EmotionError, match="All places for videos are taken"):
        desk.analyze(drawn, tmp_path / "3")
    assert next(second) == Waiting(1)
    first.close()
    assert isinstance(next(second), VideoProgress)
    assert list((tmp_path / "1").iterdir()) == []
    del second  # equivalent to closing it
    assert len(desk.line) == 0


def test_one_line_for_the_page_and_rest(desk: VideoDesk, long: Path, drawn: Path, tmp_path: Path) -> None:
    """Two places in all: a REST job waits for the page's video, and the page is refused while both are taken."""
    jobs = JobQueue(desk.run, desk.line, 60, ShortLivedFolder(90, str(tmp_path / "jobs")))
    first = desk.analyze(long, tmp_path / "1")
    assert isinstance(next(first), VideoProgress)
    job = jobs.reserve()
    with pytest.raises(BusyError, match="All places for videos are taken"):
        jobs.reserve()
    with pytest.raises(BusyError, match="All places for videos are taken"):
        desk.analyze(drawn, tmp_path / "2")
    shutil.copy(drawn, job.source)
    jobs.submit(job)
    time.sleep(0.2)
    assert (job.state, job.place.ahead) == ("queued", 1)
    first.close()
    until(lambda: job.state == "done", 60)
    assert job.progress is not None
    assert job.progress.frames == 25
    assert len(desk.line) == 0
    jobs.close()


def test_who_still_sends_a_video_keeps_nobody_waiting(desk: VideoDesk, drawn: Path, tmp_path: Path) -> None:
    sending = desk.line.take()
    assert desk.analyze(drawn, tmp_path, options=FAST).result().frames == 25
    sending.leave()
    sending.leave()
    assert len(desk.line) == 0


def test_refusals_come_before_any_waiting(desk: VideoDesk, drawn: Path, tmp_path: Path) -> None:
    (tmp_path / "garbage.mp4").write_bytes(b"no video at all" * 100)
    with pytest.raises(VideoError, match="not a video"):
        desk.analyze(tmp_path / "garbage.mp4", tmp_path / "out")
    with pytest.raises(VideoError, match="lasts 10 seconds, the limit is 9"):
        desk.probe(clips.encode(tmp_path / "long.mp4", [clips.background()] * 10, rate=1))
    with pytest.raises(EmotionError, match="no model of that name"):
        desk.analyze(drawn, tmp_path / "out", "nope")
    assert not (tmp_path / "out").exists()
    assert len(desk.line) == 0


def test_a_failure_lets_the_next_one_in(desk: VideoDesk, drawn: Path) -> None:
    with pytest.raises(VideoError, match=r"into its folder: .*Choose another folder"):
        list(desk.analyze(drawn, drawn))
    assert len(desk.line) == 0


class TestRest:
    @pytest.fixture
    def url(self, recognizer: EmotionRecognizer) -> Iterator[str]:
        settings = Settings(max_video_seconds=9)
        with serving(recognizer, settings, VideoDesk(Catalogue(recognizer), settings)) as address:
            yield f"{address}/api/v1/video"

    def send(self, url: str, clip: Path) -> str:
        answer = httpx.post(url, files={"video": clip.read_bytes()}).raise_for_status()
        return f"{url}/{answer.json()['id']}"

    def state(self, job: str) -> str:
        return str(httpx.get(job).json()["state"])

    def test_a_clip_from_beginning_to_end(self, url: str, drawn: Path, tmp_path: Path) -> None:
        job = self.send(url, drawn)
        until(lambda: self.state(job) == "done", 60)
        assert httpx.get(job).json()["progress"] == {"frames": 25, "total": 25, "fraction": 1, "seconds_left": 0}
        result = httpx.get(f"{job}/result").raise_for_status().json()
        assert len(result["frames"]) == result["summary"]["frames"] == 25
        assert [person["person"] for person in result["summary"]["people"]] == [1]
        lines = httpx.get(f"{job}/frames.csv").text.splitlines()
        assert len(lines) - 1 == sum(len(frame["faces"]) for frame in result["frames"]) >= 5
        (tmp_path / "annotated.mp4").write_bytes(httpx.get(f"{job}/annotated.mp4").content)
        with av.open(str(tmp_path / "annotated.mp4")) as film:
            assert len(list(film.decode(video=0))) == 25
        assert httpx.get(f"{job}/timeline.svg").text.startswith("<svg")

    def test_without_the_annotated_video(self, url: str, drawn: Path) -> None:
        answer = httpx.post(url, params={"copy": "false"}, files={"video": drawn.read_bytes()}).raise_for_status()
        job = f"{url}/{answer.json()['id']}"
        until(lambda: self.state(job) == "done", 60)
        assert httpx.get(f"{job}/frames.csv").text.startswith("time_seconds")
        refusal(httpx.get(f"{job}/annotated.mp4"), 404, "not_found", "has no such result")

    def test_errors_can_be_read(self, url: str, tmp_path: Path) -> None:
        (tmp_path / "garbage.mp4").write_bytes(b"no video at all" * 100)
        frames = [clips.background()] * 10
        for clip, words in [
            (tmp_path / "garbage.mp4", "This is not a video that can be read"),
            (clips.encode(tmp_path / "long.mp4", frames, rate=1), "lasts 10 seconds, the limit is 9. Cut it"),
        ]:
            job = self.send(url, clip)
            until(lambda job=job: self.state(job) == "failed")  # type: ignore[misc]
            assert words in httpx.get(job).json()["error"]["message"]
            refusal(httpx.get(f"{job}/result"), 409, "failed", words)

    def test_a_cancelled_one_lets_the_next_one_in(self, url: str, long: Path, drawn: Path) -> None:
        first, second = self.send(url, long), self.send(url, drawn)
        until(lambda: httpx.get(first).json()["progress"]["frames"] > 0)
        assert self.state(second) == "queued"
        assert httpx.delete(first).status_code == 204
        until(lambda: self.state(second) != "queued", 2)
        assert self.state(first) == "cancelled"
        httpx.delete(second)
