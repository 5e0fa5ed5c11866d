"""Many visitors at once: ``python tests/benchmarks/load.py --out load.json``; the clients share the machine.

First the webcam, one to eight visitors who stream as the page's script does. Then, for ten minutes,
fifty clients who ask again as soon as they are answered: half send photos by REST, most of the others
through the Gradio queue with the Python client, four have videos analysed. Each has an address of its own,
as behind a proxy; the server's limits are the usual ones. A client that is told to come later, does.
``--only`` renews one of the two in a record.
"""

import argparse
import base64
import contextlib
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]  # run as a program, where the package may not be installed

import httpx
import inputs
import stages
from gradio_client import Client, handle_file
from recording import begun, keep

from emotion_core.recognition.hub import YUNET
from support.page_server import page_server
from support.rest_client import detector_of
from support.stand_in_hub import Repo, StandInHub

PARTS = ("webcam", "crowd")
REST, QUEUE, VIDEOS = 25, 21, 4
#: What the queue's clients are told when they are to come again, by how it is counted.
REFUSALS = {"full": "Queue is full", "busy": "The server is busy"}
CLIP_SECONDS = 2


class Log:
    """The answers that clients got, and how fast. Shared by threads."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.told: Counter[str] = Counter()
        self._lock = threading.Lock()

    def add(self, kind: str, what: str, seconds: float) -> None:
        with self._lock:
            self.told[f"{kind} {what}"] += 1
            if what == "answered":
                self.seconds[kind].append(seconds)

    def record(self) -> dict[str, Any]:
        return {
            "told": dict(sorted(self.told.items())),
            "milliseconds": {k: spread(v) for k, v in self.seconds.items()},
        }


def spread(seconds: list[float]) -> dict[str, float]:
    """Median, 95th and 99th percentile in milliseconds; one value is all three."""
    cuts = statistics.quantiles(seconds, n=100) if len(seconds) > 1 else seconds * 99
    return {f"p{share}": round(1000 * cuts[share - 1], 1) for share in (50, 95, 99)}


def memory_megabytes(pid: int) -> float:
    """A process's resident memory."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]) / 1024


def children() -> list[int]:
    """The process ids of this thread's children."""
    return [int(pid) for pid in Path(f"/proc/self/task/{threading.get_native_id()}/children").read_text().split()]


@contextlib.contextmanager
def server(folder: Path, **settings: str) -> Iterator[tuple[str, int]]:
    """The application's address and process id, with YuNet if ``YUNET_ONNX`` names its file."""
    hub, model = StandInHub(), os.environ.get("YUNET_ONNX")
    if model:
        [name] = YUNET.sha256
        hub.repos[YUNET.repo_id] = Repo({name: Path(model).read_bytes()}, commit=YUNET.revision or "")
    settings |= {
        "HF_ENDPOINT": hub.url,
        "HF_HOME": str(folder / "hub"),
        "EMOTION_DETECTOR": "yunet" if model else "haar",
    }
    others = set(children())
    with page_server(folder, False, **settings) as url:
        [pid] = set(children()) - others
        yield url, pid
    hub.close()


def visitors(url: str, count: int, seconds: float, pictures: list[str]) -> dict[str, Any]:
    """Run ``count`` webcams for ``seconds``: frame rates and round trips, as measured by the visitors."""
    webcam = next(c for c in httpx.get(f"{url}config").json()["components"] if c["props"].get("elem_id") == "webcam")
    round_trips: list[list[float]] = [[] for _ in range(count)]

    def visit(number: int) -> None:
        # Each has its own address, as reported by the trusted proxy: one address may hold at most half of the places.
        own = {"X-Forwarded-For": f"192.0.2.{number + 1}"}
        with httpx.Client(base_url=url, timeout=30, headers=own) as line:

            def call(function: str, data: Any) -> Any:
                sent = {"session_hash": f"visitor{number}", "component_id": webcam["id"], "fn_name": function}
                return line.post("gradio_api/component_server", json={**sent, "data": data}).raise_for_status().json()

            token = call("webcam_open", {})["token"]
            end, index = time.monotonic() + seconds, number
            while (start := time.monotonic()) < end:
                index += 1
                answer = call("webcam_frame", {"token": token, "picture": pictures[index % len(pictures)]})
                round_trips[number].append(time.monotonic() - start)
                time.sleep(max(0.0, start + answer["next_seconds"] - time.monotonic()))
            call("webcam_close", token)

    together([partial(visit, number) for number in range(count)])
    return {
        "frames_a_second": [round(len(trips) / seconds, 1) for trips in round_trips],
        "milliseconds": spread([trip for trips in round_trips for trip in trips[min(5, len(trips) - 1) :]]),
    }


def together(works: list[Callable[[], None]]) -> None:
    """Run all of them in threads; the first exception is raised at the end."""
    with ThreadPoolExecutor(len(works)) as pool:
        for done in [pool.submit(work) for work in works]:
            done.result()


def later(answer: httpx.Response, end: float) -> None:
    """Wait as long as the refusal says, but not past the end."""
    time.sleep(max(0.0, min(float(answer.headers.get("Retry-After", 1)), end - time.monotonic())))


