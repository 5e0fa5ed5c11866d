"""Faults around the program: full disks, killed processes, lost connections, a shared cache, a Hub that dies."""

import contextlib
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from PIL import Image

from emotion_core import Bundle, EmotionRecognizer, OutputError, Settings, VideoOptions, analyze_video
from emotion_core.cli.main import main
from emotion_core.images import RGB
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.serving.video_queue import VideoDesk
from support import clips
from support.hub_models import answers, fetched, pin, published
from support.page_server import page_server
from support.rest_server import ROOT, connection, refusal, serving
from support.stand_in_hub import Repo, StandInHub
from support.waiting import until


@contextlib.contextmanager
def full_disk(left: int) -> Iterator[None]:
    """No file may grow beyond ``left`` bytes: the kernel refuses, as it does on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (left, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def has_failed(job: str) -> bool:
    return bool(httpx.get(job).json()["state"] == "failed")


def left_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()] if folder.exists() else []


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty seconds of a walking face: some seconds of work."""
    frames = [clips.scene({1: clips.across(10, 60)}, number / 25)[0] for number in range(100)]
    return clips.encode(tmp_path_factory.mktemp("film") / "film.mp4", frames * 5)


class TestFullDisk:
    def test_a_videos_answers(self, tmp_path: Path, recognizer: EmotionRecognizer, film: Path) -> None:
        """The error names the folder, nothing half-written stays, and it works once there is room."""
        options = VideoOptions(rate=2)
        with full_disk(30_000), pytest.raises(OutputError, match="could not be written into"):
            list(analyze_video(film, tmp_path / "out", recognizer, options))
        assert left_in(tmp_path / "out") == []
        list(analyze_video(film, tmp_path / "out", recognizer, options))
        assert len(left_in(tmp_path / "out")) == 4

    def test_a_photos_answers(self, tmp_path: Path, astronaut: RGB, capsys: pytest.CaptureFixture[str]) -> None:
        photo = tmp_path / "astronaut.png"
        Image.fromarray(astronaut).save(photo)
        command = ["image", str(photo), "--out", str(tmp_path / "out")]
        with full_disk(5_000):
            assert main(command) == 1
        assert "Make room, or choose another --out" in capsys.readouterr().err
        assert left_in(tmp_path / "out") == []
        assert main(command) == 0
        assert len(left_in(tmp_path / "out")) == 2

    def test_an_upload_and_a_job_of_rest(self, recognizer: EmotionRecognizer, film: Path) -> None:
        """Refused in the usual format, the place is freed, and the next video is answered."""
        settings = Settings(max_video_jobs=1, rate_limit=0)
        with serving(recognizer, settings, VideoDesk(Catalogue(recognizer), settings)) as url:
            for left in (1_000, 60_000):  # too little for the upload, or for the results
                with full_disk(left):
                    sent = httpx.post(f"{url}/api/v1/video", files={"video": film.read_bytes()}, timeout=60)
                    if sent.status_code != 202:
                        refusal(sent, 503, "no_room", "Try again later")
                        continue
                    job = url + sent.headers["Location"]
                    until(partial(has_failed, job), 60)
                    assert "could not be written" in httpx.get(job).json()["error"]["message"]
            sent = httpx.post(f"{url}/api/v1/video", files={"video": film.read_bytes()}, timeout=60)
            assert sent.status_code == 202, sent.text
            httpx.delete(url + sent.headers["Location"])

    def test_the_hubs_cache(self, hub: StandInHub, tiny_bundle: Bundle, tmp_path: Path) -> None:
        """Without room for the pinned model, the embedded one answers; with room, the pinned one."""
        repo = hub.repos["we/model"] = published(tiny_bundle)
        pinned = pin(tmp_path, "we/model", repo)
        with full_disk(1_000):
            assert fetched(pinned).notice.startswith("Using the embedded model")
        found = fetched(pinned)
        assert found.notice == ""
        assert answers(found.bundle)


