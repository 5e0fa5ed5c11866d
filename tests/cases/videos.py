"""The cases that are videos."""

import csv
import tempfile
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np

from cases.case import Case, Got
from emotion_core import EmotionRecognizer, VideoSummary, analyze_video

Check = Callable[[VideoSummary, list[dict[str, str]]], bool]


def video(name: str, wanted: str, check: Check) -> Case:
    """A video whose summary and rows must pass ``check``."""

    def look(path: Path, recognizer: EmotionRecognizer) -> Got:
        with tempfile.TemporaryDirectory() as folder:
            summary = analyze_video(path, folder, recognizer).result()
            with summary.files.csv.open(newline="") as file:
                rows = list(csv.DictReader(file))
        people = ", ".join(f"{person.emotion} {person.seconds_seen:.2f} s" for person in summary.people) or "nobody"
        words = f"{people}; {summary.seconds:.2f} s, {summary.frames} frames, {len(rows)} rows"
        return Got("; ".join((words, *summary.notices)), check(summary, rows))

    return Case(name, wanted, look)


def one_person(summary: VideoSummary, rows: list[dict[str, str]]) -> bool:
    """The same person in every row, and a row for every frame."""
    return (
        [person.person for person in summary.people] == [1]
        and [row["person"] for row in rows] == ["1"] * summary.analyzed_frames
        and not summary.notices
    )


def lasts(seconds: float) -> Check:
    """One person in a video of that length, without a notice."""
    return lambda summary, rows: one_person(summary, rows) and abs(summary.seconds - seconds) < 0.05


def glimpse(summary: VideoSummary, rows: list[dict[str, str]]) -> bool:
    return [round(person.seconds_seen, 2) for person in summary.people] == [0.15] and len(rows) == 3


def keeps_proportions(path: Path, recognizer: EmotionRecognizer) -> Got:
    """The face's box has the same aspect ratio before and after the turn."""
    with tempfile.TemporaryDirectory() as folder:
        summary = analyze_video(path, folder, recognizer).result()
        with summary.files.csv.open(newline="") as file:
            shapes = [int(row["width"]) / int(row["height"]) for row in csv.DictReader(file)]
    first, last = float(np.median(shapes[:5])), float(np.median(shapes[-5:]))
    words = f"{len(summary.people)} person; width by height of the face {first:.2f}, then {last:.2f}"
    return Got(words, len(summary.people) == 1 and abs(last / first - 1) < 0.1)


def as_bright_as(other: str) -> Callable[[Path, EmotionRecognizer], Got]:
    """The face is about as bright as in another video of the folder, and happy."""

    def brightness(path: Path, recognizer: EmotionRecognizer) -> tuple[float, str]:
        with tempfile.TemporaryDirectory() as folder:
            summary = analyze_video(path, folder, recognizer).result()
            with summary.files.csv.open(newline="") as file:
                row = next(csv.DictReader(file))
            with av.open(str(summary.files.video)) as container:
                frame = next(container.decode(video=0)).to_ndarray(format="gray")
        x, y, width, height = (int(row[name]) for name in ("x", "y", "width", "height"))
        inside = frame[y + height // 4 : y + height * 3 // 4, x + width // 4 : x + width * 3 // 4]
        return float(inside.mean()), summary.people[0].emotion

    def look(path: Path, recognizer: EmotionRecognizer) -> Got:
        (bright, emotion), (ordinary, _) = brightness(path, recognizer), brightness(path.with_name(other), recognizer)
        words = f"{emotion}; the face's mean is {bright:.0f}, in the ordinary video {ordinary:.0f}"
        return Got(words, emotion == "happy" and abs(bright - ordinary) < 15)

    return look


CASES = (
    video("one_frame.mp4", "one person in the summary and in every row", one_person),
    video("three_frames.mp4", "one person in the summary and in every row", one_person),
    video("clip_0.2s.mp4", "one person in the summary and in every row", one_person),
    video("glimpse.mp4", "the person is in the table, with 0.15 s", glimpse),
    video("fps_1in60.mp4", "one person, from the first picture on", one_person),
    video("chunk_after_1h.webm", "2.0 s; accepted; no notice", lasts(2)),
    video("starts_at_10s.mkv", "2.0 s; accepted; no notice", lasts(2)),
    video("edit_list_cut.mp4", "no notice", one_person),
    video("default_second.mkv", "the default track: one person", one_person),
    Case("turned_midway.ts", "proportions kept", keeps_proportions),
    Case("hevc_pq.mov", "the face about as bright as in SDR; happy", as_bright_as("three_frames.mp4")),
)
