"""The disk's room: what lies there, what is on its way, whose it is, and what needs none."""

import contextlib
import shutil
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import patch

import httpx
import pytest

from emotion_core import Settings
from emotion_core.rest.limits import MAX_IN_MEMORY
from emotion_core.serving.bodies import Bodies
from emotion_core.serving.doors import FORM_IN_MEMORY, Doors
from emotion_core.serving.refusals import ApiError
from emotion_core.serving.room import TELL_FILES, Room
from emotion_core.serving.temporary import ShortLivedFolder
from support.in_process import served
from support.scripted import Clock
from support.waiting import until

DOORS = Doors(Settings())
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


@pytest.fixture
def files(tmp_path: Path) -> Iterator[ShortLivedFolder]:
    folder = ShortLivedFolder(90, str(tmp_path), most_bytes=10_000_000)
    yield folder
    folder.delete()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def room(files: ShortLivedFolder, clock: Clock) -> Room:
    return Room(files, clock)


def fits(room: Room, size: int, address: str = "somebody") -> bool:
    with contextlib.suppress(ApiError), room.kept(DOORS.uploads, size, address):
        return True
    return False


def test_there_is_only_so_much(room: Room, files: ShortLivedFolder, clock: Clock) -> None:
    assert fits(room, 9_000_000)
    (files.path / "one").write_bytes(bytes(6_000_000))
    clock.now += 1.1
    assert not fits(room, 9_000_000)
    assert fits(room, 3_000_000)
    files.most_bytes = 1 << 60
    assert not fits(room, shutil.disk_usage(files.path).free)


def test_what_is_on_its_way_has_its_room(room: Room) -> None:
    """Sixteen uploads began at once where there was room for one: 5.2 gigabytes lay where 4 may."""
    with contextlib.ExitStack() as uploads:
        for number in range(3):
            uploads.enter_context(room.kept(DOORS.uploads, 3_000_000, f"address {number}"))
        assert not fits(room, 3_000_000)
        assert fits(room, 1_000_000)
    assert fits(room, 3_000_000), "nothing of them has come"


def test_what_does_not_tell_its_length_takes_room_as_it_comes(room: Room) -> None:
    with room.kept(DOORS.uploads, 6_000_000, "told"), room.kept(DOORS.uploads, 0, "not told") as come:
        come(4_000_000)
        with pytest.raises(ApiError, match="no room"):
            come(4_000_001)


def test_what_has_come_is_counted_once(room: Room, files: ShortLivedFolder, clock: Clock) -> None:
    """In the folder, once that is counted; until then what came since."""
    with room.kept(DOORS.uploads, 4_000_000, "an upload") as come:
        for size in (2_000_000, 4_000_000):
            (files.path / "one").write_bytes(bytes(size))
            come(size)
            clock.now += 0.6
            assert fits(room, 6_000_000)
            assert not fits(room, 6_000_001)
    assert not fits(room, 6_000_001), "it has ended, and the folder was counted before that"
    with room.kept(DOORS.video, 3_000_000, "a video of REST, in a file without a name") as come:
        come(3_000_000)
        clock.now += 1.1
        assert fits(room, 3_000_000)
        assert not fits(room, 3_000_001)


def test_one_address_has_half_of_it(room: Room, files: ShortLivedFolder, clock: Clock) -> None:
    """Until its uploads have been deleted: four gigabytes of one address shut everybody out for a minute and a half."""
    for number in range(9):
        with contextlib.suppress(ApiError), room.kept(DOORS.uploads, 1_000_000, "greedy") as come:
            come(1_000_000)
            (files.path / f"{number}").write_bytes(bytes(1_000_000))
    assert files.size() == 5_000_000
    assert not fits(room, 1_000_000, "greedy")
    assert fits(room, 5_000_000, "honest")
    clock.now += files.seconds
    assert not fits(room, 1_000_000, "greedy"), "the sweeper may not have come"
    clock.now += files.seconds / 4 + 1
    shutil.rmtree(files.path)
    files.path.mkdir()
    assert fits(room, 9_000_000, "greedy"), "a single one may be larger"


def test_results_take_no_room_of_uploads(room: Room, files: ShortLivedFolder) -> None:
    """Two copies of two gigabytes, left lying, shut everybody's uploads out for ten minutes."""
    with files.results("greedy") as folder:
        (folder / "clip.annotated.mp4").write_bytes(bytes(files.most_bytes))
    assert files.size() == 0
    assert fits(room, files.most_bytes)


def test_a_small_file_takes_room_as_a_larger_one(room: Room, files: ShortLivedFolder, clock: Clock) -> None:
    """Forms of sixty tiny ones filled no share: nineteen thousand came within half a minute."""
    for number in range(9):
        with contextlib.suppress(ApiError), room.kept(DOORS.uploads, 0, "greedy") as come:
            come(400)
            TELL_FILES.get()(1)
            (files.path / f"{number}").write_bytes(b"x")
    assert files.size() == 5
    assert not fits(room, 1, "greedy")
    assert fits(room, 5_000_000, "honest")
    clock.now += 1.1
    assert fits(room, 5_000_000, "honest"), "counted once, in the folder"
    assert not fits(room, 5_000_001, "honest")