def rest_client(url: str, number: int, photos: list[Path], log: Log, end: float) -> None:
    with httpx.Client(base_url=url, timeout=120, headers={"X-Forwarded-For": f"10.0.0.{number}"}) as line:
        turn = number
        while (start := time.monotonic()) < end:
            turn += 1
            photo = photos[turn % len(photos)].read_bytes()
            try:
                answer = line.post("api/v1/analyze", files={"image": ("photo.jpg", photo, "image/jpeg")})
            except httpx.HTTPError as error:
                log.add("rest", type(error).__name__, 0)
                continue
            if answer.status_code == 200 and answer.json()["results"][0]["faces"]:
                log.add("rest", "answered", time.monotonic() - start)
            else:
                log.add("rest", str(answer.status_code), 0)
                later(answer, end)


def queue_client(url: str, number: int, photos: list[Path], log: Log, end: float) -> None:
    client, turn = Client(url, verbose=False, headers={"X-Forwarded-For": f"10.0.2.{number}"}), number
    while (start := time.monotonic()) < end:
        turn += 1
        try:
            result = client.predict(handle_file(photos[turn % len(photos)]), api_name="/analyze_image")
        except httpx.HTTPStatusError as error:
            log.add("queue", str(error.response.status_code), 0)
            time.sleep(1)
        except Exception as error:  # any error is one that a visitor would have seen
            refusals = (what for what, words in REFUSALS.items() if words in str(error))
            log.add("queue", next(refusals, f"{type(error).__name__}: {str(error)[:80]}"), 0)
            time.sleep(1)
        else:
            log.add("queue", "answered" if result["faces"] else "no face", time.monotonic() - start)


def video_client(url: str, number: int, clip: Path, log: Log, end: float) -> None:
    with httpx.Client(base_url=url, timeout=120, headers={"X-Forwarded-For": f"10.0.1.{number}"}) as line:
        while (start := time.monotonic()) < end:
            answer = line.post("api/v1/video", files={"video": ("clip.mp4", clip.read_bytes(), "video/mp4")})
            if answer.status_code != 202:
                log.add("video", str(answer.status_code), 0)
                later(answer, end)
                continue
            job = answer.headers["Location"]
            while (state := line.get(job).json()["state"]) in ("queued", "running"):
                time.sleep(0.5)
            fetched = line.get(f"{job}/annotated.mp4")
            right = state == "done" and fetched.status_code == 200 and b"ftyp" in fetched.content[:12]
            log.add("video", "answered" if right else f"{state} {fetched.status_code}", time.monotonic() - start)
            line.delete(job)


def crowd(url: str, pid: int, photos: list[Path], clip: Path, seconds: float) -> dict[str, Any]:
    """Run fifty clients for ``seconds``, recording the server's memory."""
    log, end = Log(), time.monotonic() + seconds
    memory: list[float] = []

    def watch() -> None:
        while time.monotonic() < end:
            memory.append(round(memory_megabytes(pid), 1))
            time.sleep(seconds / 60)

    works = [lambda n=n: rest_client(url, n, photos, log, end) for n in range(REST)]
    works += [lambda n=n: queue_client(url, n, photos, log, end) for n in range(QUEUE)]
    works += [lambda n=n: video_client(url, n, clip, log, end) for n in range(VIDEOS)]
    together([watch, *works])
    thirds = len(memory) // 3
    grown = statistics.median(memory[-thirds:]) - statistics.median(memory[thirds:-thirds])
    return {
        "clients": {"rest": REST, "queue": QUEUE, "video": VIDEOS},
        "seconds": seconds,
        **log.record(),
        "server_megabytes": memory,
        "megabytes_grown_from_the_second_third_to_the_last": round(grown, 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    parser.add_argument("--only", choices=PARTS, help="renew this part of the record")
    parser.add_argument("--seconds", type=float, default=600, help="of the fifty clients (600)")
    parser.add_argument("--webcam-seconds", type=float, default=20, help="of each number of visitors (20)")
    options = parser.parse_args()
    record: dict[str, Any] = {**(json.loads(options.out.read_text()) if options.only else {}), **begun()}
    parts = [options.only] if options.only else PARTS
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = list(inputs.write_photos(folder).values())[:6]  # VGA and HD
        clip = inputs.write_clip(folder / "clip.mp4", 640, 360, 25, CLIP_SECONDS)
        scenes = [inputs.scene(640, 480, 1, 8 * number) for number in range(16)]
        pictures = ["data:image/jpeg;base64," + base64.b64encode(stages.jpeg(rgb)).decode() for rgb in scenes]
        settings = {"EMOTION_WEBCAM_VISITORS": "8", "EMOTION_TRUSTED_PROXIES": "1"}
        with server(folder, **settings) as (url, pid):  # checks at the end that no file is left
            record["detector"] = detector_of(url)
            if "webcam" in parts:
                counts = (1, 2, 4, 8)
                record["webcam"] = {str(n): visitors(url, n, options.webcam_seconds, pictures) for n in counts}
            if "crowd" in parts:
                record["crowd"] = crowd(url, pid, photos, clip, options.seconds)
        record["files_left"] = 0  # checked by page_server
    keep(record, options.out)


if __name__ == "__main__":
    main()
