"""The Webcam tab: the browser's camera, answered live.

Not ``gr.Image(streaming=True)``, which posts a frame at a fixed interval whether or not the last one was
answered, so that a slow connection builds up a backlog in the browser; it cannot measure the round trip;
a visitor whose network dies keeps a place in the queue; and the answer is a second picture. Here the
page's script (``webcam.js``) calls the functions below, one call at a time, and draws the answer over
the camera's own picture: no picture travels back and no file is written. Measured at 10 frames of
640x480 per second, per frame: 20 kB up and under 2 kB down, where a stream sent 75 kB up and 36 kB down
as a data URL; a stream into ``gr.Image`` left a file for every new frame.
"""

from typing import Any, Final

import gradio as gr

from ..labels import SYMBOLS, colour_of, ink_on
from ..recognition.catalogue import Catalogue
from ..serving.live import LiveSessions
from ..serving.webcam import Webcam, minutes
from ..serving.workshop import Workshop
from ..settings import Settings
from .live_view import rolling_timeline
from .templating import render, script
from .visitor import visitor
from .words import detector_words, model_words

#: The tab's scripts; those that webcam.js uses come before it.
_SCRIPTS: Final = (
    "camera.js", "webcam_source.js", "webcam_boxes.js", "webcam_people.js", "webcam_table.js", "webcam.js",
)  # fmt: skip
_CHOOSE: Final = """(model, detector) => {
  document.dispatchEvent(new CustomEvent("webcam-choice", {detail: {model, detector}}));
}"""


def webcam_tab(catalogue: Catalogue, settings: Settings, workshop: Workshop, manifest: str) -> None:
    """Lay out the tab and connect its events. manifest: where the browser finds what it needs to answer by itself."""
    webcam = Webcam(LiveSessions(catalogue, workshop, settings, rolling_timeline))
    gr.HTML(
        html_template=render("webcam.html", manifest=manifest),
        css_template=script("webcam.css"),
        js_on_load=script(*_SCRIPTS),
        apply_default_css=False,
        elem_id="webcam",
        server_functions=server_functions(webcam, workshop),
    )
    models = [(words.title, words.name) for words in model_words(catalogue)]
    detectors = [(words, name) for name, words in detector_words(catalogue)]
    with gr.Accordion("Choose who answers", open=False):
        model = gr.Dropdown(models, value=models[0][1], label="Answered by")
        detector = gr.Dropdown(detectors, value=detectors[0][1], label="Faces are found by")
    for choice in (model, detector):
        # select also fires for the value already shown: in the browser, another may have been in use so far.
        choice.select(None, [model, detector], None, js=_CHOOSE, api_visibility="private")
    promise = "On the server, frames are analysed in memory and dropped; none is written to a disk or logged."
    ends = f"There, a stream ends after {minutes(settings.webcam_seconds)}."
    gr.HTML(render("note.html", words=f"{promise} {ends}"))


def server_functions(webcam: Webcam, workshop: Workshop) -> list[Any]:
    """The functions that the page's script calls."""

    def webcam_open(choice: Any) -> dict[str, Any]:
        """Open a place; see ``serving.webcam``. Labels come with their colours and symbols."""
        told = webcam.open(choice, visitor(workshop))
        if "labels" in told:
            told["labels"] = [
                {
                    "name": label,
                    "colour": colour_of(label),
                    "ink": ink_on(colour_of(label)),
                    "symbol": SYMBOLS.get(label),
                }
                for label in told["labels"]
            ]
        return told

    def webcam_frame(sent: Any) -> dict[str, Any]:
        """The answer to a frame."""
        return webcam.frame(sent)

    def webcam_close(token: Any) -> None:
        """Give the place back."""
        webcam.close(token)

    return [webcam_open, webcam_frame, webcam_close]
