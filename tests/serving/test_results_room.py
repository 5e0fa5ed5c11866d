"""The room for results: whose they are, what is left of it for a copy, and what happens when that is little."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import httpx
import pytest

from emotion_core import BusyError, EmotionRecognizer, Settings, VideoOptions
from emotion_core.page.example_clip import write_drawn_clip
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.rest.app import create_api
from emotion_core.serving.temporary import ShortLivedFolder, bytes_to_keep, keep
from emotion_core.serving.video_queue import VideoDesk
from support.in_process import served
from support.waiting import until

FAST = VideoOptions(rate=4)
NO_COPY = "There is no annotated video: it takes more than the 0 MB that there is room for."


@pytest.fixture
def files(tmp_path: Path) -> Iterator[ShortLivedFolder]:
    folder = ShortLivedFolder(90, str(tmp_path), 600, most_bytes=8_000)
    yield folder
    folder.delete()


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second of a drawn face."""
    return write_drawn_clip(tmp_path_factory.mktemp("drawn") / "drawn.mp4", seconds=1)


def left(files: ShortLivedFolder, address: str) -> int:
    with files.results(address) as folder:
        return files.room.left(folder)


def lay(files: ShortLivedFolder, address: str, size: int) -> Path:
    with files.results(address) as folder:
        (folder / "copy").write_bytes(bytes(size))
    return folder


def test_shares_shrink_as_it_fills(files: ShortLivedFolder) -> None:
    assert left(files, "greedy") == 4_000
    first = lay(files, "greedy", 3_000)
    assert (left(files, "greedy"), left(files, "honest")) == (1_000, 2_500)
    lay(files, "greedy", 1_000)
    assert (left(files, "greedy"), left(files, "honest")) == (0, 2_000)
    shutil.rmtree(first)
    assert (left(files, "greedy"), left(files, "honest")) == (3_000, 3_500), "what is deleted gives its share back"
    for number in range(100):
        lay(files, f"greedy {number % 6}", left(files, f"greedy {number % 6}"))
    assert left(files, "honest") > 20
    files.room.forget()
    assert not files.room.holds(first)


def test_a_file_of_two_names_counts_once(files: ShortLivedFolder) -> None:
    """A clip that waits for its button, and the same while it is analysed."""
    upload = files.path / "clip.mp4"
    upload.write_bytes(bytes(2_000))
    with files.results("somebody", bytes_to_keep(upload)) as folder:
        held = keep(upload, folder)
    assert bytes_to_keep(held) == 0
    with files.results("somebody", bytes_to_keep(held)) as other:
        keep(held, other)
        assert files.room.left(other) == (8_000 - 2_000 - 2_000) // 2
    assert files.size() == 2_000, "the upload itself"


def test_clips_that_wait_have_their_share(files: ShortLivedFolder) -> None:
    lay(files, "greedy", 4_000)
    with pytest.raises(BusyError, match="Try again in ten minutes"), files.results("greedy", 1):
        pass
    with files.results("honest", 2_000):
        pass
    assert len(list((files.path / "results").iterdir())) == 2


def test_a_full_disk(files: ShortLivedFolder) -> None:
    with patch("shutil.disk_usage", return_value=shutil._ntuple_diskusage(10, 10, 500_000_100)):
        assert left(files, "somebody") == 50


def test_a_copy_is_given_up_and_the_rest_is_the_answer(
    files: ShortLivedFolder, recognizer: EmotionRecognizer, drawn: Path
) -> None:
    """As there is room when its turn comes, not when it was sent."""
    files.room.most_bytes = 2_000_000
    desk = VideoDesk(Catalogue(recognizer), Settings(), room=files.room)
    with files.results("a") as folder, files.results("b") as other:
        work = desk.analyze(drawn, folder, options=FAST, address="a")
        lay(files, "a", 1_000_000)
        summary = work.result()
        assert (summary.frames, summary.notices, summary.files.video) == (25, (NO_COPY,), None)
        assert not list(folder.rglob("*.mp4"))
        assert desk.analyze(drawn, other, options=FAST, address="b").result().files.video is not None


def test_room_that_was_promised_is_taken(files: ShortLivedFolder) -> None:
    """Sixteen folders of one address were told at once of the same half of it; and it is free when less has come."""
    files.room.most_bytes = 1_000_000
    with files.results("a", 400_000):
        with pytest.raises(BusyError), files.results("a", 400_000):
            pass
        with files.results("b", 250_000) as folder:
            assert files.room.left(folder) < 100_000
            (folder / "x").write_bytes(bytes(200_000))
            assert files.room.left(folder) < 100_000, "it is not counted twice"
    with files.results("c", 350_000):
        pass


def test_over_rest(files: ShortLivedFolder, recognizer: EmotionRecognizer, drawn: Path) -> None:
    """The copies of one address leave room to others, and what is deleted is free again."""
    files.most_bytes, files.room.most_bytes = 1_000_000_000, 3 * _size_of_copy(files, recognizer, drawn)
    settings = Settings(trusted_proxies=1)
    desk = VideoDesk(Catalogue(recognizer), settings, room=files.room)
    app = create_api(Catalogue(recognizer), settings, desk, files=files)
    with served(app, lifespan="on", proxy_headers=False, timeout_graceful_shutdown=2) as port:
        url = f"http://127.0.0.1:{port}/api/v1/video"

        def send(address: str) -> str:
            header = {"X-Forwarded-For": address}
            answer = httpx.post(url, files={"video": drawn.read_bytes()}, headers=header).raise_for_status()
            job = f"{url}/{answer.json()['id']}"
            until(lambda: httpx.get(job).json()["state"] == "done", 60)
            return job

        def notices(job: str) -> list[str]:
            found: list[str] = httpx.get(f"{job}/result").json()["summary"]["notices"]
            return found

        first = send("192.0.2.1")
        assert notices(first) == []
        second = send("192.0.2.1")
        assert notices(second) == [NO_COPY]
        assert httpx.get(f"{second}/annotated.mp4").status_code == 404
        assert httpx.delete(first).status_code == 204
        assert notices(send("192.0.2.1")) == []


def _size_of_copy(files: ShortLivedFolder, recognizer: EmotionRecognizer, drawn: Path) -> int:
    folder = files.path.parent / "measured"
    VideoDesk(Catalogue(recognizer), Settings()).analyze(drawn, folder).result()
    return sum(path.stat().st_size for path in folder.iterdir())
