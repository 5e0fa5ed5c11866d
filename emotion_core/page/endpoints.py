"""Typed endpoints for the Python client, separate from the page's own events."""

from collections.abc import Generator

import gradio as gr
from gradio.events import api

from ..errors import EmotionError
from ..recognition.catalogue import Catalogue, ModelDict
from ..results import FrameDict
from ..serving.temporary import ShortLivedFolder, bytes_to_keep, keep
from ..serving.video_queue import VideoDesk, Waiting
from ..serving.workshop import Workshop
from ..video.results import VideoOptions, VideoSummaryDict
from .components import FrameOutput, PhotoInput, SummaryOutput, VideoInput
from .visitor import refused, visitor


def client_endpoints(catalogue: Catalogue, files: ShortLivedFolder, desk: VideoDesk, workshop: Workshop) -> None:
    """Add ``/analyze_image``, ``/analyze_video`` and ``/models``; their components are not shown on the page."""

    def analyze_image(image: str | bytes | None, model: str | None = None) -> FrameDict:
        """Find every face of a picture and name its perceived expression."""
        if image is None:
            raise refused("Give a picture: handle_file('photo.jpg').")
        try:
            recognizer = catalogue.get(model or None)
            return workshop.work_on(image, visitor(workshop), recognizer.analyze_rgb).to_dict()
        except EmotionError as error:
            raise refused(error) from error

    def analyze_video(
        video: str | None,
        model: str | None = None,
        frames_per_second: float = 0,
        smoothing_seconds: float = 0.4,
        annotated: bool = True,
        progress: gr.Progress = gr.Progress(),  # noqa: B008
    ) -> Generator[tuple[VideoSummaryDict | None, str | None, str | None, str | None], None, None]:
        """Follow every person of a video: a summary, the annotated video, and every frame as CSV and JSON.

        frames_per_second: frames analysed, 0 for every one. annotated: whether the annotated video is
        written. Until the end it yields nothing but None, so that a client who leaves or cancels
        stops the work.
        """
        if video is None:
            raise refused("Give a video: handle_file('clip.mp4').")
        try:
            options = VideoOptions(rate=frames_per_second or None, smoothing_seconds=smoothing_seconds, copy=annotated)
            address = visitor(workshop)
            with files.results(address, bytes_to_keep(video)) as folder:
                held = keep(video, folder)
                with desk.analyze(held, folder, model or None, options, address) as work:
                    for step in work:
                        if isinstance(step, Waiting):
                            progress(0, desc=f"Waiting. Videos ahead of yours: {step.ahead}")
                        else:
                            progress((step.frames, step.total), desc="Analysing", unit="frames")
                        yield None, None, None, None
                    summary = work.result()
                held.unlink()
        except (EmotionError, ValueError) as error:
            raise refused(error) from error
        made = summary.files
        yield summary.to_dict(), str(made.video) if made.video else None, str(made.csv), str(made.json)

    def models() -> list[ModelDict]:
        """The models that this server knows, the default first, with their measured figures."""
        return catalogue.describe()

    image = PhotoInput(visible=False, label="image")
    model = gr.Textbox(visible=False, label="model", value="")
    gr.Button(visible=False).click(
        analyze_image, [image, model], FrameOutput(visible=False, label="faces"), api_name="analyze_image"
    )
    gr.Button(visible=False).click(
        analyze_video,
        [
            VideoInput(visible=False, label="video"),
            gr.Textbox(visible=False, label="model", value=""),
            gr.Number(visible=False, label="frames_per_second", value=0),
            gr.Number(visible=False, label="smoothing_seconds", value=0.4),
            gr.Checkbox(visible=False, label="annotated", value=True),
        ],
        [
            SummaryOutput(visible=False, label="summary"),
            gr.File(visible=False, label="annotated"),
            gr.File(visible=False, label="csv"),
            gr.File(visible=False, label="json"),
        ],
        api_name="analyze_video",
        concurrency_id="video",
        concurrency_limit=None,
    )
    api(models, api_name="models")
