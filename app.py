"""The page with its typed endpoints, and REST beside it, on one port."""

import os

# Read when Gradio is imported: nothing about a visitor is counted, sent or remembered.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_RUN_HISTORY", "False")

import logging
import sys
from pathlib import Path
from typing import Any

import gradio as gr

from emotion_core import EmotionError, EmotionRecognizer, Settings
from emotion_core import page as page_package
from emotion_core.page.about_tab import about, about_tab
from emotion_core.page.browser_files import BrowserFiles
from emotion_core.page.components import fetch_nothing
from emotion_core.page.endpoints import client_endpoints
from emotion_core.page.gradio_bounds import GradioBounds, answer_unknown_names
from emotion_core.page.image_tab import image_tab
from emotion_core.page.templating import render
from emotion_core.page.video_tab import video_tab
from emotion_core.page.webcam_tab import webcam_tab
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.recognition.hub import quiet_hub
from emotion_core.rest.app import create_api
from emotion_core.serving.output import BoundedOutput
from emotion_core.serving.refusals import answer_lost_uploads
from emotion_core.serving.server import Where, keep_memory_flat, serve
from emotion_core.serving.temporary import UPLOAD_SECONDS, ShortLivedFolder, exit_on_sigterm
from emotion_core.serving.video_queue import VideoDesk
from emotion_core.serving.workshop import Workshop

#: What ``EMOTION_BROWSER_RUNTIME`` would name: the Dockerfile and ``publish space`` put it here.
BROWSER_RUNTIME = Path(__file__).with_name("browser-runtime")
STYLE = Path(page_package.__file__).with_name("page.css")


def build_page(
    catalogue: Catalogue, files: ShortLivedFolder, settings: Settings, desk: VideoDesk, workshop: Workshop
) -> gr.Blocks:
    """The page: a tab for each kind of input, and what the Python client may call."""
    page: gr.Blocks
    with gr.Blocks(title="Emotion detection", analytics_enabled=False) as page:
        gr.Markdown(
            "# Emotion detection\nThe perceived expression of every face in a photo, a webcam stream or a video."
        )
        gr.HTML(render("status.html"), padding=False)
        for notice in catalogue.get().notices:
            gr.Markdown(notice, elem_classes="notice")
        with gr.Tab("Image"):
            image_tab(catalogue, files)
        with gr.Tab("Webcam"):
            webcam_tab(catalogue, settings, workshop)
        with gr.Tab("Video"):
            video_tab(catalogue, files, desk)
        with gr.Tab("About"):
            about_tab(catalogue)
        gr.Markdown(about(catalogue.get()), elem_id="about")
        client_endpoints(catalogue, files, desk, workshop)
    page.queue(default_concurrency_limit=4, max_size=64)
    return page


def page_options(settings: Settings) -> dict[str, Any]:
    """What the server needs to know of the page beside the page itself."""
    return {
        "theme": gr.themes.Soft(primary_hue="blue", neutral_hue="slate", font=["system-ui", "sans-serif"]),
        "css_paths": STYLE,
        "run_history": False,
        "max_file_size": f"{max(settings.max_request_mb, settings.max_video_mb)}mb",
        # What a handler says to its visitor is a gr.Error, and shown; other errors name files and places.
        "show_error": False,
        "ssr_mode": False,
        "footer_links": ["api"],
    }


def main() -> None:
    """Load the model and serve the page and REST on one port, as the environment says."""
    sys.stdout, sys.stderr = BoundedOutput(sys.stdout), BoundedOutput(sys.stderr)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    quiet_hub()
    keep_memory_flat()
    exit_on_sigterm()
    settings, where = Settings.from_environment(), Where.from_environment()
    if settings.browser_runtime is None and BROWSER_RUNTIME.is_dir():
        settings = settings.model_copy(update={"browser_runtime": str(BROWSER_RUNTIME)})
    files = ShortLivedFolder(UPLOAD_SECONDS, os.environ.get("GRADIO_TEMP_DIR"), settings.keep_seconds)
    os.environ["GRADIO_TEMP_DIR"] = str(files.path)
    recognizer = EmotionRecognizer.load(settings.model, settings.detector)
    recognizer.warm_up()
    catalogue = Catalogue(recognizer)
    # REST first: the page takes every address that is left.
    desk = VideoDesk(catalogue, settings)
    workshop = Workshop(settings)
    app = create_api(catalogue, settings, desk.run, workshop, files)
    app.router.routes.extend(BrowserFiles(catalogue, settings.browser_runtime).routes())
    page = build_page(catalogue, files, settings, desk, workshop)
    fetch_nothing()
    gr.mount_gradio_app(app, page, path="/", **page_options(settings))
    # Only launch() sets it, and without it Gradio 6.31 lets a caller name any file of the server as an upload.
    page.has_launched = True
    mounted: Any = app.routes[-1]
    answer_lost_uploads(mounted.app)  # the page's, too: Gradio would answer with a traceback in the log
    answer_unknown_names(mounted.app)
    files.also(GradioBounds(page, mounted.app, workshop).tidy)
    # A page keeps a connection open for as long as it is shown; Gradio's own launch ends it like this, too.
    serve(app, mounted.app.stop_event.set, files.delete, where, trust_proxies=settings.trusted_proxies > 0)


if __name__ == "__main__":
    try:
        main()
    except (EmotionError, OSError) as error:
        sys.exit(f"Error: {error}")
