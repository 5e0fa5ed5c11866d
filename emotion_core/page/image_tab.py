"""The Image tab: choose a photo, and its answer appears next to it.

Not ``gr.Image``, which shows the photo a second time for the answer, gives its parts no accessible
names, and loses the photo when the server restarts. The page's script (``image.js``) keeps the photo,
sends it to ``photo_routes``, and shows the answer.
"""

import gradio as gr

from ..recognition.catalogue import Catalogue
from ..settings import Settings
from .example_photos import EXAMPLES
from .templating import render, script
from .words import detector_words, model_words


def image_tab(catalogue: Catalogue, settings: Settings) -> None:
    """Lay out the tab; its script does the rest."""
    gr.HTML(
        html_template=render(
            "image.html",
            examples=EXAMPLES,
            models=model_words(catalogue),
            detectors=detector_words(catalogue),
            most_bytes=settings.max_request_mb * 1_000_000,
        ),
        css_template=script("stage.css", "image.css"),
        js_on_load=script("camera.js", "stage.js", "card.js", "image_boxes.js", "image_files.js", "image.js"),
        apply_default_css=False,
        elem_id="image",
    )
