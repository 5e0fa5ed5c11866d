"""The Gradio page with its typed endpoints, and REST beside it: thin handlers around ``emotion_core``."""

import base64
import binascii
import os

# Read when Gradio is imported: nothing about a visitor is counted, sent or remembered.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_RUN_HISTORY", "False")

import logging
import sys
from pathlib import Path
from typing import Any

import gradio as gr
from gradio.events import api
from gradio_client.utils import python_type_to_json_schema
from PIL import Image

from emotion_core import EmotionError, EmotionRecognizer, Settings, load_image
from emotion_core.about import about
from emotion_core.api import create_api
from emotion_core.catalogue import Catalogue, ModelDict
from emotion_core.hub import quiet_hub
from emotion_core.render import annotate
from emotion_core.report import cards, html_table, refusal
from emotion_core.results import FrameDict
from emotion_core.server import serve
from emotion_core.short_lived import ShortLivedFolder, exit_on_sigterm

STYLE = Path(__file__).parent / "emotion_core" / "page.css"
#: How long an upload or an answer may stay on the disk: the browser needs a moment to fetch it.
KEEP_SECONDS = 90


class PhotoInput(gr.Image):
    """An image input that hands over the file as it came: ``emotion_core`` decodes it and
    words the refusals, also for callers who pass the page by."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:  # a path, or the bytes of a data: address
        if payload is None:
            return None
        if payload.url and payload.url.startswith("data:"):
            try:
                return base64.b64decode(payload.url.partition(",")[2])
            except binascii.Error:
                return b""
        # Gradio checks paths only where the caller says that they are files: a bare path may be anyone's.
        path = Path(payload.path or "").resolve()
        if not path.is_relative_to(Path(self.GRADIO_CACHE).resolve()):
            raise gr.Error("Upload the picture first: other files are not read.", print_exception=False)
        return str(path)


class FrameOutput(gr.JSON):
    """JSON whose fields the Python client can list."""

    is_template = True

    def api_info(self) -> dict[str, Any]:
        return dict(python_type_to_json_schema(FrameDict))


def build_page(recognizer: EmotionRecognizer) -> gr.Blocks:
    """The page for one recognizer."""
    catalogue = Catalogue(recognizer)

    def show(photo: str | bytes | None) -> tuple[Image.Image | None, str, str]:
        if photo is None:
            return None, "", ""
        try:
            rgb = load_image(photo)
            result = recognizer.analyze_rgb(rgb)
        except EmotionError as error:
            # Not an exception: that would leave the last picture's answer standing beside this one.
            return None, refusal(str(error)), ""
        return annotate(rgb, result), cards(rgb, result), html_table(result)

    def analyze_image(image: str | bytes | None) -> FrameDict:
        """Find every face of a picture and name its perceived expression."""
        if image is None:
            raise gr.Error("Give a picture: handle_file('photo.jpg').", print_exception=False)
        try:
            return recognizer.analyze(image).to_dict()
        except EmotionError as error:
            raise gr.Error(str(error), print_exception=False) from error

    def models() -> list[ModelDict]:
        """The models that this server knows, the default first, with their measured figures."""
        return catalogue.describe()

    page: gr.Blocks
    with gr.Blocks(title="Emotion detection", analytics_enabled=False) as page:
        gr.Markdown("# Emotion detection\nThe perceived expression of every face in a picture.")
        for notice in recognizer.notices:
            gr.Markdown(notice, elem_classes="notice")
        with gr.Tab("Image"), gr.Row(equal_height=False):
            with gr.Column():
                photo = PhotoInput(
                    label="Photo",
                    sources=["upload", "clipboard", "webcam"],
                    webcam_options=gr.WebcamOptions(mirror=False),
                    height=420,
                )
                gr.Markdown(
                    "Drop, paste or take a photo; the answer comes by itself. Photos are analysed in memory, "
                    "never logged, and their temporary copies are deleted within two minutes."
                )
            with gr.Column():
                annotated = gr.Image(
                    label="Faces", format="jpeg", interactive=False, height=420, buttons=["download", "fullscreen"]
                )
                faces = gr.HTML(label="Expressions", elem_id="faces")
        figures = gr.HTML(label="All figures", elem_id="figures")
        gr.Markdown(about(recognizer), elem_id="about")
        photo.change(show, photo, [annotated, faces, figures], api_visibility="private", show_progress_on=annotated)

        # The endpoints of the Python client; their components are not for the page.
        image = PhotoInput(visible=False, label="image")
        gr.Button(visible=False).click(
            analyze_image, image, FrameOutput(visible=False, label="faces"), api_name="analyze_image"
        )
        api(models, api_name="models")
    page.queue(default_concurrency_limit=4, max_size=64)
    return page


def page_options() -> dict[str, Any]:
    """What the server needs to know of the page beside the page itself."""
    return {
        "theme": gr.themes.Soft(primary_hue="blue", neutral_hue="slate", font=["system-ui", "sans-serif"]),
        "css_paths": STYLE,
        "run_history": False,
        "max_file_size": "50mb",
        "show_error": True,
        "ssr_mode": False,
        "footer_links": ["api"],
    }


def main() -> None:
    """Load the model and serve the page and REST on one port, as the environment says."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    quiet_hub()
    exit_on_sigterm()
    os.environ["GRADIO_TEMP_DIR"] = str(ShortLivedFolder(KEEP_SECONDS, os.environ.get("GRADIO_TEMP_DIR")).path)
    settings = Settings.from_environment()
    recognizer = EmotionRecognizer.load(settings.model, settings.detector)
    recognizer.warm_up()
    # REST first: the page takes every address that is left.
    app = create_api(Catalogue(recognizer), settings)
    page = build_page(recognizer)
    gr.mount_gradio_app(app, page, path="/", **page_options())
    # Only launch() sets it, and without it Gradio 6.31 lets a caller name any file of the server as an upload.
    page.has_launched = True
    mounted: Any = app.routes[-1]
    # A page keeps a connection open for as long as it is shown; Gradio's own launch ends it like this, too.
    serve(app, on_stop=mounted.app.stop_event.set, trust_proxies=settings.trusted_proxies > 0)


if __name__ == "__main__":
    try:
        main()
    except (EmotionError, OSError) as error:
        sys.exit(f"Error: {error}")
