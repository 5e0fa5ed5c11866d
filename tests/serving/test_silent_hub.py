"""The whole server while the Hub accepts connections but never answers."""

import contextlib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from attacks.server import Server
from attacks.target import watched
from emotion_core.images import RGB
from support.hostile_pictures import saved
from support.processes import importing
from support.waiting import until


class SilentHub:
    """Accepts connections, reads requests, and never answers."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self._opened: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._listener.accept()
                self._opened.append(line)
                threading.Thread(target=self._listen, args=(line,), daemon=True).start()

    def _listen(self, line: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := line.recv(1000):
                self.asked.append(said)

    def close(self) -> None:
        # A thread blocked in accept or recv wakes only when its socket is shut down.
        for line in (self._listener, *self._opened):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()


@pytest.fixture
def hub() -> Iterator[SilentHub]:
    made = SilentHub()
    yield made
    made.close()


def test_nothing_waits_for_it(tmp_path: Path, hub: SilentHub, astronaut: RGB) -> None:
    """Not the start, the first photo, a detector that only the Hub has, health checks, nor shutdown."""
    photo, start = saved(Image.fromarray(astronaut), "JPEG"), time.monotonic()
    server = Server(tmp_path, HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path / "hub"), EMOTION_DETECTOR="auto")
    assert time.monotonic() - start < 60
    try:
        with watched(server.url, server.pid, photo) as watch, httpx.Client(base_url=server.url, timeout=30) as client:
            start = time.monotonic()
            answer = client.post("page/photo", content=photo)
            assert time.monotonic() - start < 15
            assert "happy" in answer.text
            until(lambda: any(b"face_detection_yunet" in said for said in hub.asked), 30)  # in the background
            start = time.monotonic()
            chosen = client.post("page/photo?detector=yunet", content=photo)
            assert time.monotonic() - start < 15
            assert chosen.status_code in (200, 422)
            time.sleep(5)  # a visitor's photos meanwhile
        assert len(watch.photos) >= 2
        assert not watch.refused
        assert max(watch.health) < 5  # for a busy machine; waiting for the Hub would take minutes
    finally:
        stopped = server.stop()  # with a request to the Hub still pending
    assert stopped["status"] == 0
    assert stopped["seconds"] < 10
    assert stopped["files_left"] == []
    assert stopped["log"]["tracebacks"] == 0


LOAD = """
from huggingface_hub import hf_hub_download  # whose import may take as long, on a busy machine
from emotion_core import EmotionRecognizer, HubError
from emotion_core.recognition import resolve
resolve.FIRST_PATIENCE = 3.0
try:
    EmotionRecognizer.load("owner/name")
except HubError as error:
    print(error)
"""


def test_a_model_asked_for_by_name_is_given_up_with_its_first_file(tmp_path: Path, hub: SilentHub) -> None:
    """A large file may take minutes, a Hub that says nothing to the first small one gets no further."""
    environment = importing(HF_ENDPOINT=hub.url, HF_HOME=str(tmp_path))
    said = subprocess.run([sys.executable, "-c", LOAD], env=environment, capture_output=True, text=True, timeout=60)
    assert "did not finish within 3 seconds" in said.stdout
    assert hub.asked
