"""The REST application on a real port, in a thread; and a job runner that does real, countable work."""

import contextlib
import io
import json
import socket
import threading
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
from PIL import Image

from emotion_core import EmotionError, EmotionRecognizer, Settings
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.rest.app import create_api
from emotion_core.serving.jobs import Videos
from emotion_core.serving.line import Line

from .in_process import served

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Lines:
    frames: int
    total: int | None
    seconds_left: float | None = None

    @property
    def fraction(self) -> float:
        return self.frames / (self.total or 1)


class LineCounter:
    """Counts the lines of a text; a line 'wait' waits for ``go``, 'bad' is refused, 'bug' fails unexpectedly."""

    def __init__(self, places: int = 4) -> None:
        self.line = Line(places)
        self.go, self.at_wait, self.closed = threading.Event(), threading.Event(), threading.Event()

    def run(self, source: Path, folder: Path, copy: bool = True) -> Generator[Lines, None, None]:  # noqa: ARG002
        lines = source.read_bytes().splitlines()
        try:
            for number, line in enumerate(lines, 1):
                if line == b"bad":
                    raise EmotionError(f"A line in {folder} is bad. Send a better one.")
                if line == b"bug":
                    raise KeyError(str(source))
                while line == b"wait" and not self.go.wait(0.02):
                    self.at_wait.set()
                    yield Lines(number, len(lines))
                yield Lines(number, len(lines))
            (folder / f"{source.name}.json").write_text(json.dumps({"lines": len(lines)}))
            (folder / f"{source.name}.csv").write_text(
                "line,length\n" + "".join(f"{n},{len(t)}\n" for n, t in enumerate(lines))
            )
        finally:
            self.closed.set()


@contextlib.contextmanager
def serving(recognizer: EmotionRecognizer, settings: Settings, videos: Videos | None = None) -> Iterator[str]:
    """Run a server with these settings, and stop it at the end; yields its address."""
    app = create_api(Catalogue(recognizer), settings, videos)
    with served(app, lifespan="on", proxy_headers=False, timeout_graceful_shutdown=2) as port:
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def connection(url: str) -> Iterator[socket.socket]:
    host, _, port = url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        yield line


def refusal(answer: httpx.Response, status: int, code: str, words: str = "") -> dict[str, str]:
    """Check an error against the common format."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"error"}
    error: dict[str, str] = answer.json()["error"]
    assert {"code", "message"} <= set(error) <= {"code", "message", "field"}
    assert error["code"] == code
    assert words in error["message"]
    assert error["message"].endswith(".")
    assert "/tmp" not in answer.text
    assert str(ROOT) not in answer.text
    return error


def encoded(image: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()
