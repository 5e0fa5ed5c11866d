"""Videos of every kind, made here, through the whole analysis and read back."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from emotion_core import (
    Box,
    EmotionRecognizer,
    Face,
    Prediction,
    TrackedFace,
    TrackedFrame,
    VideoError,
    VideoLimitError,
    VideoLimits,
    VideoOptions,
    VideoSummary,
    analyze_video,
)
from emotion_core.cli.main import main
from emotion_core.images import RGB
from emotion_core.recognition.detectors import YuNetDetector
from emotion_core.tracking.people import PeopleLog
from emotion_core.video.picture import Orientation
from emotion_core.video.probe import probe
from support import clips

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FAST = VideoOptions(rate=4)


@pytest.fixture(scope="module")
def eyes(recognizer: EmotionRecognizer) -> EmotionRecognizer:
    """With YuNet where its file is there, else with Haar."""
    path = os.environ.get("YUNET_ONNX")
    return EmotionRecognizer(recognizer.classifier, YuNetDetector(Path(path).read_bytes())) if path else recognizer


def frames_of(seconds: float, rate: int = 25, size: tuple[int, int] = (clips.WIDTH, clips.HEIGHT)) -> list[RGB]:
    walk = clips.across(40, 60)
    return [clips.scene({1: walk}, index / rate, size)[0] for index in range(round(seconds * rate))]


@pytest.fixture(scope="module")
def walk() -> list[RGB]:
    """Two seconds of one person walking to the right, 25 frames a second."""
    return frames_of(2)


def analyzed(clip: Path, eyes: EmotionRecognizer, options: VideoOptions | None = None) -> VideoSummary:
    return analyze_video(clip, clip.parent / "out", eyes, options or VideoOptions()).result()


def read(path: Path | None) -> tuple[dict[str, Any], list[RGB], list[float]]:
    """What a player finds: streams, frames and their times. The file is one that browsers play."""
    assert path is not None
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        streams: dict[str, Any] = {stream.type: stream for stream in container.streams}
        video = container.streams.video[0]
        found = {kind: stream.codec_context.name.removesuffix("float") for kind, stream in streams.items()}
        assert (found["video"], video.pix_fmt) == ("h264", "yuv420p")
        assert video.width % 2 == video.height % 2 == 0
        decoded: Any = [(frame.to_ndarray(format="rgb24"), float(frame.time)) for frame in container.decode(video)]
        return found, [frame for frame, _ in decoded], [time for _, time in decoded]


def tone(path: Path | None) -> tuple[float, float]:
    """Seconds of the sound, and its loudest frequency in Hz."""
    assert path is not None
    with av.open(str(path)) as container:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)]).astype(float)
        rate = container.streams.audio[0].rate
    return len(samples) / rate, float(np.abs(np.fft.rfft(samples)).argmax()) * rate / len(samples)


def test_a_walk_is_followed_and_everything_agrees(tmp_path: Path, eyes: EmotionRecognizer) -> None:
    paths = {1: clips.across(10, 60), 2: clips.across(210, -60, top=66)}
    scenes = [clips.scene(paths, index / 25) for index in range(60)]
    summary = analyzed(clips.encode(tmp_path / "walk.mp4", [frame for frame, _ in scenes]), eyes)
    assert (summary.frames, summary.analyzed_frames, summary.notices) == (60, 60, ())
    assert [person.person for person in summary.people] == [1, 2]
    _, _, times = read(summary.files.video)
    assert times == pytest.approx([index / 25 for index in range(60)])

    names: dict[str, int] = {}
    with summary.files.csv.open(newline="") as file:
        rows = list(csv.DictReader(file))
    labels = json.loads(summary.files.json.read_text())["labels"]
    for row in rows:
        truth = scenes[round(float(row["time_seconds"]) * 25)][1]
        box = Box(*(int(row[name]) for name in ("x", "y", "width", "height")))
        who = max(truth, key=lambda person: truth[person].overlap(box))
        hidden = len(truth) == 2 and truth[1].overlap(truth[2]) > 0  # half a face has half a box
        assert truth[who].overlap(box) > (0 if hidden else 0.5)
        assert names.setdefault(row["person"], who) == who
        for ending in ("", "_raw"):
            assert sum(float(row[label + ending]) for label in labels) == pytest.approx(1, abs=1e-4)
        assert float(row["confidence"]) == max(float(row[label]) for label in labels)
    assert len(rows) > 60

    told = json.loads(summary.files.json.read_text())
    assert [frame["time_seconds"] for frame in told["frames"]] == times
    assert sum(len(frame["faces"]) for frame in told["frames"]) == len(rows)
    assert told["summary"] == json.loads(json.dumps(summary.to_dict()))
    for person in summary.people:
        assert sum(person.shares.values()) == pytest.approx(1)
        seconds = sum(row["person"] == str(person.person) for row in rows) / 25
        assert person.seconds_seen == pytest.approx(seconds, abs=0.05)
        assert 0 <= person.first_seen < person.last_seen <= summary.seconds + 1e-9
        assert max(person.thumbnail.size) <= 96


def test_people_who_leave_and_come_back_are_the_same(tmp_path: Path, eyes: EmotionRecognizer) -> None:
    """Two are there, go for longer than a person is waited for, and come back elsewhere."""

    def stays(first: float, then: float) -> clips.Path2D:
        return lambda time: (first, 60.0) if time < 1 else (then, 66.0) if time >= 2.6 else None

    scenes = [clips.scene({1: stays(10, 190), 2: stays(210, 30)}, index / 10)[0] for index in range(40)]
    summary = analyzed(clips.encode(tmp_path / "back.mp4", scenes, rate=10), eyes)
    assert [(person.person, person.first_seen) for person in summary.people] == [(1, 0), (2, 0)]
    assert [person.seconds_seen for person in summary.people] == pytest.approx([2.4, 2.4], abs=0.35)


def test_boxes_and_labels_are_in_the_pictures(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB]) -> None:
    """Also in those between two that were analysed: the box goes along."""
    summary = analyzed(clips.encode(tmp_path / "walk.mp4", walk), eyes, VideoOptions(rate=5))
    assert (summary.frames, summary.analyzed_frames) == (50, 10)
    _, frames, _ = read(summary.files.video)
    centres = []
    for before, after in list(zip(walk, frames, strict=True))[10:45]:
        changed = np.abs(before.astype(int) - after).max(axis=2) > 90
        columns = np.flatnonzero(changed.any(axis=0))
        centres.append((columns[0] + columns[-1]) / 2)
    steps = np.diff(centres)
    assert centres[-1] - centres[0] == pytest.approx(34 * 60 / 25, abs=8)
    assert np.abs(steps - 60 / 25).max() < 6  # no jump of 12 pixels at the analysed ones


@pytest.mark.parametrize(
    ("name", "codec", "sound", "kept"),
    [
        ("phone.mp4", "libx264", "aac", "aac"),
        ("camera.mov", "libx264", "pcm_s16le", "aac"),
        ("browser.webm", "libvpx-vp9", "libopus", "opus"),
        ("old.avi", "mpeg4", "mp3", "mp3"),
        ("stream.ts", "libx264", "aac", "aac"),
        ("film.mkv", "libx265", "ac3", "aac"),
        ("silent.mp4", "libx264", "", ""),
    ],
)
def test_kinds_of_files(
    tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB], name: str, codec: str, sound: str, kept: str
) -> None:
    options = {"live": "1"} if name == "browser.webm" else None
    clip = clips.encode(tmp_path / name, walk, codec=codec, sound=sound, options=options)
    assert (probe(clip).seconds is None) == (name == "browser.webm")
    summary = analyzed(clip, eyes, FAST)
    found, frames, times = read(summary.files.video)
    assert found.get("audio", "") == kept
    assert len(frames) == summary.frames == 50
    with av.open(str(clip)) as container:
        assert np.diff(times) == pytest.approx(np.diff([frame.time for frame in container.decode(video=0)]), abs=1e-3)
    assert summary.notices == ()
    assert [person.person for person in summary.people] == [1]
    assert np.abs(frames[0][180:].astype(int) - walk[0][180:]).mean() < 4  # colours: below the face, nothing changes
    if kept:
        seconds, frequency = tone(summary.files.video)
        assert seconds == pytest.approx(2, abs=0.1)
        assert frequency == pytest.approx(440, abs=3)
    assert summary.has_sound == bool(kept)


def test_progress_without_a_duration(tmp_path: Path, eyes: EmotionRecognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emotion_core.video.analysis.REPORT_SECONDS", 0.005)
    frames = frames_of(2)
    for name, options in (("a.mp4", {}), ("a.webm", {"live": "1"})):
        codec = "libx264" if name == "a.mp4" else "libvpx-vp9"
        clip = clips.encode(tmp_path / name, frames, codec=codec, options=options)
        work = analyze_video(clip, tmp_path / "out", eyes, FAST)
        steps = list(work)
        assert (steps[0].frames, steps[0].fraction, steps[0].seconds_left) == (0, 0, None)
        assert [step.frames for step in steps] == sorted(step.frames for step in steps)
        assert [step.fraction for step in steps] == sorted(step.fraction for step in steps)
        assert all(step.total == (50 if name == "a.mp4" else None) for step in steps[:-1])
        # Frames may be done before a byte of the file counts as read, so the share decides, not the frames.
        assert all((step.seconds_left is None) == (step.fraction == 0) for step in steps)
        assert work.result().frames == 50
        assert (steps[-1].total, steps[-1].fraction) == (50, 1)
        assert any(0 < step.fraction < 1 for step in steps)


def test_orientations() -> None:
    rgb = np.arange(6, dtype=np.uint8).reshape(2, 3, 1).repeat(3, axis=2)
    for mirrored, flipped in ((False, False), (True, False), (False, True), (True, True)):
        wanted = rgb[:: -1 if flipped else 1, :: -1 if mirrored else 1]
        assert (Orientation(False, mirrored, flipped).upright(rgb) == wanted).all()
        wanted = rgb.transpose(1, 0, 2)[:: -1 if flipped else 1, :: -1 if mirrored else 1]
        assert (Orientation(True, mirrored, flipped).upright(rgb) == wanted).all()


def test_variable_frame_rate_keeps_every_time(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB]) -> None:
    times = [round(float(time), 3) for time in np.cumsum(np.random.default_rng(0).choice([0.02, 0.033, 0.2], 50))]
    summary = analyzed(clips.encode(tmp_path / "vfr.mp4", walk, times), eyes, FAST)
    _, _, written = read(summary.files.video)
    assert written == pytest.approx([time - times[0] for time in times], abs=1e-3)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_phones_rotation_is_applied(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB], quarters: int) -> None:
    turned = [np.rot90(frame, -quarters) for frame in walk]
    clip = clips.encode(tmp_path / "phone.mov", turned, rotation=90 * quarters)
    info = probe(clip)
    assert (info.width, info.height) == (320, 240)
    summary = analyzed(clip, eyes, FAST)
    _, frames, _ = read(summary.files.video)
    assert np.abs(frames[0][180:].astype(int) - walk[0][180:]).mean() < 4
    assert [person.person for person in summary.people] == [1]


@pytest.mark.parametrize(
    ("size", "max_side", "wanted"), [((321, 241), 1280, (320, 240)), ((320, 241), 200, (200, 150))]
)
def test_odd_and_large_sides(
    tmp_path: Path, eyes: EmotionRecognizer, size: tuple[int, int], max_side: int, wanted: tuple[int, int]
) -> None:
    clip = clips.encode(tmp_path / "odd.webm", frames_of(0.5, size=size), codec="libvpx-vp9")
    summary = analyzed(clip, eyes, VideoOptions(rate=4, max_side=max_side))
    _, [frame, *_], _ = read(summary.files.video)
    assert (summary.width, summary.height) == (frame.shape[1], frame.shape[0]) == wanted


def test_what_can_be_read_of_a_cut_file_is_delivered(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB]) -> None:
    whole = clips.encode(tmp_path / "whole.mp4", walk, options={"movflags": "+faststart"}, sound="aac").read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) * 6 // 10])
    summary = analyzed(cut, eyes, FAST)
    notice, *_ = summary.notices  # a frame that was cut in half may be told, too
    _, frames, _ = read(summary.files.video)
    assert 20 < len(frames) == summary.frames < 45
    assert notice == f"The file is cut short or damaged: {len(frames)} of 50 frames could be read."

    hurt = bytearray(whole)
    hurt[len(whole) // 2 : len(whole) // 2 + 3000] = np.random.default_rng(0).bytes(3000)
    cut.write_bytes(hurt)
    summary = analyzed(cut, eyes, FAST)
    assert summary.notices
    assert len(read(summary.files.video)[1]) == summary.frames > 20


def refusals(folder: Path) -> Sequence[tuple[Path, str]]:
    (folder / "empty.mp4").touch()
    (folder / "garbage.mp4").write_bytes(np.random.default_rng(0).bytes(50_000))
    Image.new("RGB", (64, 64)).save(folder / "photo.png")
    clips.encode(folder / "inside.mp4", frames_of(0.2))
    (folder / "list.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\ninside.mp4\n#EXT-X-ENDLIST\n")
    (folder / "list.ffconcat").write_text("ffconcat version 1.0\nfile inside.mp4\n")
    whole = (folder / "inside.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    clips.encode(folder / "tiny.webm", [clips.background(12, 40)] * 3, codec="libvpx-vp9")
    with av.open(str(folder / "sound.m4a"), "w", format="mp4") as out:
        stream: Any = out.add_stream("aac", rate=48000, layout="mono")
        cover: Any = out.add_stream("mjpeg", rate=1, width=64, height=64, pix_fmt="yuvj420p")
        cover.disposition = Disposition.attached_pic
        out.mux([*cover.encode(av.VideoFrame(64, 64, "yuvj420p")), *cover.encode(None)])
        part = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.float32), format="fltp", layout="mono")
        part.sample_rate = 48000
        out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return [
        (folder / "absent.mp4", "There is no file 'absent.mp4'. Check the path."),
        (folder, "There is no file"),
        (folder / "nul\0.mp4", "cannot be opened|There is no file"),
        (folder / "empty.mp4", "The file is empty. Send it again."),
        (folder / "garbage.mp4", "not a video that can be read.*Use an MP4"),
        (folder / "photo.png", "not a video that can be read"),
        (folder / "list.m3u8", "not a video that can be read"),
        (folder / "list.ffconcat", "not a video that can be read"),
        (folder / "cut.mp4", "its end is missing"),
        (folder / "sound.m4a", "no video, only sound or data"),
        (folder / "tiny.webm", "12x40; each side needs at least 16 pixels"),
    ]


def test_refusals_come_before_work_and_say_what_to_do(tmp_path: Path, eyes: EmotionRecognizer) -> None:
    for path, message in refusals(tmp_path):
        with pytest.raises(VideoError, match=message):
            analyze_video(path, tmp_path / "out", eyes)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (VideoLimits(max_seconds=1), "lasts 2 seconds, the limit is 1. Cut it"),
        (VideoLimits(max_frames=20), "has 50 frames, the limit is 20"),
        (VideoLimits(max_bytes=1000), "limit is 0 MB. Shorten or compress"),
        (VideoLimits(max_pixels=1000), "320x240, over 0.0 megapixels a frame"),
    ],
)
def test_limits(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB], limits: VideoLimits, message: str) -> None:
    clip = clips.encode(tmp_path / "walk.mp4", walk)
    with pytest.raises(VideoLimitError, match=message):
        analyze_video(clip, tmp_path / "out", eyes, VideoOptions(limits=limits))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("limits", "frames"), [(VideoLimits(max_seconds=1), 26), (VideoLimits(max_frames=20), 20), (VideoLimits(), 50)]
)
def test_limits_hold_where_the_header_is_silent(
    tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB], limits: VideoLimits, frames: int
) -> None:
    clip = clips.encode(tmp_path / "walk.webm", walk, codec="libvpx-vp9", options={"live": "1"})
    summary = analyzed(clip, eyes, VideoOptions(rate=4, limits=limits))
    assert summary.frames == frames
    assert ["which is the limit" in notice for notice in summary.notices] == [True] * (frames < 50)


def open_files() -> int:
    """Of this process; 0 where the system does not tell."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


