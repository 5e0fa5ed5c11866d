"""The server under attack, in its own process."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil

from support.page_server import ROOT
from support.waiting import free_port, is_up, until

from .target import anonymous, megabytes

#: How long the server is told to keep results, and the longest that any visitor's file may exist, in seconds: uploads
#: live for ninety, and the sweeper runs every quarter of that.
KEEP_SECONDS, PROMISE_SECONDS = 90, 120
#: A server is idle that took less than this share of a core for so many seconds.
_IDLE_SECONDS, _IDLE_SHARE = 1.5, 0.03


class Server:
    """``python app.py`` with a folder for its files.

    root: the folder of app.py. python: its interpreter. settings: extra environment variables; None unsets one.
    """

    def __init__(
        self, folder: Path, root: Path = ROOT, python: str = sys.executable, /, **settings: str | None
    ) -> None:
        port = free_port()
        self.url, self.files, self.log = f"http://127.0.0.1:{port}/", folder / "files", folder / "log"
        given = {
            **os.environ,
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_TEMP_DIR": str(self.files),
            "EMOTION_DETECTOR": os.environ.get("EMOTION_DETECTOR", "haar"),
            "EMOTION_RATE_LIMIT": "0",  # the other bounds must hold without it
            "EMOTION_KEEP_SECONDS": str(KEEP_SECONDS),
            **settings,
        }
        environment = {name: value for name, value in given.items() if value is not None}
        with self.log.open("w") as log:
            self._process = subprocess.Popen([python, "app.py"], cwd=root, env=environment, stdout=log, stderr=log)
        self.pid = self._process.pid
        until(lambda: is_up(f"{self.url}healthz"), 300, self._process)

    @property
    def megabytes(self) -> float:
        """Memory of the server and its decoders."""
        return megabytes(self.pid)

    @property
    def own_megabytes(self) -> float:
        """Memory of the server's process that is not its program's files: without those, and without decoders."""
        return anonymous(self.pid) / 1000

    def rest(self, seconds: float, most: float) -> None:
        """Wait until nothing is being answered, for at most so long, and then ``seconds`` more."""
        end = time.monotonic() + most
        while time.monotonic() < end:
            before = self._worked()
            time.sleep(_IDLE_SECONDS)
            if self._worked() - before < _IDLE_SHARE * _IDLE_SECONDS:
                break
        time.sleep(seconds)

    def _worked(self) -> float:
        """Seconds of processor time that it and its decoders have taken."""
        taken = 0.0
        with contextlib.suppress(psutil.Error):
            server = psutil.Process(self.pid)
            for process in (server, *server.children(recursive=True)):
                with contextlib.suppress(psutil.Error):
                    times = process.cpu_times()
                    taken += times.user + times.system
        return taken

    @property
    def threads(self) -> int:
        """The number of threads in its process."""
        return len(psutil.Process(self.pid).threads())

    @property
    def descriptors(self) -> int:
        """The number of files, pipes and sockets that its process holds open."""
        return int(psutil.Process(self.pid).num_fds())

    def count_files(self) -> int:
        """The number of its visitors' files."""
        return sum(name != ".lock" for _, _, names in os.walk(self.files) for name in names)

    @property
    def oldest_file(self) -> float:
        """The age of its visitors' oldest file, in seconds."""
        ages = [0.0]
        for folder, _, names in os.walk(self.files):
            for name in names:
                with contextlib.suppress(OSError):  # deleted in the meantime
                    if name != ".lock":
                        ages.append(time.time() - Path(folder, name).stat().st_ctime)
        return max(ages)

    def said(self) -> dict[str, Any]:
        """Its log's size in bytes, and how often each error occurs, with numbers and where packages lie masked."""
        text = re.sub(r"/\S*/(?=site-packages/)", "", self.log.read_text())
        errors = Counter(re.sub(r"\d+", "N", line)[:160] for line in text.splitlines() if line.startswith("ERROR"))
        return {"bytes": len(text), "tracebacks": text.count("Traceback"), "errors": dict(errors)}

    @property
    def lives(self) -> bool:
        """Whether it is still running."""
        return self._process.poll() is None

    def stop(self) -> dict[str, Any]:
        """Send SIGTERM; returns how long it took, its exit status, and what it left."""
        start = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            status: int | str = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = "killed"
        seconds = round(time.monotonic() - start, 2)
        left = [path.name for path in self.files.rglob("*") if path.is_file()]
        return {"seconds": seconds, "status": status, "files_left": left, "log": self.said()}
