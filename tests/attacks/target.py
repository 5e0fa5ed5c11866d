"""The target of an attack, and the watch on it: an honest visitor and the server's memory."""

import contextlib
import itertools
import multiprocessing
import socket
import statistics
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import httpx
import psutil

from .bare import bare_server

#: Seconds between the honest visitor's photos, and between checks of ``/healthz``.
PHOTO_SECONDS, HEALTH_SECONDS = 0.6, 0.15
#: Seconds between memory readings.
MEMORY_SECONDS = 0.25


class Target:
    """Where to attack, from which addresses, until when. ``seen`` counts the answers to attackers."""

    def __init__(self, url: str, seconds: float) -> None:
        self.url, self.port = url, int(url.rstrip("/").rpartition(":")[2])
        self._seconds, self.end = seconds, time.monotonic() + seconds
        self.seen: Counter[str] = Counter()
        self._addresses = itertools.cycle(f"127.0.0.{number}" for number in range(2, 12))
        self._lock = threading.Lock()

    @property
    def goes_on(self) -> bool:
        """Whether the attack has time left."""
        return time.monotonic() < self.end

    def note(self, what: object) -> None:
        """Count an answer."""
        with self._lock:
            self.seen[str(what)] += 1

    def client(self) -> httpx.Client:
        """An HTTP client at an attacker's address."""
        with self._lock:
            address = next(self._addresses)
        return httpx.Client(
            base_url=self.url, timeout=30, transport=httpx.HTTPTransport(local_address=address, verify=False)
        )

    def connect(self) -> socket.socket:
        """A bare connection from an attacker's address."""
        with self._lock:
            address = next(self._addresses)
        return socket.create_connection(("127.0.0.1", self.port), timeout=10, source_address=(address, 0))

    def together(self, work: Callable[[httpx.Client, int], Any], threads: int) -> None:
        """Run ``work`` in this many attackers' threads, at least once each and then until the time is up."""

        def run(number: int) -> None:
            with self.client() as client:
                while True:
                    try:
                        answer = work(client, number)
                        self.note(getattr(answer, "status_code", answer))
                    except (httpx.HTTPError, OSError) as error:
                        self.note(type(error).__name__)
                        time.sleep(0.05)
                    if not self.goes_on:
                        return

        self.end = time.monotonic() + self._seconds  # does not count the time for preparation
        runners = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
        for runner in runners:
            runner.start()
        for runner in runners:
            runner.join()


@dataclass
class Watch:
    """Observations: megabytes of the server and its decoders, seconds that the honest visitor waited."""

    megabytes: list[float] = field(default_factory=list)
    photos: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    #: The same at a bare server on the same machine, asked at the same moments.
    bare: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    threads: int = 0

    def join(self, other: "Watch") -> None:
        """Add another watch's observations."""
        self.megabytes += other.megabytes
        self.photos += other.photos
        self.health += other.health
        self.bare += other.bare
        self.refused.update(other.refused)
        self.threads = other.threads

    def record(self) -> dict[str, Any]:
        """The figures, in megabytes and seconds."""
        return {
            "most_megabytes": round(max(self.megabytes, default=0), 1),
            "photos": len(self.photos),
            "photo_median": _rounded(statistics.median(self.photos)) if self.photos else None,
            "photo_p99": _rounded(quantile(self.photos, 0.99)),
            "photo_longest": _rounded(max(self.photos, default=0)),
            "health_p99": _rounded(quantile(self.health, 0.99)),
            "health_longest": _rounded(max(self.health, default=0)),
            "bare_p99": _rounded(quantile(self.bare, 0.99)),
            "bare_longest": _rounded(max(self.bare, default=0)),
            "honest_refused": dict(self.refused),
            "threads": self.threads,
        }


def upload_head(query: str = "") -> bytes:
    """How an upload of ninety megabytes begins, up to its file's first byte."""
    return (
        f"POST /gradio_api/upload{query} HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\n"
        "Content-Length: 90000000\r\n\r\n"
        '--x\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'
    ).encode()