def test_a_hub_that_died_in_mid_download_is_asked_again(hub: StandInHub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    """A partial download in the cache is not used, and does not get in the way."""
    repo = hub.repos["we/model"] = published(tiny_bundle, "dies")
    pinned = pin(tmp_path, "we/model", repo)
    assert fetched(pinned).notice.startswith("Using the embedded model")
    repo.fault = ""
    found = fetched(pinned)
    assert found.notice == ""
    assert answers(found.bundle)


def test_two_processes_share_a_cache(hub: StandInHub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    """Started at the same time on an empty cache, both get the pinned repository."""
    repo = hub.repos["we/model"] = published(tiny_bundle)
    pinned = pin(tmp_path, "we/model", repo)
    program = (
        "import sys; from pathlib import Path; from emotion_core.recognition.hub import HubRef\n"
        "from emotion_core.recognition.resolve import bundle_behind, resolve_bundle\n"
        "pin = Path(sys.argv[1]); resolve_bundle(pin_file=pin); bundle_behind(HubRef.from_pin(pin)).wait(50)\n"
        "found = resolve_bundle(pin_file=pin)\n"
        "print(found.bundle.origin, found.notice)"
    )
    environment = {**os.environ, "HF_HOME": str(tmp_path / "home"), "HF_ENDPOINT": hub.url}
    environment.pop("HF_HUB_CACHE", None)

    def start() -> "subprocess.Popen[str]":
        command = [sys.executable, "-c", program, str(pinned)]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)

    told = [process.communicate(timeout=60)[0].strip() for process in [start(), start()]]
    assert told == [f"we/model@{repo.commit[:12]}"] * 2
    hub.repos["we/model"] = Repo({}, fault="broken")
    assert start().communicate(timeout=60)[0].strip() == told[0]


def begin(film: Path, out: Path) -> "subprocess.Popen[str]":
    """Start the command in its own process; returns once it is writing."""
    command = [sys.executable, "-m", "emotion_core", "video", str(film), "--out", str(out)]
    environment = {**os.environ, "EMOTION_DETECTOR": "haar"}
    # If the tests run in a shell's background, Ctrl-C is ignored, and child processes inherit that.
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environment,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    until(lambda: any(path.stat().st_size > 0 for path in left_in(out) if path.suffix == ".csv"), 60)
    assert process.poll() is None
    return process


class TestStops:
    @pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
    def test_the_command_puts_away_what_is_half_done(self, film: Path, tmp_path: Path, stop: signal.Signals) -> None:
        process = begin(film, tmp_path / "out")
        process.send_signal(stop)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 130
        assert "Stopped." in said
        assert "Traceback" not in said
        assert left_in(tmp_path / "out") == []

    def test_a_killed_encoder_leaves_no_half_of_an_answer(self, film: Path, tmp_path: Path) -> None:
        """Nothing can clean up after SIGKILL: what is left is hidden under a name that marks it as unfinished."""
        process = begin(film, tmp_path / "out")
        process.kill()
        process.communicate(timeout=30)
        assert left_in(tmp_path / "out")
        assert all(path.parent.name.startswith(".unfinished-") for path in left_in(tmp_path / "out"))

    def test_the_server_in_the_middle_of_a_video(self, film: Path, tmp_path: Path) -> None:
        """SIGTERM: it ends at once, without errors, and no visitor's file is left (checked by page_server)."""
        with page_server(tmp_path) as url:
            sent = httpx.post(f"{url}api/v1/video", files={"video": film.read_bytes()}, timeout=60)
            job = url.rstrip("/") + sent.headers["Location"]
            until(lambda: httpx.get(job).json()["state"] == "running", 60)
            began = time.monotonic()
        assert time.monotonic() - began < 15

    def test_the_server_while_somebody_waits(self, tmp_path: Path) -> None:
        """SIGTERM: whoever is not answered by then is told so, without a line of errors (checked by page_server)."""
        with contextlib.ExitStack() as opened:
            with page_server(tmp_path) as url:
                line = opened.enter_context(connection(url.rstrip("/")))
                line.settimeout(30)
                line.sendall(b"GET /gradio_api/upload_progress?upload_id=x HTTP/1.1\r\nHost: x\r\n\r\n")
                time.sleep(0.3)
            assert line.recv(100).startswith(b"HTTP/1.1 503")


def half_an_upload(url: str, path: str, field: str, content: bytes) -> None:
    """Send the first half of a file in a form, and disconnect."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {len(content)}\r\n\r\n--x\r\n"
        f'Content-Disposition: form-data; name="{field}"; filename="film.mp4"\r\n\r\n'
    )
    with connection(url) as line:
        line.sendall(head.encode() + content[: len(content) // 2])
        time.sleep(0.3)


def test_a_visitor_who_goes_in_the_middle_of_an_upload(film: Path, tmp_path: Path) -> None:
    """No error in the log, and no partial file (checked by page_server)."""
    with page_server(tmp_path) as url:
        half_an_upload(url.rstrip("/"), "/gradio_api/upload", "files", film.read_bytes())
        assert httpx.get(f"{url}healthz").status_code == 200


def test_a_client_who_goes_in_the_middle_of_an_upload(recognizer: EmotionRecognizer, film: Path) -> None:
    """The only place is freed."""
    settings, content = Settings(max_video_jobs=1, rate_limit=0), film.read_bytes()
    with serving(recognizer, settings, VideoDesk(Catalogue(recognizer), settings)) as url:
        half_an_upload(url, "/api/v1/video", "video", content)

        def accepted() -> bool:
            sent = httpx.post(f"{url}/api/v1/video", files={"video": content}, timeout=60)
            return sent.status_code == 202

        until(accepted)
