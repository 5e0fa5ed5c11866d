"""Components that Gradio lacks: inputs that keep the file unchanged, and outputs whose fields are described."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

import gradio as gr
from gradio import processing_utils
from gradio_client.utils import python_type_to_json_schema

from ..data_uris import from_base64
from ..errors import ImageError
from ..results import FrameDict
from ..video.results import VideoSummaryDict
from .visitor import refused


class PhotoInput(gr.Image):
    """An image input that passes the file on unchanged: ``emotion_core`` decodes it and
    words the refusals, also for callers who bypass the page."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:  # a path, or the bytes of a data: URL
        """The upload's bytes, or its path in the cache; None if there is none."""
        if payload is None:
            return None
        if payload.url and payload.url.startswith("data:"):
            try:
                return from_base64(payload.url)
            except ImageError:
                return b""  # refused by the handler, whose message is shown
        return uploaded(payload.path, self.GRADIO_CACHE)


class VideoInput(gr.File):
    """A video input that passes the file on unchanged, and accepts uploads only.

    Not a ``gr.Video``: in Gradio 6.31 the page would load a player for it, a quarter of its bytes.
    """

    is_template = True

    def preprocess(self, payload: Any) -> str | None:
        """The upload's path in the cache; None if there is none."""
        return None if payload is None else uploaded(getattr(payload, "path", None), self.GRADIO_CACHE)


class FrameOutput(gr.JSON):
    """JSON whose fields are described to the Python client."""

    is_template = True

    def api_info(self) -> dict[str, Any]:
        """What Gradio's clients are told that the endpoint answers."""
        return dict(python_type_to_json_schema(FrameDict))


class SummaryOutput(gr.JSON):
    """A video's summary, with its fields described to the Python client."""

    is_template = True

    def api_info(self) -> dict[str, Any]:
        """What Gradio's clients are told that the endpoint answers."""
        return dict(python_type_to_json_schema(VideoSummaryDict))


def fetch_nothing() -> None:
    """Make Gradio refuse inputs that are URLs, which it would fetch for any caller.

    Its own guard lets public hosts through and uses an outside service to resolve them. In Gradio 6.31
    every download of an input, for any component, goes through this one function; a test checks that.
    """

    async def refuse(url: str) -> Any:  # noqa: ARG001
        raise refused("Addresses are not fetched. Download the file and send it.")

    processing_utils.async_ssrf_protected_get = refuse


def file_address(path: str | Path) -> str:
    """The address, relative to the page, of one of the server's temporary files."""
    return f"gradio_api/file={quote(str(path))}"


def uploaded(path: Any, cache: str) -> str:
    """The path, if it belongs to an upload; gr.Error otherwise, whatever was sent in its place.

    Gradio checks only paths that the caller marks as files: a bare path may point anywhere.
    """
    try:
        resolved = Path(path or "").resolve()
    except (TypeError, ValueError):  # no text, or one that names no file
        resolved = Path()
    if not resolved.is_relative_to(Path(cache).resolve()):
        raise refused("Upload the file first: no other file is read.")
    return str(resolved)
