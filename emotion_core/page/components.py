"""Components that Gradio does not have: files as they came, and answers whose fields can be listed."""

from pathlib import Path
from typing import Any

import gradio as gr
from gradio import processing_utils
from gradio_client.utils import python_type_to_json_schema

from ..errors import ImageError
from ..images import from_base64
from ..results import FrameDict
from ..video.results import VideoSummaryDict
from .visitor import refused


class PhotoInput(gr.Image):
    """An image input that hands over the file as it came: ``emotion_core`` decodes it and
    words the refusals, also for callers who bypass the page."""

    is_template = True

    def preprocess(self, payload: Any) -> Any:  # a path, or the bytes of a data: address
        """The upload's bytes, or its path in the cache; None for none."""
        if payload is None:
            return None
        if payload.url and payload.url.startswith("data:"):
            try:
                return from_base64(payload.url)
            except ImageError:
                return b""  # refused by the handler, whose words are shown
        return uploaded(payload.path, self.GRADIO_CACHE)


class VideoInput(gr.Video):
    """A video input that hands over the file as it came, and takes uploads only."""

    is_template = True

    def preprocess(self, payload: Any) -> str | None:
        """The upload's path in the cache; None for none."""
        return None if payload is None else uploaded(payload.path, self.GRADIO_CACHE)


class FrameOutput(gr.JSON):
    """JSON whose fields the Python client can list."""

    is_template = True

    def api_info(self) -> dict[str, Any]:
        """What Gradio's clients are told that the endpoint answers."""
        return dict(python_type_to_json_schema(FrameDict))


class SummaryOutput(gr.JSON):
    """A video's summary, with fields that the Python client can list."""

    is_template = True

    def api_info(self) -> dict[str, Any]:
        """What Gradio's clients are told that the endpoint answers."""
        return dict(python_type_to_json_schema(VideoSummaryDict))


def fetch_nothing() -> None:
    """Make Gradio refuse inputs that are addresses, which it would fetch for whoever names them.

    Its own guard lets public hosts through and asks an outside service where they are. Every download
    of an input, of any component, goes through this one function of Gradio 6.31; a test holds that.
    """

    async def refuse(url: str) -> Any:  # noqa: ARG001
        raise refused("Addresses are not fetched. Download the file and send it.")

    processing_utils.async_ssrf_protected_get = refuse


def uploaded(path: str | None, cache: str) -> str:
    """The path, if it is an upload's; gr.Error otherwise.

    Gradio checks paths only where the caller says that they are files: a bare path may be anyone's.
    """
    resolved = Path(path or "").resolve()
    if not resolved.is_relative_to(Path(cache).resolve()):
        raise refused("Upload the file first: no other file is read.")
    return str(resolved)
