"""The short form of the attacks: each for a moment, on a real server. The long form is a program."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from attacks.attack_kinds import ATTACKS
from attacks.attack_media import hostile_photos
from attacks.honest import Visitors
from attacks.server import Server
from attacks.target import Target, watched
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
    assert target.seen or name == "half_open"
    assert watch.health, "nobody honest was answered"
    assert set(watch.refused) <= {"503"}, watch.refused  # at worst told that the server is busy
    assert max(watch.megabytes, default=0) < MEGABYTES


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
