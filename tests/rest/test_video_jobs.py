"""Jobs and their REST routes, with a runner that really reads and writes files."""

import contextlib
import json
import tempfile
import threading
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from emotion_core import BusyError, EmotionRecognizer, Settings
from emotion_core.serving.jobs import Job, JobQueue
from emotion_core.serving.line import Line
from emotion_core.serving.temporary import LOCK, ShortLivedFolder
from support.rest_server import LineCounter, connection, refusal, serving
from support.waiting import until


@pytest.fixture
def counter() -> LineCounter:
    return LineCounter()


@pytest.fixture
def start(recognizer: EmotionRecognizer, counter: LineCounter, tmp_path: Path, monkeypatch: Any) -> Iterator[Any]:
    """start(Settings(...)) -> the address; all job files are under tmp_path."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with contextlib.ExitStack() as servers:

        def start(**settings: Any) -> str:
            asked = Settings(**settings)
            counter.line = Line(asked.max_video_jobs)
            return servers.enter_context(serving(recognizer, asked, counter))

        yield start
    assert list(tmp_path.glob("emotion-*")) == []  # nothing is left when the server stops


def send(url: str, text: bytes) -> str:
    """Send a video; returns the new job's address."""
    answer = httpx.post(f"{url}/api/v1/video", files={"video": ("anna.mp4", text)})
    assert answer.status_code == 202, answer.text
    assert answer.json()["state"] == "queued"
    assert answer.headers["location"] == f"/api/v1/video/{answer.json()['id']}"
    return url + answer.headers["location"]


def state(job: str) -> str:
    return str(httpx.get(job).raise_for_status().json()["state"])


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.name != LOCK)


