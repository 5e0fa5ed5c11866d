"""The Video tab: from a clip, an annotated copy, a timeline per person, and every frame as CSV and JSON."""

from collections.abc import Generator
from pathlib import Path
from typing import Any, Final

import gradio as gr

from ..errors import EmotionError
from ..recognition.catalogue import Catalogue
from ..serving.temporary import ShortLivedFolder, keep
from ..serving.video_queue import VideoDesk
from ..video.results import VideoOptions, VideoProgress
from . import video_view as report
from .components import VideoInput
from .example_clip import write_drawn_clip
from .photo_view import refusal
from .words import model_words

RATES: Final = [("Every frame", 0), ("10 a second", 10), ("5 a second", 5), ("2 a second", 2)]
Update = dict[gr.blocks.Block, Any]


def video_tab(catalogue: Catalogue, files: ShortLivedFolder, desk: VideoDesk) -> None:
    """Lay out the tab and connect its events."""
    models = [(words.title, words.name) for words in model_words(catalogue)]
    minutes = f"{files.result_seconds / 60:.0f} minutes"
    kept = gr.State(None)
    with gr.Row(equal_height=False):
        with gr.Column():
            clip = VideoInput(
                label="Video",
                sources=["upload", "webcam"],
                webcam_options=gr.WebcamOptions(mirror=False, constraints={"video": {"width": 1280, "height": 720}}),
                include_audio=True,  # without it, Gradio would call ffmpeg
                height=300,
                elem_id="video-clip",
            )
            # Right under the clip, so that they are visible without scrolling.
            with gr.Row():
                start = gr.Button("Analyse", variant="primary", interactive=False, min_width=120)
                cancel = gr.Button("Cancel", variant="stop", interactive=False, min_width=120)
            status = gr.HTML(label="Progress", elem_id="video-status")
            example = gr.Button("Try a drawn clip", size="sm")
            rate = gr.Radio(RATES, value=10, label="Frames analysed")
            with gr.Accordion("Model and smoothing", open=False):
                model = gr.Dropdown(models, value=models[0][1], label="Answered by")
                smoothing = gr.Slider(0, 2, 0.4, step=0.1, label="Smoothing, in seconds")
                copy = gr.Checkbox(True, label="Annotated video, too", info="Without it the answers come sooner.")
            gr.Markdown(
                f"Up to {desk.limits.max_seconds:.0f} seconds and {desk.limits.max_bytes / 1e6:.0f} MB. Your video and "
                f"its results are kept for {minutes}, so that you can fetch them, then deleted; nothing is logged."
            )
        with gr.Column():
            answer = gr.Video(
                label="Annotated video", interactive=False, height=300, buttons=["download"], elem_id="video-answer"
            )
            with gr.Row():
                table = gr.DownloadButton("Save CSV", size="sm", min_width=90, interactive=False)
                record = gr.DownloadButton("Save JSON", size="sm", min_width=90, interactive=False)
                picture = gr.DownloadButton("Save chart", size="sm", min_width=90, interactive=False)
    chart = gr.HTML(label="Timeline", elem_id="video-chart")
    shares = gr.HTML(label="Share of the time", elem_id="video-shares")

    # gr.update, as a component created here would appear on the page.
    on, off = gr.update(interactive=True), gr.update(interactive=False)
    no_file = gr.update(value=None, interactive=False)
    # While a clip is analysed no other is accepted, as its status would overwrite the first one's.
    idle: Update = {start: on, cancel: off, clip: on, example: on}
    busy: Update = {start: off, cancel: on, clip: off, example: off}
    empty: Update = {answer: None, table: no_file, record: no_file, picture: no_file, chart: "", shares: ""}

    def analyze(
        source: str | None, name: str, frames: int, seconds: float, annotated: bool
    ) -> Generator[Update, None, None]:
        if source is None or not Path(source).is_file():
            gone = "There is no video, or it has been deleted by now. Upload it again."
            yield {status: refusal(gone), start: off}
            return
        yield {status: report.progress(VideoProgress(0, None, 0, 0, None)), **empty, **busy}
        try:
            with files.results() as folder:
                held = keep(source, folder)
                options = VideoOptions(rate=frames or None, smoothing_seconds=seconds, copy=annotated)
                with desk.analyze(held, folder, name, options) as work:
                    for step in work:
                        yield {status: report.progress(step)}
                    summary = work.result()
                held.unlink()
        except EmotionError as error:
            yield {status: refusal(str(error)), **idle}
            return
        yield {
            status: report.done(summary),
            answer: summary.files.video,
            table: gr.update(value=summary.files.csv, interactive=True),
            record: gr.update(value=summary.files.json, interactive=True),
            picture: gr.update(value=summary.files.timeline, interactive=True),
            chart: report.timeline(summary),
            shares: report.shares(summary.people, catalogue.config(name).labels),
            **idle,
        }

    def arrive(path: str | None, before: str | None) -> Update:
        """Check a new clip at once, and keep it: the visitor may take a while to press the button."""
        if before is not None:
            Path(before).unlink(missing_ok=True)
        none: Update = {kept: None, start: off, **empty}
        if path is None:
            return {status: "", **none}
        try:
            with files.results() as folder:
                held = keep(path, folder)
                said = report.arrived(desk.probe(held))
        except EmotionError as error:
            return {status: refusal(str(error)), **none}
        return {status: said, **none, kept: str(held), start: on}

    def drawn() -> str:
        with files.results() as folder:
            return str(write_drawn_clip(folder / "drawn.mp4"))

    answers = [status, answer, table, record, picture, chart, shares, start]
    outputs = [*answers, cancel, clip, example]
    # No Gradio limit: the desk lets one in at a time, and tells the others how many are ahead.
    work = start.click(
        analyze,
        [kept, model, rate, smoothing, copy],
        outputs,
        concurrency_id="video",
        concurrency_limit=None,
        show_progress="hidden",
        api_visibility="private",
    )
    # Reported when the work has stopped, not when the button is pressed: a last progress update may come in between.
    work.failure(
        lambda: {status: refusal("It was stopped before it was finished."), **idle},
        None,
        outputs,
        show_progress="hidden",
        api_visibility="private",
    )
    cancel.click(None, cancels=[work])
    clip.change(arrive, [clip, kept], [kept, *answers], show_progress="hidden", api_visibility="private")
    example.click(drawn, None, clip, api_visibility="private")
