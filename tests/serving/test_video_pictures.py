"""A video is read by processes that can be ended; what they send is what the server would have read itself."""

import contextlib
import os
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
import pytest

from emotion_core import BusyError, EmotionRecognizer, Settings, VideoError, VideoOptions, analyze_video
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.serving import video_process
from emotion_core.serving.places import Places
from emotion_core.serving.programs import environment
from emotion_core.serving.video_facts import facts_of, info_of, limits_of
from emotion_core.serving.video_pictures import VideoPictures
from emotion_core.serving.video_queue import VideoDesk
from emotion_core.video.probe import VideoLimits, probe
from emotion_core.video.reader import VideoReader
from emotion_core.video.results import VideoSummary
from support import clips
from support.hostile_videos import with_sound
from support.processes import importing
from support.waiting import until

ALL = VideoOptions(rate=10)


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of a moving face with a tone."""
    return sounding(tmp_path_factory.mktemp("clip") / "clip.mp4", "aac")


@pytest.fixture
def desk(recognizer: EmotionRecognizer) -> VideoDesk:
    return VideoDesk(Catalogue(recognizer), Settings())


def sounding(path: Path, codec: str, rate: int = 44_100, seconds: int = 2) -> Path:
    """A face that moves, and a tone in this codec."""
    with av.open(str(path), "w") as out:
        track = out.add_stream("libx264", rate=25, width=clips.WIDTH, height=clips.HEIGHT)
        sound: Any = out.add_stream(codec, rate=rate, layout="mono")
        for number in range(25 * seconds):
            picture, _ = clips.scene({1: clips.across(10, 40)}, number / 25)
            out.mux(track.encode(av.VideoFrame.from_ndarray(picture)))
        out.mux(track.encode(None))
        tone = np.sin(np.arange(rate * seconds) * 2764 / rate).astype(np.float32)
        for start in range(0, len(tone), 1024):
            frame = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], "fltp", "mono")
            frame.sample_rate, frame.pts, frame.time_base = rate, start, Fraction(1, rate)
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))
    return path


def written(summary: VideoSummary) -> tuple[str, list[tuple[str, float, bytes]]]:
    """The table, and the packets of the annotated copy with their tracks and times in seconds."""
    with av.open(str(summary.files.video)) as film:
        packets = [
            (str(packet.stream.type), round(float(packet.pts * packet.time_base), 4), bytes(packet))
            for packet in film.demux()
            if packet.pts is not None and packet.time_base is not None
        ]
    return summary.files.csv.read_text(), packets


def test_the_answers_are_the_same(desk: VideoDesk, recognizer: EmotionRecognizer, clip: Path, tmp_path: Path) -> None:
    """To the last bit: the table, and the annotated copy with its sound."""
    apart = desk.analyze(clip, tmp_path / "apart", options=ALL).result()
    here = analyze_video(clip, tmp_path / "here", recognizer, ALL).result()
    assert apart.people == here.people
    assert (apart.frames, apart.seconds, apart.notices, apart.has_sound) == (here.frames, here.seconds, (), True)
    assert written(apart) == written(here)


def test_without_a_copy_only_what_is_analysed_is_sent(
    desk: VideoDesk, recognizer: EmotionRecognizer, clip: Path, tmp_path: Path
) -> None:
    few = VideoOptions(rate=5, copy=False)
    apart = desk.analyze(clip, tmp_path / "apart", options=few).result()
    here = analyze_video(clip, tmp_path / "here", recognizer, few).result()
    assert apart.files.csv.read_text() == here.files.csv.read_text()
    assert (apart.frames, apart.analyzed_frames) == (50, here.analyzed_frames)
    with VideoPictures(clip, probe(clip), few) as pictures:
        assert len({id(picture.frame) for picture in list(pictures)}) == 10 + 1  # one stands for all that are not


@pytest.mark.parametrize("codec", ["aac", "libopus", "flac", "pcm_s16le", "ac3"])
def test_sound_of_any_kind(desk: VideoDesk, tmp_path: Path, codec: str) -> None:
    """Copied, or converted: it has its length, and begins with the pictures."""
    clip = sounding(tmp_path / "clip.mkv", codec, 48_000)
    summary = desk.analyze(clip, tmp_path / "out", options=VideoOptions(rate=1)).result()
    assert (summary.has_sound, summary.notices) == (True, ())
    with av.open(str(summary.files.video)) as film:
        times = [float(packet.pts * packet.time_base) for packet in film.demux(audio=0) if packet.pts is not None]
    assert times[0] == pytest.approx(0, abs=0.1)
    assert times[-1] == pytest.approx(2, abs=0.25)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for a process's memory")
def test_sound_that_takes_too_much_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its decoder does with it, the process ends, and the rest is told to be missing."""
    monkeypatch.setattr(video_process, "MEMORY", 30_000_000)
    clip = sounding(tmp_path / "clip.mkv", "pcm_s16le")
    pictures = held(clip)
    with pictures.sound() as sound:
        assert sound.stream is None
        assert sound.is_damaged()
    pictures.__exit__()


