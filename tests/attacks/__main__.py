"""Every attack, one after the other, on a server that is started for it, with an honest visitor beside them.

    PYTHONPATH=.:tests python -m attacks --seconds 20 --out tests/attacks/attacks.json
    PYTHONPATH=.:tests python -m attacks --hours 1 --out tests/attacks/night.json

With --hours the attacks alternate with quiet, again and again, and the memory's slope is recorded.
"""

import argparse
import json
import os
import platform
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from PIL import Image
from skimage import data as pictures

from support.hostile_pictures import saved
from support.page_server import ROOT
from support.waiting import free_port, is_up, until

from .attack_kinds import ATTACKS
from .attack_media import hostile_photos
from .target import Target, megabytes, watched

#: Quiet after an attack, in seconds: what lies ready for a while goes meanwhile.
QUIET = 3.0


class Server:
    """``python app.py`` with a folder for its files."""

    def __init__(self, folder: Path) -> None:
        port = free_port()
        self.url, self.files, self.log = f"http://127.0.0.1:{port}/", folder / "files", folder / "log"
        environment = {
            **os.environ,
            "GRADIO_SERVER_PORT": str(port),
            "GRADIO_TEMP_DIR": str(self.files),
            "EMOTION_DETECTOR": os.environ.get("EMOTION_DETECTOR", "haar"),
            "EMOTION_RATE_LIMIT": "0",  # the other bounds are to hold without it
        }
        with self.log.open("w") as log:
            self._process = subprocess.Popen(
                [sys.executable, "app.py"], cwd=ROOT, env=environment, stdout=log, stderr=log
            )
        self.pid = self._process.pid
        until(lambda: is_up(f"{self.url}healthz"), 300, self._process)

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def stop(self) -> dict[str, Any]:
        """SIGTERM; how long it took, its status, and what it left."""
        start = time.monotonic()
        self._process.send_signal(signal.SIGTERM)
        try:
            status: int | str = self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = "killed"
        seconds = round(time.monotonic() - start, 2)
        left = [path.name for path in self.files.rglob("*") if path.is_file()]
        return {"seconds": seconds, "status": status, "files_left": left, "log_bytes": self.log.stat().st_size}


def run(server: Server, names: list[str], seconds: float) -> dict[str, Any]:
    """The figures of each attack."""
    photo = saved(Image.fromarray(pictures.astronaut()), "JPEG")
    hostile_photos()  # made before the clock runs
    found: dict[str, Any] = {}
    for name in names:
        target = Target(server.url, seconds)
        before = megabytes(server.pid)
        with watched(server.url, server.pid, photo) as watch:
            ATTACKS[name](target)
            time.sleep(QUIET)
        found[name] = {"attackers_saw": dict(target.seen), **watch.record()}
        found[name]["megabytes_before_and_after"] = [round(before, 1), round(megabytes(server.pid), 1)]
        found[name]["server_lives"] = server.lives
        print(name, json.dumps(found[name]), flush=True)
    return found


def night(server: Server, hours: float, seconds: float) -> dict[str, Any]:
    """Attacks in random order with quiet between, and the slope of the memory after the first quarter."""
    rng, started, memory, oldest = random.Random(0), time.monotonic(), list[tuple[float, float]](), 0.0
    photo = saved(Image.fromarray(pictures.astronaut()), "JPEG")
    photos: list[float] = []
    refused: dict[str, int] = {}
    while time.monotonic() - started < hours * 3600:
        names = list(ATTACKS)
        rng.shuffle(names)
        for name in names:
            with watched(server.url, server.pid, photo) as watch:
                ATTACKS[name](Target(server.url, seconds))
                time.sleep(2 * QUIET)
            memory.append(((time.monotonic() - started) / 3600, megabytes(server.pid)))
            photos += watch.photos
            for what, count in watch.refused.items():
                refused[what] = refused.get(what, 0) + count
            ages = [
                time.time() - path.stat().st_ctime
                for path in server.files.rglob("*")
                if path.is_file() and path.name != ".lock"
            ]
            oldest = max([oldest, *ages])
        print(f"{memory[-1][0]:.2f} h, {memory[-1][1]:.0f} MB", flush=True)
    late = [point for point in memory if point[0] > memory[-1][0] / 4]
    slope = statistics.linear_regression(*zip(*late, strict=True)).slope if len(late) > 2 else 0.0
    return {
        "hours": round(memory[-1][0], 3),
        "megabytes": [[round(hour, 3), round(held, 1)] for hour, held in memory],
        "megabytes_an_hour_after_the_first_quarter": round(slope, 1),
        "honest_photos": len(photos),
        "honest_refused": refused,
        "photo_longest": round(max(photos, default=0), 3),
        "oldest_file_seconds": round(oldest, 1),
        "server_lives": server.lives,
    }


def main() -> None:
    """Attack, and write what was seen."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, metavar="JSON", help="where the figures go")
    parser.add_argument("--seconds", type=float, default=20, help="of each attack (20)")
    parser.add_argument("--only", nargs="+", choices=list(ATTACKS), default=list(ATTACKS), help="some of them")
    parser.add_argument("--hours", type=float, default=0, help="again and again for so long")
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    record: dict[str, Any] = {
        "machine": {"cores": cores, "python": platform.python_version(), "load_before": os.getloadavg()}
    }
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name))
        record["megabytes_at_start"] = round(megabytes(server.pid), 1)
        try:
            if options.hours:
                record["night"] = night(server, options.hours, options.seconds)
            else:
                record["seconds"], record["attacks"] = options.seconds, run(server, options.only, options.seconds)
        finally:
            record["stop"] = server.stop()
            print(json.dumps(record["stop"]))
            print(server.log.read_text()[-3000:])
    record["machine"]["load_after"] = os.getloadavg()
    if options.out:
        options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
