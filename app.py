"""The page with its typed endpoints, and REST, on one port."""

import os

# Gradio reads these on import: no visitor data may be counted, sent or stored.
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
os.environ.setdefault("GRADIO_RUN_HISTORY", "False")

import logging
import sys
from pathlib import Path
from typing import Any

from emotion_core import EmotionError, EmotionRecognizer, Settings
from emotion_core.page.gradio_import import import_less
from emotion_core.serving.server import Where, give_memory_back, keep_memory_flat, serve

if __name__ == "__main__":
    # Gradio reads these, too, on import, and fails on a wrong one with a traceback.
    try:
        Settings.from_environment()
        Where.from_environment()
    except EmotionError as error:
        sys.exit(f"Error: {error}")

import_less()
import gradio as gr

from emotion_core.page.bad_calls import answer_bad_calls
from emotion_core.page.browser_files import BrowserFiles
from emotion_core.page.components import fetch_nothing
from emotion_core.page.front import FrontPage, front_routes
from emotion_core.page.gradio_bounds import GradioBounds
from emotion_core.page.hints import asset_hints, kinds_shown
from emotion_core.page.layout import build_page, page_options
from emotion_core.page.photo_routes import PhotoRoutes
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.recognition.hub import quiet_hub
from emotion_core.rest.app import create_api
from emotion_core.serving.output import BoundedOutput
from emotion_core.serving.refusals import answer_lost_uploads
from emotion_core.serving.temporary import UPLOAD_SECONDS, ShortLivedFolder, exit_on_sigterm
from emotion_core.serving.video_queue import VideoDesk
from emotion_core.serving.workshop import Workshop

#: Default for ``EMOTION_BROWSER_RUNTIME``: the Dockerfile and ``publish space`` put it here.
BROWSER_RUNTIME = Path(__file__).with_name("browser-runtime")


def main() -> None:
    """Load the model and serve the page and REST on one port, configured by the environment."""
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
    # REST first: the page is a catch-all.
    workshop = Workshop(settings)
    desk = VideoDesk(catalogue, settings, workshop.places, files.room)
    workshop.warm_up()
    app = create_api(catalogue, settings, desk, workshop, files)
    browser_files = BrowserFiles(catalogue, settings.browser_runtime)
    app.router.routes.extend(browser_files.routes())
    app.router.routes.extend([*PhotoRoutes(catalogue, workshop).routes(), *front_routes(catalogue)])
    page = build_page(catalogue, files, settings, desk, workshop, browser_files.manifest_address())
    behind_proxy = settings.trusted_proxies > 0
    app.add_middleware(FrontPage, hints=asset_hints(kinds_shown(page)), behind_proxy=behind_proxy)
    fetch_nothing()
    gr.mount_gradio_app(app, page, path="/", **page_options(settings))
    # Only launch() sets this, and without it Gradio 6.31 accepts any file on the server as an upload.
    page.has_launched = True
    mounted: Any = app.routes[-1]
    answer_lost_uploads(mounted.app)  # also for the page, where Gradio would log a traceback
    answer_bad_calls(page, mounted.app)
    files.also(GradioBounds(page, mounted.app, workshop).tidy)
    files.also(workshop.rest)
    files.also(give_memory_back)
    # An open page holds a connection; Gradio's own launch also ends it this way.
    serve(app, mounted.app.stop_event.set, files.delete, where, trust_proxies=behind_proxy)


if __name__ == "__main__":
    try:
        main()
    except (EmotionError, OSError) as error:
        sys.exit(f"Error: {error}")