@pytest.mark.parametrize("ending", ["close", "exception"])
def test_stopping_leaves_nothing(
    tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB], monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr("emotion_core.video.analysis.REPORT_SECONDS", 0.005)
    clip = clips.encode(tmp_path / "walk.mp4", walk, sound="aac")
    before = open_files()
    steps = analyze_video(clip, tmp_path / "out", eyes, FAST)
    while next(steps).frames < 20 or not list((tmp_path / "out").rglob("*.mp4")):
        pass
    assert not list((tmp_path / "out").glob("*.mp4"))
    if ending == "close":
        steps.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            steps.throw(KeyboardInterrupt)
    with pytest.raises(RuntimeError, match="ended before it was done"):
        steps.result()
    assert list((tmp_path / "out").iterdir()) == []
    assert open_files() == before


def test_a_folder_that_cannot_be_written(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB]) -> None:
    clip = clips.encode(tmp_path / "walk.mp4", walk)
    with pytest.raises(VideoError, match="Choose another folder"):
        list(analyze_video(clip, clip, eyes))


def test_options_check_themselves() -> None:
    for wrong in ({"rate": 0}, {"max_side": 10}, {"min_score": 2}, {"gap_seconds": -1}):
        with pytest.raises(ValueError, match=r"above 0|at least 64|0 to 1|0 or more"):
            VideoOptions(**wrong)  # type: ignore[arg-type]