def held(clip: Path) -> VideoPictures:
    """Begun before memory was short."""
    with pytest.MonkeyPatch.context() as usual:
        usual.setattr(video_process, "MEMORY", 350_000_000)
        return VideoPictures(clip, probe(clip), ALL)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for a process's memory")
def test_a_large_one_takes_memory_of_heavy_pictures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """New ones wait if they need it, and the video for those that were there: together they took 1,266 MB."""
    monkeypatch.setattr(video_process, "USUAL_MEMORY", 10_000_000)
    clip = clips.encode(tmp_path / "clip.mp4", [clips.background(1280, 720)] * 20)
    places, come = Places(1, 60_000_000, patience=0.1), list[int]()
    with places.room(60_000_000):
        pictures = VideoPictures(clip, probe(clip), ALL, places)
        until(lambda: places._heavy_memory() < 60_000_000)
        each = iter(pictures)
        reading = threading.Thread(target=lambda: come.append(next(each).pts))
        reading.start()
        time.sleep(0.5)
        assert come == []
    reading.join(30)
    with pictures:
        with pytest.raises(BusyError), places.room(60_000_000):
            pass
        with places.room(30_000_000):  # half of it is never taken
            come.extend(picture.pts for picture in each)
    assert len(come) == 20
    until(lambda: places._heavy_memory() == 60_000_000)