def quantile(values: list[float], share: float) -> float:
    """The quantile of the values at this share; 0 for none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


def _rounded(seconds: float) -> float:
    return round(seconds, 3)


def megabytes(pid: int) -> float:
    """Memory of the process and its children: what each holds for itself, and the program files of the largest.

    The children's files are its own, so they count once, and so does what those hold together that were forked from
    one another. Nothing that other programs do changes it: PSS, which shares files out, too, among all programs that
    map them, rises when one that uses the same libraries ends. A child that has not begun its program yet still has all
    that the server has, and would count it twice.
    """
    held, files = 0, 0
    with contextlib.suppress(psutil.Error):
        process = psutil.Process(pid)
        own = process.cmdline()
        for one in (process, *process.children(recursive=True)):
            with contextlib.suppress(psutil.Error, OSError):
                if one.pid != pid and one.cmdline() == own:
                    continue
                held += anonymous(one.pid)
                files = max(files, _kilobytes(one.pid, "Rss") - _kilobytes(one.pid, "Anonymous"))
    return (held + files) / 1000


def anonymous(pid: int) -> int:
    """Kilobytes of the process that are no file's: what it has allocated, and its share of what it was forked with."""
    return _kilobytes(pid, "Pss_Anon")


def _kilobytes(pid: int, name: str) -> int:
    return int(Path(f"/proc/{pid}/smaps_rollup").read_text().split(f"\n{name}:")[1].split()[0])


@contextlib.contextmanager
def watched(url: str, pid: int, photo: bytes) -> Iterator[Watch]:
    """Send an honest visitor's photos, check the server's health, and read its memory at intervals.

    All of it in a process of its own: beside the attackers' threads, a visitor would wait for the
    interpreter that they share, and that would count as the server's time.
    """
    watch, (ours, theirs) = Watch(), multiprocessing.Pipe()
    watcher = multiprocessing.get_context("spawn").Process(target=_watch, args=(url, pid, photo, theirs))
    watcher.start()
    theirs.close()
    ours.recv()  # it has begun
    try:
        yield watch
    finally:
        ours.send("stop")
        watch.join(ours.recv())
        watcher.join()


def _watch(url: str, pid: int, photo: bytes, pipe: "Connection[Any, Any]") -> None:
    """The watcher's process: watches until it is told to stop, then sends what it saw."""
    watch, stop = Watch(), threading.Event()
    with bare_server() as bare:
        workers = [
            threading.Thread(target=_send_photos, args=(url, photo, watch, stop)),
            threading.Thread(target=_ask, args=(f"{url}healthz", watch.health, watch.refused, stop)),
            threading.Thread(target=_ask, args=(bare, watch.bare, Counter(), stop)),
            threading.Thread(target=_weigh, args=(pid, watch, stop)),
        ]
        for worker in workers:
            worker.start()
        pipe.send("watching")
        with contextlib.suppress(EOFError):  # the attackers are gone
            pipe.recv()
        stop.set()
        for worker in workers:
            worker.join()
    with contextlib.suppress(OSError):
        pipe.send(watch)


def _send_photos(url: str, photo: bytes, watch: Watch, stop: threading.Event) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        while not stop.wait(PHOTO_SECONDS):
            start = time.monotonic()
            try:
                answer = client.post("api/v1/analyze", files={"image": ("photo.jpg", photo)})
            except httpx.HTTPError as error:
                watch.refused[type(error).__name__] += 1
                continue
            if answer.status_code == 200 and answer.json()["results"][0]["faces"]:
                watch.photos.append(time.monotonic() - start)
            else:
                watch.refused[str(answer.status_code)] += 1


def _ask(url: str, waited: list[float], refused: Counter[str], stop: threading.Event) -> None:
    """Ask at intervals, and at least once, however short the attack and busy the machine."""
    with httpx.Client(timeout=60) as client:
        while True:
            start = time.monotonic()
            try:
                client.get(url).raise_for_status()
                waited.append(time.monotonic() - start)
            except httpx.HTTPError as error:
                refused[f"healthz {type(error).__name__}"] += 1
            if stop.wait(HEALTH_SECONDS):
                return


def _weigh(pid: int, watch: Watch, stop: threading.Event) -> None:
    while not stop.wait(MEMORY_SECONDS):
        watch.megabytes.append(megabytes(pid))
        with contextlib.suppress(psutil.Error):
            watch.threads = psutil.Process(pid).num_threads()
