"""The Video tab: from a clip, an annotated copy, a timeline per person, and every frame as CSV and JSON."""

import json
from collections.abc import Generator
from typing import Any, Final

import gradio as gr

from ..errors import EmotionError
from ..recognition.catalogue import Catalogue
from ..serving.temporary import ShortLivedFolder, bytes_to_keep, keep
from ..serving.video_queue import VideoDesk
from ..serving.workshop import Workshop
from ..video.results import VideoOptions, VideoProgress
from . import video_view as report
from .components import uploaded
from .photo_view import refusal
from .templating import render, script
from .visitor import visitor
from .words import model_words

RATES: Final = [("Every frame", 0), ("10 a second", 10), ("5 a second", 5), ("2 a second", 2)]
Update = dict[gr.blocks.Block, Any]
_FORGET: Final = """() => {
  const off = { __type__: "update", interactive: false }, none = { ...off, value: null };
  return ["", %s, "", "", off, none, none, none, none];
}"""


def video_tab(catalogue: Catalogue, files: ShortLivedFolder, desk: VideoDesk, workshop: Workshop) -> None:
    """Lay out the tab and connect its events."""
    models = [(words.title, words.name) for words in model_words(catalogue)]
    most_seconds = min(desk.limits.max_seconds, 3600)
    minutes = f"{files.result_seconds / 60:.0f} minutes"
    promise = (
        f"Up to {desk.limits.max_seconds:.0f} seconds and {desk.limits.max_bytes / 1e6:.0f} MB. Your video and its "
        f"results are kept for {minutes}, so that you can fetch them, then deleted; nothing is logged."
    )
    # The name of the clip's folder. Not a gr.State: for that each page would hold a connection open, and a browser has
    # six for all of its tabs.
    kept = gr.HTML(visible=False)
    with gr.Row(equal_height=False):
        with gr.Column():
            clip = gr.HTML(
                html_template=render("video_clip.html", most_bytes=desk.limits.max_bytes, most_seconds=most_seconds),
                css_template=script("stage.css", "video_clip.css"),
                js_on_load=script("camera.js", "stage.js", "image_files.js", "video_clip.js"),
                apply_default_css=False,
                elem_id="video-clip",
            )
            # Right under the clip, so that they are visible without scrolling.
            with gr.Row():
                start = gr.Button("Analyse", variant="primary", interactive=False, min_width=120)
                cancel = gr.Button("Cancel", variant="stop", interactive=False, min_width=120, elem_id="video-cancel")
            status = gr.HTML(label="Progress", elem_id="video-status")
            rate = gr.Radio(RATES, value=10, label="Frames analysed", elem_id="video-rate")
            with gr.Accordion("Model and smoothing", open=False):
                model = gr.Dropdown(models, value=models[0][1], label="Answered by")
                smoothing = gr.Slider(0, 2, 0.4, step=0.1, label="Smoothing, in seconds")
                copy = gr.Checkbox(True, label="Annotated video, too", info="Without it the answers come sooner.")
            gr.HTML(render("note.html", words=promise))
        with gr.Column():
            answer = gr.HTML(report.player(None), elem_id="video-answer")
            with gr.Row():
                film = gr.DownloadButton("Save video", size="sm", min_width=90, interactive=False)
                table = gr.DownloadButton("Save CSV", size="sm", min_width=90, interactive=False)
                record = gr.DownloadButton("Save JSON", size="sm", min_width=90, interactive=False)
                picture = gr.DownloadButton("Save chart", size="sm", min_width=90, interactive=False)
    chart = gr.HTML(label="Timeline", elem_id="video-chart")
    shares = gr.HTML(label="Share of the time", elem_id="video-shares")

    # gr.update, as a component created here would appear on the page.
    on, off = gr.update(interactive=True), gr.update(interactive=False)
    no_file = gr.update(value=None, interactive=False)
    # While a clip is analysed no other is accepted, as its status would overwrite the first one's.
    idle: Update = {start: on, cancel: off}
    busy: Update = {start: off, cancel: on}
    saves = (film, table, record, picture)
    empty: Update = {answer: report.player(None), chart: "", shares: "", **dict.fromkeys(saves, no_file)}

    def analyze(
        folder_name: str | None, name: str, frames: int, seconds: float, annotated: bool
    ) -> Generator[Update, None, None]:
        if (source := files.file_in(folder_name)) is None:
            gone = "There is no video, or it has been deleted by now. Upload it again."
            yield {status: refusal(gone), start: off}
            return
        yield {status: report.progress(VideoProgress(0, None, 0, 0, None)), **empty, **busy}
        try:
            address = visitor(workshop)
            with files.results(address) as folder:
                held = keep(source, folder)
                options = VideoOptions(rate=frames or None, smoothing_seconds=seconds, copy=annotated)
                with desk.analyze(held, folder, name, options, address) as work:
                    for step in work:
                        yield {status: report.progress(step)}
                    summary = work.result()
                held.unlink()
        except EmotionError as error:
            yield {status: refusal(str(error)), **idle}
            return
        yield {
            status: report.done(summary),
            answer: report.player(summary.files.video, answered=True),
            film: gr.update(value=summary.files.video, interactive=summary.files.video is not None),
            table: gr.update(value=summary.files.csv, interactive=True),
            record: gr.update(value=summary.files.json, interactive=True),
            picture: gr.update(value=summary.files.timeline, interactive=True),
            chart: report.timeline(summary),
            shares: report.shares(summary.people, catalogue.config(name).labels),
            **idle,
        }

    def arrive(event: gr.EventData, before: str | None) -> Update:
        """Check a new clip at once, and keep it: the visitor may take a while to press the button."""
        if (earlier := files.file_in(before)) is not None:
            earlier.unlink(missing_ok=True)
        none: Update = {kept: "", start: off, **empty}
        try:
            sent, address = uploaded(getattr(event, "path", None), clip.GRADIO_CACHE), visitor(workshop)
            with files.results(address, bytes_to_keep(sent)) as folder:
                held = keep(sent, folder)
                said = report.arrived(desk.probe(held, address))
        except EmotionError as error:
            return {status: refusal(str(error)), **none}
        return {status: said, **none, kept: held.parent.name, start: on}

    answers = [status, answer, chart, shares, start, *saves]
    outputs = [*answers, cancel]
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
    clip.upload(arrive, kept, [kept, *answers], show_progress="hidden", api_visibility="private")
    # In the browser, at once: until a new clip has arrived, the last one cannot be analysed any more.
    clip.clear(None, None, answers, js=_FORGET % json.dumps(report.player(None)), api_visibility="private")