def test_nobody_waits_until_very_many_files_are_counted(room: Room, files: ShortLivedFolder, clock: Clock) -> None:
    """On the event loop, each second: everybody waited for three."""
    go_on, counting = threading.Event(), threading.Event()

    def slowly(least: int) -> int:
        counting.set()
        assert go_on.wait(20)
        return ShortLivedFolder.size(files, least)

    with patch.object(files, "size", slowly), room.kept(DOORS.uploads, 0, "an upload") as come:
        start = time.monotonic()
        come(4_000_000)
        assert counting.wait(20)
        assert time.monotonic() - start < 5
        (files.path / "one").write_bytes(bytes(6_000_000))
        come(6_000_000)
        assert fits(room, 4_000_000)
        assert not fits(room, 4_000_001), "its length is known before it is counted"
        go_on.set()
        until(lambda: not fits(room, 10_000_000) and room._count is None)
    clock.now += 1.1
    assert fits(room, 4_000_000)
    assert not fits(room, 4_000_001)


def test_many_who_want_much_leave_room(room: Room) -> None:
    """Shares shrink as the room fills: after any number of them the next one still finds some."""
    for number in range(500):
        with contextlib.suppress(ApiError), room.kept(DOORS.uploads, 100_000, f"greedy {number % 5}") as come:
            come(100_000)
    assert fits(room, 1_000_000, "honest")


def test_what_stays_in_memory() -> None:
    """REST's forms keep half of their limit of the first file there, and less of the others."""
    assert FORM_IN_MEMORY == MAX_IN_MEMORY >> 1
    assert DOORS.of("/page/photo", "").inside is DOORS.of("/api/v1/analyze", "").inside, "they share their places"


class Keeps:
    """Writes uploads into the folder as they come, as Gradio does."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.count += 1
        more = True
        with (self.folder / f"{self.count}").open("wb") as file:
            while more:
                message = await receive()
                if message["type"] == "http.disconnect":
                    return
                if scope["path"] == "/gradio_api/upload":
                    file.write(message["body"])
                more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def url(files: ShortLivedFolder) -> Iterator[str]:
    with served(Bodies(Keeps(files.path), Settings(trusted_proxies=1), Room(files)), lifespan="off") as port:
        yield f"http://127.0.0.1:{port}"


def status(url: str, path: str, size: int, told: bool = True, address: str = "192.0.2.1") -> int:
    content = bytes(size) if told else (bytes(50_000) for _ in range(size // 50_000))
    try:
        return httpx.post(
            f"{url}/{path}", content=content, headers=FORM | {"X-Forwarded-For": address}, timeout=30
        ).status_code
    except (httpx.WriteError, httpx.ReadError):  # refused in the middle; this client does not read while sending
        return 503


def test_photos_need_no_room_that_uploads_take(url: str, files: ShortLivedFolder) -> None:
    """With a full folder, and with a full disk."""
    (files.path / "all").write_bytes(bytes(files.most_bytes))
    answers = [status(url, path, 3_000_000) for path in ("gradio_api/upload", "api/v1/video", "page/photo")]
    assert answers == [503, 503, 200]
    told = httpx.post(f"{url}/gradio_api/upload", content=bytes(9_000), headers=FORM).json()["error"]
    assert (told["code"], "Try again later" in told["message"]) == ("no_room", True)
    assert [status(url, "api/v1/analyze", size) for size in (400_000, 3_000_000)] == [200, 200]
    nothing = shutil._ntuple_diskusage(10, 10, 0)
    with patch("shutil.disk_usage", return_value=nothing):
        assert [status(url, path, 400_000) for path in ("page/photo", "page/why", "api/v1/analyze")] == [200] * 3
        assert [status(url, path, 3_000_000) for path in ("page/photo", "api/v1/analyze")] == [200, 503]
        assert status(url, "api/v1/analyze", 3_000_000, told=False) == 503


@pytest.mark.parametrize("told", [True, False])
def test_uploads_that_come_at_once_stay_within_the_bound(url: str, files: ShortLivedFolder, told: bool) -> None:
    with ThreadPoolExecutor(12) as pool:
        sent = []
        for number in range(12):
            address = f"192.0.2.{number % 4}"
            sent.append(pool.submit(status, url, "gradio_api/upload", 2_000_000, told, address))
            if not told and number == 0:
                sent[0].result()  # of bodies that tell no length and come in step, none may find room for its end
        answers = [one.result() for one in sent]
    assert set(answers) == {200, 503}
    assert files.size() <= files.most_bytes