def test_sound_that_cannot_be_converted(desk: VideoDesk, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mkv"
    clip.write_bytes(with_sound(b"A_PCM/INT/LIT", 10, b"\0" * 30_000))
    summary = desk.analyze(clip, tmp_path / "out", options=VideoOptions(rate=1)).result()
    assert summary.notices == ("Some or all of the sound could not be read and is missing.",)


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux for a process's memory")
def test_pictures_that_take_too_much_memory(desk: VideoDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was analysed by then is the answer, and it says so."""
    clip = clips.encode(tmp_path / "clip.mp4", [clips.background(1280, 720)] * 500)
    work = desk.analyze(clip, tmp_path / "out", options=VideoOptions(rate=1))
    for step in work:
        if getattr(step, "frames", 0) > 20:
            monkeypatch.setattr(video_process, "MEMORY", 30_000_000)
            break
    summary = work.result()
    assert 20 < summary.frames < 500
    assert summary.notices[0].endswith(
        "seconds were analysed: the rest takes too much memory. Export or record it again."
    )


def test_pictures_that_take_too_long(desk: VideoDesk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A packet may take half an hour to decode, and nothing in the server ended that."""
    clip = clips.encode(tmp_path / "clip.mp4", [clips.background()] * 500)
    work = desk.analyze(clip, tmp_path / "out", options=VideoOptions(rate=1))
    for step in work:
        if getattr(step, "frames", 0) > 20:
            [process] = readers()
            process.suspend()
            monkeypatch.setattr(video_process, "STEP_SECONDS", 0.3)
            break
    assert "takes too long to decode" in work.result().notices[0]


def test_one_that_takes_too_long_from_the_start(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_process, "STEP_SECONDS", 0.01)
    with pytest.raises(VideoError, match="takes too long to open"):
        VideoPictures(clip, probe(clip), ALL)
    until(lambda: not readers())


def test_work_that_is_ended(desk: VideoDesk, tmp_path: Path) -> None:
    """Its processes end with it, though its sound was not read to the end."""
    clip = sounding(tmp_path / "clip.mkv", "pcm_s16le", seconds=20)
    work = desk.analyze(clip, tmp_path / "out", options=VideoOptions(rate=1))
    for step in work:
        if getattr(step, "frames", 0) > 20:
            break
    assert len(readers()) == 2
    begun = time.monotonic()
    work.close()
    assert time.monotonic() - begun < 2
    assert readers() == []
    assert not [file for file in (tmp_path / "out").rglob("*") if file.is_file()]


def test_what_an_ended_process_leaves_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A table for HDR lies in a temporary folder for a moment: ended then, each left it where nothing is deleted."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path))
    command = [sys.executable, "-c", "import tempfile; print(tempfile.gettempdir())"]
    assert Path(subprocess.check_output(command, env=environment(), text=True).strip()) == tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux to end a process with its parent")
def test_they_end_with_the_server(tmp_path: Path) -> None:
    clip = clips.encode(tmp_path / "clip.mp4", [clips.background()] * 500)
    program = (
        "from pathlib import Path; from emotion_core import VideoOptions\n"
        "from emotion_core.video.probe import probe\n"
        "from emotion_core.serving.video_pictures import VideoPictures\n"
        f"clip = Path({str(clip)!r})\n"
        "pictures = VideoPictures(clip, probe(clip), VideoOptions())\n"
        "print('begun', flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=importing()
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == b"begun\n"
        [process] = psutil.Process(server.pid).children()
        server.kill()
        server.wait()
        assert psutil.wait_procs([process], 5)[0] or process.status() == psutil.STATUS_ZOMBIE


def test_the_thread_that_began_it_ends(desk: VideoDesk, tmp_path: Path) -> None:
    """Gradio takes each step in another thread, and ends those that have been idle for ten seconds."""
    clip = clips.encode(tmp_path / "clip.mp4", [clips.background()] * 500)
    work = desk.analyze(clip, tmp_path / "out", options=VideoOptions(rate=1))

    def begin() -> None:
        while not getattr(next(work), "frames", 0):
            continue

    beginner = threading.Thread(target=begin)
    beginner.start()
    beginner.join()
    summary = work.result()
    assert (summary.frames, summary.notices) == (500, ())


def readers() -> list[psutil.Process]:
    """The processes that read videos for this one."""
    found = []
    for child in psutil.Process(os.getpid()).children():
        with contextlib.suppress(psutil.Error):
            if "video_decoder" in "".join(child.cmdline()):
                found.append(child)
    return found


def test_a_file_that_is_gone(tmp_path: Path, clip: Path) -> None:
    with pytest.raises(VideoError, match="not a video that can be read"):
        VideoPictures(tmp_path / "gone.mp4", probe(clip), ALL)


def test_what_is_told_of_a_video(clip: Path) -> None:
    info = probe(clip)
    assert info_of(facts_of(info)) == info
    limits = VideoLimits(max_seconds=9.5)
    assert limits_of({**facts_of_limits(limits)}) == limits


def facts_of_limits(limits: VideoLimits) -> dict[str, float]:
    return {name: getattr(limits, name) for name in VideoLimits.__dataclass_fields__}


def test_pictures_upright_and_of_other_formats(tmp_path: Path) -> None:
    """Turned, of ten bits and of full range: as the server would see them, within the rounding of YUV."""
    clip = tmp_path / "clip.mkv"
    with av.open(str(clip), "w") as out:
        track = out.add_stream("libx264", rate=25, width=clips.WIDTH, height=clips.HEIGHT)
        track.pix_fmt = "yuv422p10le"
        picture, _ = clips.scene({1: clips.across(10, 40)}, 0)
        for frame in [*(av.VideoFrame.from_ndarray(picture) for _ in range(5)), None]:
            out.mux(track.encode(frame))
    info = probe(clip)
    with VideoReader(clip, info, ALL.limits, ALL.max_side) as here, VideoPictures(clip, info, ALL) as apart:
        for one, other in zip(here, apart, strict=True):
            assert (one.pts, one.time_seconds) == (other.pts, other.time_seconds)
            assert np.abs(one.rgb.astype(int) - other.rgb).mean() < 2
