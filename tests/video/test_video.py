"""Videos of every kind, generated here, run through the whole analysis and read back."""

import csv
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from emotion_core import (
    Box,
    EmotionRecognizer,
    Face,
    Prediction,
    TrackedFace,
    TrackedFrame,
    VideoOptions,
    analyze_video,
)
from emotion_core.cli.main import main
from emotion_core.images import RGB
from emotion_core.tracking.people import PeopleLog
from support import clips
from support.walks import FAST, analyzed, frames_of, read

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


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
    """Two people leave for longer than a track is kept, and come back elsewhere."""

    def stays(first: float, then: float) -> clips.Path2D:
        return lambda time: (first, 60.0) if time < 1 else (then, 66.0) if time >= 2.6 else None

    scenes = [clips.scene({1: stays(10, 190), 2: stays(210, 30)}, index / 10)[0] for index in range(40)]
    summary = analyzed(clips.encode(tmp_path / "back.mp4", scenes, rate=10), eyes)
    assert [(person.person, person.first_seen) for person in summary.people] == [(1, 0), (2, 0)]
    assert [person.seconds_seen for person in summary.people] == pytest.approx([2.4, 2.4], abs=0.35)


def test_boxes_and_labels_are_in_the_pictures(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB]) -> None:
    """Also in frames between two analysed ones: the box moves along."""
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
    """Five hours with one person throughout, and 300 others for a second each."""
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
    """Keeping the frames of another 30 seconds would take 500 MB."""
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
