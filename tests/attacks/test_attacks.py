"""The short form of the attacks: each for a moment, on a real server. The long form is a program."""

from collections.abc import Iterator

import pytest
from PIL import Image

from attacks.attack_kinds import ATTACKS
from attacks.attack_media import hostile_photos
from attacks.server import Server
from attacks.target import Target, watched
from emotion_core.images import RGB
from support.hostile_pictures import saved

#: Duration of an attack in seconds, and the server's memory limit in megabytes.
SECONDS, MEGABYTES = 1.0, 1_000


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
    target = Target(server.url, SECONDS)
    with watched(server.url, server.pid, saved(Image.fromarray(astronaut), "JPEG")) as watch:
        ATTACKS[name](target)
    assert server.lives
    assert target.seen or name == "half_open"
    assert watch.health, "nobody honest was answered"
    assert set(watch.refused) <= {"503"}, watch.refused  # at worst told that the server is busy
    assert max(watch.megabytes, default=0) < MEGABYTES
