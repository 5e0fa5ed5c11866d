"""The whole page: a tab for each kind of input, header and footer, and the Python client's endpoints."""

from pathlib import Path
from typing import Any, Final

import gradio as gr

from .. import project
from ..recognition.catalogue import Catalogue
from ..serving.temporary import ShortLivedFolder
from ..serving.video_queue import VideoDesk
from ..serving.workshop import Workshop
from ..settings import Settings
from .about_tab import about_tab
from .album_part import album_part
from .api_tab import api_tab
from .browser_files import MANIFEST
from .endpoints import client_endpoints
from .fair_queue import MOST_WAITING
from .front import ICON, TITLE
from .image_tab import image_tab
from .templating import render, script
from .video_tab import video_tab
from .webcam_tab import webcam_tab

_STYLE: Final = Path(__file__).with_name("page.css")


def build_page(
    catalogue: Catalogue,
    files: ShortLivedFolder,
    settings: Settings,
    desk: VideoDesk,
    workshop: Workshop,
    manifest: str = MANIFEST,
) -> gr.Blocks:
    """Build the page, to be mounted with ``page_options``. manifest: see ``BrowserFiles.manifest_address``."""
    page: gr.Blocks
    with gr.Blocks(title=TITLE, analytics_enabled=False) as page:
        gr.HTML(render("header.html", notices=catalogue.get().notices), padding=False)
        with gr.Tab("Image"):
            image_tab(catalogue, settings)
            album_part(catalogue, files, workshop)
        with gr.Tab("Webcam"):
            webcam_tab(catalogue, settings, workshop, manifest)
        with gr.Tab("Video"):
            video_tab(catalogue, files, desk, workshop)
        with gr.Tab("API"):
            api_tab(settings)
        with gr.Tab("About"):
            about_tab(catalogue)
        gr.HTML(render("footer.html", repository=project.REPOSITORY), padding=False)
        client_endpoints(catalogue, files, desk, workshop)
    page.queue(default_concurrency_limit=4, max_size=MOST_WAITING)
    return page


def _theme() -> gr.themes.Base:
    """Gradio's Soft theme with legible blues and grays: its own have contrasts of 2.5 to 3.7."""
    soft = gr.themes.Soft(primary_hue="blue", neutral_hue="slate", font=["system-ui", "sans-serif"])
    strong: dict[str, Any] = {
        "color_accent": "#1d4ed8",
        "button_primary_background_fill": "#1d4ed8",
        "button_primary_background_fill_hover": "#1e40af",
        "checkbox_label_background_fill_selected": "#1d4ed8",
        "block_label_text_color": "#1e3a8a",
        "block_title_text_color": "#1e3a8a",
        "body_text_color_subdued": "#475569",
        "block_info_text_color": "#475569",
        "input_placeholder_color": "#475569",
    }
    dark = {
        "button_primary_background_fill_dark": "#1d4ed8",
        "button_primary_background_fill_hover_dark": "#1e40af",
        "button_secondary_background_fill_hover_dark": "#1d4ed8",
        "checkbox_background_color_selected_dark": "#2563eb",
        "checkbox_label_background_fill_selected_dark": "#1d4ed8",
        "body_text_color_subdued_dark": "#cbd5e1",
        "block_info_text_color_dark": "#cbd5e1",
        "input_placeholder_color_dark": "#cbd5e1",
    }
    return soft.set(**strong, **dark)


def page_options(settings: Settings) -> dict[str, Any]:
    """Options for mounting the page."""
    return {
        "theme": _theme(),
        "css_paths": _STYLE,
        "head": render("scripts.html", code=script("page.js", "video.js")),
        "favicon_path": str(ICON),
        "run_history": False,
        "max_file_size": f"{max(settings.max_request_mb, settings.max_video_mb)}mb",
        # Messages for the visitor are gr.Errors and always shown; other errors would reveal server paths.
        "show_error": False,
        "ssr_mode": False,
        "mcp_server": False,  # also where Gradio's own setting asks for it: `emotion mcp` is ours
        "footer_links": [],
    }
