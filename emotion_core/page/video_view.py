"""A video's progress and its answer as parts of the page."""

import html
from collections.abc import Sequence

from ..images import data_uri
from ..labels import SYMBOLS, colour_of
from ..serving.video_queue import Waiting
from ..tracking.people import Person
from ..video.probe import VideoInfo
from ..video.results import VideoProgress, VideoSummary


def arrived(info: VideoInfo) -> str:
    """HTML: what came, before any work."""
    known = [f"{info.width}x{info.height}", info.codec, "with sound" if info.has_sound else "without sound"]
    if info.seconds is not None:
        known.insert(0, f"{info.seconds:.1f} seconds")
    return _said(f"<strong>Ready.</strong> {html.escape(', '.join(known))}.")


def progress(step: Waiting | VideoProgress) -> str:
    """HTML: a bar, and in words how far the work is, how fast it goes and how long it will take."""
    if isinstance(step, Waiting):
        others = "1 video is" if step.ahead == 1 else f"{step.ahead} videos are"
        sentence = f"<strong>Waiting.</strong> One video is analysed at a time; {others} before yours."
        return _said(sentence, '<progress aria-label="Waiting"></progress>')
    words = [f"{step.frames} of {step.total} frames" if step.total else f"{step.frames} frames"]
    if step.rate:
        words.append(f"{step.rate:.0f} a second")
    if step.seconds_left is not None:
        words.append(f"about {_duration(step.seconds_left)} left")
    bar = f'<progress max="1" value="{step.fraction:.3f}" aria-label="Share of the video that is done"></progress>'
    return _said(f"<strong>Analysing.</strong> {', '.join(words)}.", bar, spoken=False)


def done(summary: VideoSummary) -> str:
    """HTML: what was done, and what the reader should know."""
    count = len(summary.people)
    people = "nobody" if count == 0 else "1 person" if count == 1 else f"{count} persons"
    analysed = "" if summary.analyzed_frames == summary.frames else f" ({summary.analyzed_frames} of them analysed)"
    notices = "".join(f"<li>{html.escape(notice)}</li>" for notice in summary.notices)
    return _said(
        f"<strong>Done.</strong> {people} in {summary.seconds:.1f} seconds: {summary.frames} frames{analysed}, "
        f"{summary.rate:.0f} a second.",
        f"<ul>{notices}</ul>" if notices else "",
    )


def timeline(summary: VideoSummary) -> str:
    """HTML: the chart, which scrolls by itself where it is wider than the page."""
    return _scrolling(summary.chart, "Timeline")


def shares(people: Sequence[Person], labels: Sequence[str]) -> str:
    """HTML: a table with a row per person: for how much of the time seen each expression was shown."""
    if not people:
        return ""
    head = "".join(
        f'<th scope="col"><span aria-hidden="true">{SYMBOLS.get(label, "🙂")}</span> {html.escape(label)}</th>'
        for label in labels
    )
    body = "".join(_row(person, labels) for person in people)
    table = (
        f'<table><thead><tr><th scope="col">person</th><th scope="col">seen</th>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
    said = "How long each expression was the most probable one, of the time in which the person was seen:"
    return f"<p>{said}</p>{_scrolling(table, 'Share of the time per person')}"


def _row(person: Person, labels: Sequence[str]) -> str:
    cells = ""
    for label in labels:
        share = person.shares[label]
        bar = f'<span class="bar" style="width:{share:.1%};background:{colour_of(label)}"></span>'
        cells += f"<td>{share:.0%}{bar}</td>"
    face = f'<img src="{data_uri(person.thumbnail)}" alt="">'
    return f'<tr><th scope="row">{face} {person.person}</th><td>{person.seconds_seen:.1f} s</td>{cells}</tr>'


def _scrolling(content: str, name: str) -> str:
    return f'<div class="scrolling" tabindex="0" role="region" aria-label="{name}">{content}</div>'


def _said(sentence: str, rest: str = "", spoken: bool = True) -> str:
    """spoken: screen readers read it out; what changes four times a second they would never finish."""
    role = ' role="status"' if spoken else ""
    return f'<section class="job"{role}><p>{sentence}</p>{rest}</section>'


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} seconds" if round(seconds) != 1 else "1 second"
    return f"{seconds / 60:.0f} minutes"