def test_a_job_from_beginning_to_end(start: Any, counter: LineCounter, tmp_path: Path) -> None:
    job = send(start(), b"one\nwait\nthree\n")
    assert counter.at_wait.wait(5)
    running = httpx.get(job).json()
    expected = {"frames": 2, "total": 3, "fraction": 0.667, "seconds_left": None}
    assert (running["state"], running["progress"]) == ("running", expected)
    refusal(httpx.get(f"{job}/result"), 409, "not_ready", "is running")
    counter.go.set()
    until(lambda: state(job) == "done")
    assert httpx.get(job).json()["progress"]["fraction"] == 1
    assert httpx.get(f"{job}/result").json() == {"lines": 3}
    table = httpx.get(f"{job}/frames.csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.headers["cache-control"] == "no-store"
    assert table.text.startswith("line,length")
    refusal(httpx.get(f"{job}/annotated.mp4"), 404, "not_found", "no such result")
    refusal(httpx.get(f"{job}/source"), 404, "not_found")
    assert files(tmp_path) == ["source.csv", "source.json"]  # the video itself is gone
    assert httpx.delete(job).status_code == 204
    refusal(httpx.get(job), 404, "not_found", "no such video")
    assert files(tmp_path) == []


def test_failures(start: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    url = start()
    bad, bug = send(url, b"bad\n"), send(url, b"bug\n")
    until(lambda: state(bad) == state(bug) == "failed")
    assert httpx.get(bad).json()["error"] == {
        "code": "failed",
        "message": "A line in its folder is bad. Send a better one.",
    }
    refusal(httpx.get(f"{bad}/result"), 409, "failed", "Send a better one")
    refusal(httpx.get(f"{bug}/result"), 409, "failed", "The server failed on this file")
    assert files(tmp_path) == []
    assert "KeyError" in caplog.text
    assert "anna" not in caplog.text
    assert str(tmp_path) not in caplog.text


def test_cancelling(start: Any, counter: LineCounter, tmp_path: Path) -> None:
    url = start()
    running, waiting = send(url, b"wait\n"), send(url, b"one\n")
    assert counter.at_wait.wait(5)
    assert state(waiting) == "queued"
    for job in (waiting, running):
        assert httpx.delete(job).status_code == 204
        assert state(job) == "cancelled"
        refusal(httpx.get(f"{job}/result"), 409, "cancelled")
    assert counter.closed.wait(5)
    until(lambda: files(tmp_path) == [])
    after = send(url, b"one\n")  # the worker is free again
    until(lambda: state(after) == "done")


def test_a_full_queue(start: Any, counter: LineCounter) -> None:
    url = start(max_video_jobs=1)
    first = send(url, b"wait\n")
    answer = httpx.post(f"{url}/api/v1/video", files={"video": b"one\n"})
    refusal(answer, 503, "overloaded", "All places for videos are taken")
    assert int(answer.headers["retry-after"]) > 0
    httpx.delete(first)
    until(lambda: httpx.post(f"{url}/api/v1/video", files={"video": b"one\n"}).status_code == 202)
    counter.go.set()


def test_what_is_no_video_is_refused_and_its_place_is_free_again(start: Any, tmp_path: Path) -> None:
    url = start(max_video_jobs=1, max_video_mb=1)
    address = f"{url}/api/v1/video"
    for _ in range(2):
        refusal(httpx.post(address, json={}), 415, "unsupported_media_type", "'video'")
        refusal(httpx.post(address, files={"image": b"x"}), 422, "invalid_request", "'video'")
        refusal(httpx.post(address, files={"video": (None, b"x")}), 422, "invalid_request", "'video'")
        refusal(httpx.post(address, files=[("video", b"x"), ("video", b"y")]), 422, "invalid_request", "one file")
        refusal(httpx.post(address, files={"video": b""}), 422, "invalid_request", "empty")
        refusal(httpx.post(address, files={"video": bytes(1_100_000)}), 413, "too_large", "over 1 MB")
    with connection(url) as line:  # disconnects midway
        head = "POST /api/v1/video HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        line.sendall(f"{head}Content-Length: 500\r\n\r\n--x\r\n".encode())
        time.sleep(0.2)
        refusal(httpx.post(address, files={"video": b"x"}), 503, "overloaded")
    until(lambda: httpx.post(address, files={"video": b"x"}).status_code == 202)
    until(lambda: "source" not in files(tmp_path))


def test_the_key_and_the_rate(start: Any) -> None:
    url = start(api_key="a key of the tests", rate_limit=2)
    header = {"X-API-Key": "a key of the tests"}
    assert httpx.post(f"{url}/api/v1/video", files={"video": b"x"}, headers=header).status_code == 202
    refusal(httpx.get(f"{url}/api/v1/video/guess"), 401, "unauthorized")
    refusal(httpx.post(f"{url}/api/v1/video", files={"video": b"x"}, headers=header), 429, "rate_limited")


def test_a_stop_in_the_middle(start: Any, counter: LineCounter) -> None:
    send(start(), b"wait\n")
    assert counter.at_wait.wait(5)  # the fixture stops the server, and checks that no file is left


def test_without_a_runner_there_are_no_videos(recognizer: EmotionRecognizer) -> None:
    with serving(recognizer, Settings()) as url:
        refusal(httpx.post(f"{url}/api/v1/video", files={"video": b"x"}), 404, "not_found")
        assert "/api/v1/video" not in httpx.get(f"{url}/openapi.json").text


def test_results_are_kept_for_a_stated_time(counter: LineCounter, tmp_path: Path) -> None:
    jobs = JobQueue(counter.run, Line(2), 0.5, ShortLivedFolder(2, str(tmp_path)))
    job = reserved(jobs, b"one\ntwo\n")
    jobs.submit(job)
    until(lambda: job.state == "done")
    assert jobs.get(job.id) is job
    assert json.loads((job.results / "source.json").read_text()) == {"lines": 2}
    until(lambda: jobs.get(job.id) is None, 2)
    until(lambda: files(tmp_path) == [], 2)
    jobs.close()
    assert list(tmp_path.rglob("jobs")) == []
    with pytest.raises(BusyError, match="The server is stopping"):
        jobs.reserve()


def test_ids_cannot_be_guessed(counter: LineCounter, tmp_path: Path) -> None:
    jobs = JobQueue(counter.run, Line(50), 60, ShortLivedFolder(90, str(tmp_path)))
    names = {reserved(jobs, b"").id for _ in range(50)}
    assert len(names) == 50
    assert all(len(name) == 24 for name in names)
    jobs.close()


def test_one_job_at_a_time(tmp_path: Path) -> None:
    inside, most = 0, 0
    lock = threading.Lock()

    def run(source: Path, folder: Path, copy: bool) -> Generator[Any, None, None]:  # noqa: ARG001
        nonlocal inside, most
        with lock:
            inside += 1
            most = max(most, inside)
        time.sleep(0.01)
        with lock:
            inside -= 1
        yield from ()

    jobs = JobQueue(run, Line(10), 60, ShortLivedFolder(90, str(tmp_path)))
    all_jobs = [reserved(jobs, b"x") for _ in range(10)]
    for job in all_jobs:
        jobs.submit(job)
    until(lambda: all(job.state == "done" for job in all_jobs))
    assert most == 1
    jobs.close()


def test_addresses_take_turns(counter: LineCounter, tmp_path: Path) -> None:
    """The first of every address before anybody's second; what is being done goes on."""
    line = Line(20)
    jobs = JobQueue(counter.run, line, 60, ShortLivedFolder(90, str(tmp_path)))
    running = reserved(jobs, b"wait\n", "a")
    jobs.submit(running)
    assert counter.at_wait.wait(5)
    later = [reserved(jobs, b"one\n", address) for address in "aaabbc"]
    for job in later:
        jobs.submit(job)
    assert [place.address for place in line.order] == list("abcabaa")
    counter.go.set()
    until(lambda: all(job.state == "done" for job in later))
    ended = sorted(later, key=lambda job: job.ended)
    assert [job.place.address for job in ended] == list("bcabaa")
    jobs.close()


def test_one_address_leaves_places_to_others(start: Any, counter: LineCounter) -> None:
    url = start(max_video_jobs=8)
    video = {"video": b"wait\n"}
    with httpx.Client(transport=httpx.HTTPTransport(local_address="127.0.0.2")) as one:
        answers = [one.post(f"{url}/api/v1/video", files=video) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [202] * 4 + [503] * 2
    refusal(answers[-1], 503, "overloaded", "As many of your videos are waiting as may")
    assert httpx.post(f"{url}/api/v1/video", files=video).status_code == 202
    counter.go.set()


def reserved(jobs: JobQueue, content: bytes, address: str = "") -> Job:
    job = jobs.reserve(address)
    job.source.write_bytes(content)
    return job
