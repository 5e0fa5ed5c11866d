"""A video's progress and results as HTML for the page."""

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from ..serving.video_queue import Waiting
from ..tracking.people import Person
from ..video.probe import VideoInfo
from ..video.results import VideoProgress, VideoSummary
from ..video.timeline import SIDES
from .components import file_address
from .templating import render


def arrived(info: VideoInfo) -> str:
    """HTML: what the uploaded file is, before any work."""
    known = [f"{info.width}x{info.height}", info.codec, "with sound" if info.has_sound else "without sound"]
    if info.seconds is not None:
        known.insert(0, f"{info.seconds:.1f} seconds")
    return render("video_status.html", state="Ready", sentence=f"{', '.join(known)}.", notices=())


def progress(step: Waiting | VideoProgress) -> str:
    """HTML: a progress bar, and in words how far the work is, how fast it goes and how long the rest will take."""
    if isinstance(step, Waiting):
        others = "1 video is" if step.ahead == 1 else f"{step.ahead} videos are"
        sentence = f"One video is analysed at a time; {others} before yours."
        return render("video_status.html", state="Waiting", sentence=sentence, notices=())
    words = [f"{step.frames} of {step.total} frames" if step.total else f"{step.frames} frames"]
    if step.rate:
        words.append(f"{step.rate:.0f} a second")
    if step.seconds_left is not None:
        words.append(f"about {_duration(step.seconds_left)} left")
    sentence = f"{', '.join(words)}."
    return render("video_status.html", state="Analysing", sentence=sentence, fraction=step.fraction, notices=())


def done(summary: VideoSummary) -> str:
    """HTML: what was done, and any notices."""
    count = len(summary.people)
    people = "nobody" if count == 0 else "1 person" if count == 1 else f"{count} persons"
    analysed = "" if summary.analyzed_frames == summary.frames else f" ({summary.analyzed_frames} of them analysed)"
    frames = f"{summary.frames} frames{analysed}, {summary.rate:.0f} a second"
    sentence = f"{people} in {summary.seconds:.1f} seconds: {frames}."
    return render("video_status.html", state="Done", sentence=sentence, notices=summary.notices)


def player(path: str | Path | None, answered: bool = False) -> str:
    """HTML: the annotated video at this path among the server's temporary files, or why there is none."""
    words = "No annotated video was asked for." if answered else "The annotated video appears here."
    return render("video_answer.html", address=path and file_address(path), words=words)


def timeline(summary: VideoSummary) -> str:
    """HTML: the chart, which scrolls by itself when wider than the page."""
    # The chart is our own SVG, its text escaped.
    chart = Markup(summary.chart)  # noqa: S704
    return render("video_timeline.html", chart=chart, seconds=summary.seconds, sides=SIDES)


def shares(people: Sequence[Person], labels: Sequence[str]) -> str:
    """HTML: a table with a row per person: each expression's share of the time the person was seen."""
    return render("video_shares.html", people=people, labels=labels)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds" if round(seconds) != 1 else "1 second"
    return f"{seconds / 60:.0f} minutes"
