"""The Webcam tab: the browser's camera, answered live.

Not ``gr.Image(streaming=True)``: that one posts a frame every so many seconds whether or not the last
one was answered, so a slow line builds up a backlog in the browser; it cannot tell the round trip; a
visitor whose network dies keeps a place in the queue; and the answer is a second picture. Here the
page's script (``webcam.js``) calls the functions below, one call at a time, and draws the answer over
the camera's own picture: no picture travels back and no file is written. Measured at 10 frames of
640x480 a second, per frame: 20 kB up and under 2 kB down, where a stream sent 75 kB up and, as a data
address, 36 kB down; a stream into ``gr.Image`` left a file for every new frame.
"""

import base64
import binascii
from typing import Any, Final

import gradio as gr

from ..errors import EmotionError
from ..labels import SYMBOLS, colour_of, ink_on
from ..recognition.catalogue import Catalogue
from ..serving.live import LiveSessions
from ..settings import Settings
from .live_view import rolling_timeline
from .templating import render, script

#: Of a frame in base64: 640x480 pixels are some 50 kB.
MAX_CHARACTERS: Final = 1_000_000
_CHOOSE: Final = """(model, detector) => {
  document.dispatchEvent(new CustomEvent("webcam-choice", {detail: {model, detector}}));
}"""


def webcam_tab(catalogue: Catalogue, settings: Settings) -> None:
    """Lay the tab out and connect it."""
    sessions = LiveSessions(catalogue, settings.webcam_visitors, settings.webcam_seconds, rolling_timeline)
    names = [model["name"] for model in catalogue.describe()]
    gr.HTML(
        html_template=render("webcam.html"),
        css_template=script("webcam.css"),
        js_on_load=script("camera.js", "webcam.js"),
        apply_default_css=False,
        elem_id="webcam",
        server_functions=server_functions(sessions),
    )
    with gr.Accordion("Model, detector", open=False):
        model = gr.Dropdown(names, value=names[0], label="Model")
        detector = gr.Dropdown(catalogue.detectors(), value=catalogue.detectors()[0], label="Face detector")
    for choice in (model, detector):
        choice.change(None, [model, detector], None, js=_CHOOSE, api_visibility="private")
    gr.Markdown(
        "Frames are analysed in memory and dropped; none is written to a disk or logged. "
        f"A stream ends after {_minutes(settings.webcam_seconds)}."
    )


def server_functions(sessions: LiveSessions) -> list[Any]:
    """What the page's script calls: each takes one JSON value from the network, and checks it."""

    def webcam_open(choice: Any) -> dict[str, Any]:
        """``{"model", "detector"}``, names or null -> ``{"token", "labels"}``, ``{"wait"}`` or ``{"stop"}``."""
        try:
            opened = sessions.open(_name(choice, "model"), _name(choice, "detector"))
        except EmotionError as error:
            return {"stop": str(error)}
        if opened is None:
            return {"wait": f"All {sessions.most} places are taken. Yours starts by itself as soon as one is free."}
        token, session = opened
        labels = [
            {"name": label, "colour": colour_of(label), "ink": ink_on(colour_of(label)), "symbol": SYMBOLS.get(label)}
            for label in session.labels
        ]
        return {"token": token, "labels": labels}

    def webcam_frame(sent: Any) -> dict[str, Any]:
        """``{"token", "picture"}``, a data address -> a ``LiveDict``, ``{"gone"}``, ``{"busy"}`` or ``{"stop"}``."""
        token = _name(sent, "token") or ""
        session = sessions.get(token)
        if session is None:
            return {"gone": True}
        if sessions.is_over(session):
            sessions.close(token)
            return {"stop": f"The {_minutes(sessions.seconds)} of this stream are over. Start again to go on."}
        if not session.busy.acquire(blocking=False):
            return {"busy": True}
        try:
            return dict(session.answer(_picture(sent)))
        except EmotionError as error:
            sessions.close(token)
            return {"stop": str(error)}
        finally:
            session.busy.release()

    def webcam_close(token: Any) -> None:
        """Give the place back."""
        sessions.close(str(token))

    return [webcam_open, webcam_frame, webcam_close]


def _name(value: Any, key: str) -> str | None:
    found = value.get(key) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def _picture(value: Any) -> bytes:
    """The bytes of a data address; b"", which is no picture, for anything else."""
    address = _name(value, "picture") or ""
    try:
        return base64.b64decode(address.partition(",")[2]) if len(address) <= MAX_CHARACTERS else b""
    except binascii.Error:
        return b""


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} minutes" if seconds >= 120 else f"{seconds:.0f} seconds"
