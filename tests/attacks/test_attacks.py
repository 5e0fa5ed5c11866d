"""The short form of the attacks: each for a moment, on a real server. The long form is a program."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from attacks.attack_kinds import ATTACKS
from attacks.attack_media import hostile_photos
from attacks.honest import Visitors
from attacks.rounds import late_slope, rounds
from attacks.server import Server
from attacks.target import Target, megabytes, watched
from emotion_core.images import RGB
from support.clips import across, encode, scene
from support.hostile_pictures import saved

#: Duration of an attack in seconds, and the server's memory limit in megabytes.
SECONDS, MEGABYTES = 1.0, 1_000
#: The longest import while it serves, in microseconds.
LONGEST_IMPORT = 100_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """At the end SIGTERM stops it in time, and no visitor's file is left."""
    hostile_photos()  # made and cached before the clock starts
    made = Server(tmp_path_factory.mktemp("attacks"))
    yield made
    stopped = made.stop()
    assert stopped["status"] == 0
    assert stopped["seconds"] < 10  # five on an idle machine
    assert stopped["files_left"] == []
    assert stopped["log"]["bytes"] < 300_000
    assert stopped["log"]["tracebacks"] == 0


@pytest.mark.parametrize("name", list(ATTACKS))
def test_an_attack(server: Server, astronaut: RGB, name: str) -> None:
    with watched(server.url, server.pid, saved(Image.fromarray(astronaut), "JPEG")) as watch:
        target = Target(server.url, SECONDS)  # its clock starts when the watcher has
        ATTACKS[name](target)
    assert server.lives
    assert watch.health
    assert target.seen or name == "half_open"
    assert set(watch.refused) <= {"503"}, watch.refused  # at worst told that the server is busy
    assert max(watch.megabytes, default=0) < MEGABYTES


def test_rounds_tell_what_is_held_after_each(
    server: Server, astronaut: RGB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("attacks.rounds.REST_SECONDS", 0.0)
    clip = encode(tmp_path / "clip.mp4", [scene({1: across(0, 40)}, number / 10)[0] for number in range(5)])
    told: list[dict[str, Any]] = []
    rounds(server, 2, 0.1, saved(Image.fromarray(astronaut), "JPEG"), clip, told.append, ("bad_requests",))
    assert [len(one["megabytes"]) for one in told] == [2, 3]  # the first is from before
    assert all(
        0 < own < held < MEGABYTES
        for own, held in zip(*(told[-1][name] for name in ("server_itself", "megabytes")), strict=True)
    )
    assert told[-1]["undocumented"] == {}


def test_the_slope_of_rounds_is_that_of_their_last_half() -> None:
    assert late_slope([200, 240, 260, 270, 275, 275, 275, 275, 275]) == 0
    assert late_slope([200, 200, 200, 200, 200, 202, 204, 206, 208]) == pytest.approx(200)
    assert late_slope([200, 210]) == 0  # too few to tell


def test_no_visitor_waits_for_an_import(tmp_path: Path, astronaut: RGB) -> None:
    """What is imported when a function is first called holds everybody up: Matplotlib, by Gradio, for 0.3 s."""
    server = Server(tmp_path, PYTHONPROFILEIMPORTTIME="1")
    clip = encode(tmp_path / "clip.mp4", [scene({1: across(0, 40)}, number / 10)[0] for number in range(5)])
    visitors = Visitors(server.url, saved(Image.fromarray(astronaut), "JPEG"), clip)
    visitors.come()
    server.stop()
    _, _, later = server.log.read_text().partition("* Running on")
    took = re.findall(r"import time: +\d+ \| +(\d+) \| +(\S+)", later)
    assert set(visitors.told) == {f"{kind} answered" for kind in ("page", "photo", "queue", "webcam", "video")}
    assert [name for microseconds, name in took if int(microseconds) > LONGEST_IMPORT] == []


#: Reads a file through a map of it, says so, and stays.
_READER = """
import mmap, sys
with open(sys.argv[1], "rb") as file:
    held = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
sum(held[::4096])
print("read", flush=True)
sys.stdin.read()
"""


def test_what_other_programs_do_does_not_change_the_memory_of_ours(tmp_path: Path) -> None:
    """PSS falls when another program that maps the same files begins, and rises when it ends."""
    file = tmp_path / "library"
    file.write_bytes(bytes(20_000_000))
    with reader(file) as ours:
        alone = megabytes(ours.pid)
        with reader(file):
            beside = megabytes(ours.pid)
    assert alone > 20
    assert abs(alone - beside) < 2


@contextmanager
def reader(file: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A program that has read the file and keeps it mapped."""
    with subprocess.Popen(
        [sys.executable, "-c", _READER, file], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"read\n"
        yield process
        process.kill()
