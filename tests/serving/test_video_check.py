"""What opening a video takes is found out by another process than the server."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
import psutil
import pytest

from emotion_core import EmotionRecognizer, Settings
from emotion_core.errors import BusyError, VideoError
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.serving import checked_videos, video_process
from emotion_core.serving.checked_videos import probed, probed_at_once
from emotion_core.serving.places import Places
from emotion_core.serving.video_queue import VideoDesk
from emotion_core.video.probe import VideoLimits, probe
from support.clips import encode
from support.hostile_videos import laced, late_samples, many_samples, with_a_packet, with_sound
from support.waiting import until

#: Of pictures.
PLACES = Places(1, 400_000_000)


@pytest.mark.parametrize("samples", [10_000_000, 40_000_000])
def test_tables_of_many_millions(recognizer: EmotionRecognizer, tmp_path: Path, samples: int) -> None:
    """1.6 kB took the server 0.4 and 1.5 gigabytes."""
    source = tmp_path / "clip.mp4"
    source.write_bytes(many_samples(samples))
    desk = VideoDesk(Catalogue(recognizer), Settings())
    most, ended = [0], threading.Event()
    process, before = psutil.Process(), psutil.Process().memory_info().rss

    def weigh() -> None:
        while not ended.wait(0.01):
            most.append(process.memory_info().rss - before)

    watcher = threading.Thread(target=weigh)
    watcher.start()
    for use in (lambda: desk.probe(source), lambda: desk.analyze(source, tmp_path)):
        with pytest.raises(VideoError, match="Export or record it again"):
            use()
    ended.set()
    watcher.join()
    assert max(most) < 100_000_000


def unpacked(folder: Path) -> Path:
    """2 kB, of which a single block unpacks to two gigabytes."""
    source = folder / "clip.mkv"
    source.write_bytes(laced(255, 8))
    return source


def told_late(folder: Path) -> Path:
    """2 kB, whose last table tells of 85 million samples."""
    source = folder / "clip.mp4"
    source.write_bytes(late_samples(folder / "usual.mp4", 85_000_000))
    return source


def large_packet(folder: Path) -> Path:
    usual = encode(folder / "usual.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5)
    return with_a_packet(usual, folder / "clip.mkv", 3, lambda units: [*units, b"\x2c" + b"\xff" * 41_000_000])


def packed(folder: Path) -> Path:
    """80 kB, of which each of 30 packets unpacks to 4 MB: many more kept others waiting for eight seconds."""
    source = folder / "clip.mkv"
    source.write_bytes(with_sound(b"A_PCM/INT/LIT", 8_000, *[bytes(4_000_000)] * 30))
    return source


def chapters(folder: Path) -> Path:
    source = folder / "clip.mkv"
    with av.open(str(source), "w") as out:
        track = out.add_stream("libx264", rate=25, width=64, height=64)
        one = {"start": 0, "end": 1, "time_base": Fraction(1, 1000), "metadata": {}}
        out.set_chapters([cast("Any", one | {"id": number}) for number in range(2_000)])
        for frame in (av.VideoFrame(64, 64, "yuv420p"), None):
            out.mux(track.encode(frame))
    return source


def entries(folder: Path) -> Path:
    source = folder / "clip.mp4"
    source.write_bytes(many_samples(600_000))
    return source


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for a process's memory")
@pytest.mark.parametrize(
    ("make", "told"),
    [
        (unpacked, "too much memory"),
        (told_late, "too much memory"),
        (large_packet, "takes 41 MB"),
        (packed, "unpack to 100 MB"),
        (chapters, "has 2000 chapters"),
        (entries, "tell of 600000 frames"),
    ],
)
def test_what_comes_later_in_a_file_counts(tmp_path: Path, make: Callable[[Path], Path], told: str) -> None:
    """Files of a few kilobytes took the server 1.5 and 2.4 gigabytes, when it read on."""
    with pytest.raises(VideoError, match=told):
        probed(make(tmp_path), VideoLimits(), PLACES)


def test_a_file_that_is_cut_short_passes(tmp_path: Path) -> None:
    clip = encode(tmp_path / "clip.mkv", [np.zeros((64, 64, 3), np.uint8)] * 50)
    clip.write_bytes(clip.read_bytes()[:-500])
    assert probed(clip, VideoLimits(), PLACES).width == 64


def test_a_usual_clip_opens(tmp_path: Path) -> None:
    clip = encode(tmp_path / "clip.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5)
    start = time.monotonic()
    assert probed(clip, VideoLimits(), PLACES) == probe(clip)
    assert time.monotonic() - start < 10


@pytest.mark.skipif(sys.platform != "linux" or os.nice(0) > 9, reason="asks Linux how nice a process is, up to 19")
def test_it_gives_way_to_the_server(tmp_path: Path) -> None:
    """Already while it imports FFmpeg, which takes most of its time."""
    clip, own, seen = encode(tmp_path / "clip.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5), psutil.Process(), set[int]()
    with ThreadPoolExecutor() as pool:
        opening = pool.submit(open_it, clip)
        while not opening.done():
            with contextlib.suppress(psutil.Error):
                seen.update(child.nice() - own.nice() for child in own.children())
    assert max(seen) == video_process.NICENESS


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux to end a process with its parent")
def test_it_ends_with_the_server(tmp_path: Path) -> None:
    """Nobody would watch its memory any more: a check ran on for twelve seconds, with up to 400 MB."""
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(many_samples(1000, tracks=1000))
    program = (
        "from pathlib import Path; from emotion_core.serving import checked_videos\n"
        "from emotion_core.serving.places import Places\n"
        f"checked_videos.probed(Path({str(clip)!r}), checked_videos.VideoLimits(), Places(1, 400_000_000))"
    )
    with subprocess.Popen([sys.executable, "-c", program]) as server:
        until(lambda: opened(clip, psutil.Process(server.pid)), 30)
        [check] = psutil.Process(server.pid).children()
        server.kill()
        server.wait()
        psutil.wait_procs([check], 2)
        assert not check.is_running()


def opened(clip: Path, server: psutil.Process) -> bool:
    """Whether its check has the file open."""
    return any(str(clip) == file.path for child in server.children() for file in child.open_files())


def test_what_is_no_video_is_told_in_the_same_words(tmp_path: Path) -> None:
    source = tmp_path / "-x.mp4"
    source.write_bytes(b"nothing")
    with pytest.raises(VideoError, match="not a video that can be read"):
        probed(source, VideoLimits(), PLACES)


def test_few_are_opened_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the one whose turn has come: it was accepted, and failed after half a minute."""
    clip = encode(tmp_path / "clip.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5)
    places = Places(2, 0, patience=0.1)
    monkeypatch.setattr(checked_videos, "_PLACES", places)
    with places.place("a"), places.place("b"):
        with pytest.raises(BusyError, match="busy with other videos"):
            probed(clip, VideoLimits(), PLACES, "c")
        assert probed_at_once(clip, VideoLimits(), PLACES).frames == 5
    assert probed(clip, VideoLimits(), PLACES, "c").frames == 5


def test_a_job_whose_turn_has_come_waits_for_no_check(recognizer: EmotionRecognizer, tmp_path: Path) -> None:
    clip = encode(tmp_path / "clip.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5)
    desk = VideoDesk(Catalogue(recognizer), Settings())
    with checked_videos._PLACES.place("a"), checked_videos._PLACES.place("b"):
        start = time.monotonic()
        *_, last = desk.run(clip, tmp_path / "out", False)
        assert (last.frames, time.monotonic() - start < 10) == (5, True)


def test_addresses_take_turns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nine that sent slow videos had everybody else wait for half a minute: who was checked least comes first."""
    seen, places, go_on = list[str](), Places(2, 0), threading.Event()
    monkeypatch.setattr(checked_videos, "_PLACES", places)

    def check(source: Path, _: VideoLimits, usual: bool) -> None:  # noqa: ARG001
        seen.append(source.read_text())
        go_on.wait()

    monkeypatch.setattr(checked_videos, "_probed", check)
    with ThreadPoolExecutor(8) as pool:
        for number, address in enumerate([*"aabbaabc"]):
            source = tmp_path / str(number)
            source.write_text(address)
            pool.submit(probed, source, VideoLimits(), PLACES, address)
            until(lambda number=number: len(places._line) + len(places._working) > number)  # type: ignore[misc]
        assert sorted(seen) == ["a", "b"]  # of nobody both
        go_on.set()
    assert "c" in seen[2:4]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for a process's memory")
def test_only_the_first_frame_may_take_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is read without decoding has a lower limit: together they took the server to 970 MB."""
    monkeypatch.setattr(checked_videos, "READ_MEMORY", 20_000_000)
    clip = encode(tmp_path / "clip.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5)
    with pytest.raises(VideoError, match="too long, or too much memory"):
        probed(clip, VideoLimits(), PLACES)
    monkeypatch.undo()
    assert probed(clip, VideoLimits(), PLACES).frames == 5


def test_a_check_that_takes_much_memory_is_owed_to_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who sent such videos alone owed nothing, and came before everybody's large photos."""
    source, places, seen = tmp_path / "clip", Places(2, 100), list[str]()
    source.write_text("clip")

    def check(_source: Path, _limits: VideoLimits, usual: bool) -> None:
        if usual:
            raise checked_videos._GrownError
        time.sleep(0.2)

    def wait(address: str) -> None:
        with places.room(70, address):
            seen.append(address)
            time.sleep(0.05)

    monkeypatch.setattr(checked_videos, "_probed", check)
    probed(source, VideoLimits(), places, "videos")
    with ThreadPoolExecutor(2) as pool, places.place("other", heavy=True), places.room(70, "other"):
        for number, address in enumerate(("videos", "photos"), 1):
            pool.submit(wait, address)
            until(lambda number=number: len(places._sizes) == number)  # type: ignore[misc]
    assert seen == ["photos", "videos"]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for a process's memory")
def test_one_at_a_time_takes_much_memory(tmp_path: Path) -> None:
    """The other is ended, and begun anew when the first is done: two took 800 MB. One that was stopped outlived us."""
    clip, own = tmp_path / "clip.mp4", psutil.Process()
    clip.write_bytes(many_samples(2_900_000))
    others, large, states = own.children(), list[int](), set[str]()
    with ThreadPoolExecutor(2) as pool:
        opening = [pool.submit(probed, clip, VideoLimits(), PLACES, address) for address in "ab"]
        while not all(one.done() for one in opening):
            ours = [child for child in own.children() if child not in others]
            large.append(sum(memory(child) > video_process.USUAL_MEMORY + 40_000_000 for child in ours))
            states.update(map(state, ours))
    assert [type(one.exception()) for one in opening] == [VideoError, VideoError]  # so many entries are refused
    assert max(large) == 1
    assert psutil.STATUS_STOPPED not in states


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for a process's memory")
def test_none_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second that needs much memory was, and stayed so when the server was killed meanwhile."""
    monkeypatch.setattr(checked_videos, "USUAL_MEMORY", 20_000_000)
    clip, own = encode(tmp_path / "clip.mp4", [np.zeros((64, 64, 3), np.uint8)] * 5), psutil.Process()
    states = set[str]()
    with ThreadPoolExecutor(2) as pool:
        opening = [pool.submit(probed, clip, VideoLimits(), PLACES, address) for address in "ab"]
        while not all(one.done() for one in opening):
            states.update(map(state, own.children()))
            time.sleep(0.01)
    assert [one.result().frames for one in opening] == [5, 5]
    assert psutil.STATUS_STOPPED not in states


def open_it(clip: Path) -> None:
    probed(clip, VideoLimits(), PLACES)


def memory(process: psutil.Process) -> int:
    """In bytes; 0 if it has ended."""
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for a process's memory")
def test_much_memory_is_taken_from_heavy_pictures(tmp_path: Path) -> None:
    """Both together took 1,266 MB."""
    clip, places = tmp_path / "clip.mp4", Places(1, 400_000_000, patience=0.1)
    clip.write_bytes(many_samples(2_900_000))
    with places.room(300_000_000, "a"), pytest.raises(BusyError, match="busy with other videos"):
        probed(clip, VideoLimits(), places)
    with pytest.raises(VideoError, match="Export or record it again"):
        probed(clip, VideoLimits(), places)


def state(process: psutil.Process) -> str:
    """Such as "running"; "" if it has ended."""
    with contextlib.suppress(psutil.Error):
        return str(process.status())
    return ""