def test_a_video_without_anybody(tmp_path: Path, eyes: EmotionRecognizer) -> None:
    summary = analyzed(clips.encode(tmp_path / "empty.mp4", [clips.background()] * 10), eyes)
    assert (summary.frames, summary.people) == (10, ())
    assert len(summary.files.csv.read_text().splitlines()) == 1
    assert "No person was seen" in summary.files.timeline.read_text()


def test_the_timeline_is_a_picture_that_screen_readers_know(tmp_path: Path, eyes: EmotionRecognizer) -> None:
    summary = analyzed(clips.encode(tmp_path / "<walk>.mp4", frames_of(2)), eyes)
    for text in (summary.chart, summary.files.timeline.read_text()):
        root = ElementTree.fromstring(text)
        assert root.get("role") == "img"
        assert "person 1" in (root.get("aria-label") or "")
        assert len(root.findall(".//{*}path")) == 7
        assert len(root.findall(".//{*}image")) == 1
    assert "<style>" not in summary.chart


def test_the_log_of_persons_is_bounded_and_loses_no_second() -> None:
    """Five hours; one person all the time, and 300 others for a second each."""
    rgb, box, labels = clips.background(), Box(10, 10, 40, 40), ("happy", "sad")
    log = PeopleLog(labels)
    for second in range(5 * 3600):
        shares = (0.8, 0.2) if second % 4 else (0.2, 0.8)
        said = Prediction(Face(box, box), labels, shares)
        faces = [TrackedFace(1, said, said)]
        if second % 60 == 30:
            faces.append(TrackedFace(2 + second // 60, said, said))
        log.add(TrackedFrame(second, 320, 240, tuple(faces)), rgb)
    people = log.finish(5 * 3600)
    assert (len(people), log.forgotten) == (100, 201)
    assert people[0].seconds_seen == 5 * 3600
    assert people[0].shares == pytest.approx({"happy": 0.75, "sad": 0.25})
    assert 200 <= len(people[0].bins) <= 400
    means = np.array(list(people[0].bins.values()))
    assert means == pytest.approx(np.tile([0.65, 0.35], (len(means), 1)), abs=0.02)
    assert {person.seconds_seen for person in people[1:]} == {1}


@pytest.mark.skipif(sys.platform != "linux", reason="counts kilobytes as Linux does")
def test_memory_does_not_grow_with_length(tmp_path: Path) -> None:
    """Frames of 30 more seconds would take 500 MB, if they were kept."""
    size = (640, 360)
    short, long = frames_of(2, 10, size), frames_of(2, 10, size)
    clips.encode(tmp_path / "short.mp4", short, rate=10)
    clips.encode(tmp_path / "long.mp4", long * 16, rate=10)
    program = (
        "import resource, sys; from emotion_core import *;"
        "r = EmotionRecognizer.load('fer2013-resnet50v2', 'haar');"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss;"
        "run = lambda name: analyze_video(name, 'out', r, VideoOptions(rate=0.5)).result().frames;"
        "run('short.mp4'); run('short.mp4'); before = peak(); frames = run('long.mp4'); print(frames, peak() - before)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
    )
    frames, growth = map(int, done.stdout.split())
    assert frames == 320
    assert growth < 20_000  # kB


def test_the_command_line(
    tmp_path: Path, walk: list[RGB], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clip, out = clips.encode(tmp_path / "walk.mp4", walk), tmp_path / "out"
    (tmp_path / "bad.mp4").write_bytes(b"nothing")
    bad = str(tmp_path / "bad.mp4")
    command = ["video", "--out", str(out), "--rate", "5", "--detector", "haar", str(clip)]
    assert main(command) == 0
    assert "person 1  seen" in capsys.readouterr().out
    assert len(list(out.iterdir())) == 4
    assert main([*command, bad, "--json"]) == 1
    good, refused = json.loads(capsys.readouterr().out)
    assert good["people"][0]["person"] == 1
    assert "not a video" in refused["error"]
    assert main([*command, str(clip)]) == 1
    assert "Several videos are called walk.mp4" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        main([*command, "--rate", "0"])

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("emotion_core.video.analysis.paint_i420", interrupt)
    command[2] = str(tmp_path / "stopped")
    assert main(command) == 130
    assert list((tmp_path / "stopped").iterdir()) == []


PLAY = """async () => {
    const video = document.querySelector("video");
    await new Promise((resolve, reject) => { video.onended = resolve; video.onerror = reject; video.play(); });
    return [video.videoWidth, video.videoHeight, video.currentTime, video.webkitAudioDecodedByteCount];
}"""


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_browser_plays_it_to_its_end(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB]) -> None:
    from playwright.sync_api import sync_playwright

    clip = clips.encode(tmp_path / "a.webm", walk[:25], codec="libvpx-vp9", options={"live": "1"}, sound="libopus")
    page_file = tmp_path / "page.html"
    answer = analyzed(clip, eyes, FAST).files.video
    assert answer is not None
    page_file.write_text(f'<video muted src="{answer.as_uri()}"></video>')
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.goto(page_file.as_uri())
        width, height, seconds, sound = page.evaluate(PLAY)
        browser.close()
    assert (width, height) == (320, 240)
    assert seconds == pytest.approx(1, abs=0.1)
    assert sound > 1000


def test_without_the_copy_the_answers_are_the_same(
    tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB], capsys: pytest.CaptureFixture[str]
) -> None:
    clip = clips.encode(tmp_path / "walk.mp4", walk, sound="aac")
    whole = analyzed(clip, eyes, FAST)
    written = whole.files.csv.read_text()
    bare = analyze_video(clip, tmp_path / "bare", eyes, VideoOptions(rate=4, copy=False)).result()
    assert bare.files.video is None
    assert not bare.has_sound
    assert bare.files.csv.read_text() == written
    assert [person.to_dict() for person in bare.people] == [person.to_dict() for person in whole.people]
    assert sorted(path.suffix for path in (tmp_path / "bare").iterdir()) == [".csv", ".json", ".svg"]
    assert main(["video", "--no-copy", "--detector", "haar", "--out", str(tmp_path / "cli"), str(clip)]) == 0
    assert "walk.mp4.csv" in capsys.readouterr().out
    assert not list((tmp_path / "cli").glob("*.mp4"))


def test_closing_before_the_start_is_fine(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB]) -> None:
    with closing(analyze_video(clips.encode(tmp_path / "walk.mp4", walk), tmp_path / "out", eyes)):
        pass
    assert not (tmp_path / "out").exists()
