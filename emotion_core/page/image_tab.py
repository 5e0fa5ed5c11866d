"""The Image tab: a photo goes in, and its answer appears beside it.

Not ``gr.Image``: that one shows the photo a second time for the answer, gives its parts no name
that a screen reader could say, and loses the photo when the server restarts. The page's script
(``image.js``) keeps the photo, sends it to ``photo_routes``, and shows what comes back.
"""

import gradio as gr

from ..recognition.catalogue import Catalogue
from ..settings import Settings
from .example_photos import EXAMPLES
from .templating import render, script
from .words import detector_words, model_words


def image_tab(catalogue: Catalogue, settings: Settings) -> None:
    """Lay the tab out; its script does the rest."""
    gr.HTML(
        html_template=render(
            "image.html",
            examples=EXAMPLES,
            models=model_words(catalogue),
            detectors=detector_words(catalogue),
            most_bytes=settings.max_request_mb * 1_000_000,
        ),
        css_template=script("image.css"),
        js_on_load=script("camera.js", "card.js", "image_boxes.js", "image_files.js", "image.js"),
        apply_default_css=False,
        elem_id="image",
    )
