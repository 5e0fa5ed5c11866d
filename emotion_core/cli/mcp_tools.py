"""Tools for assistants over the Model Context Protocol: a photo or a video in, perceived expressions out.

The server's limits apply: pictures are decoded in other processes within the work limit, videos are
analysed one at a time and within the limits of ``Settings``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Final

from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from ..data_uris import from_base64
from ..errors import EmotionError, ImageError, VideoError
from ..recognition.catalogue import Catalogue
from ..results import FrameDict
from ..serving.callers import Callers
from ..serving.threads import in_thread
from ..serving.video_queue import VideoDesk, Waiting
from ..serving.workshop import Workshop
from ..settings import Settings
from ..video.results import VideoOptions, VideoSummaryDict
from .mcp_calls import sent

INSTRUCTIONS: Final = (
    "Names the perceived expression of every face in a photo or a video, with calibrated probabilities. An "
    "expression is not a feeling: say 'looks happy', never 'is happy'; an answer marked uncertain is a guess. In the "
    "EU, inferring emotions at work or in education is prohibited. Never decide anything about a person with it."
)
_MODEL: Final = "A model's name, or nothing for the default: fer2013-resnet50v2, fer2013-custom-cnn, ..."
Model = Annotated[str | None, Field(description=_MODEL)]


def server_of(
    catalogue: Catalogue, settings: Settings, workshop: Workshop, clips: Path, callers: Callers | None = None
) -> MCPServer[Any]:
    """A server with the tools ``analyze_image`` and ``analyze_video``.

    clips: the folder for what they write, which they delete when a call ends. callers: for untrusted callers over
    HTTP, whose calls each cost a token and send files in base64. None means the user's own assistant, which may
    name local files.
    """
    server: MCPServer[Any] = MCPServer("emotion-detection", instructions=INSTRUCTIONS, log_level="WARNING")
    tools = _Tools(catalogue, workshop, VideoDesk(catalogue, settings, workshop.places), clips, callers)
    if callers is None:
        server.add_tool(tools.image_file, name="analyze_image", description=_IMAGE.format("the file at a path"))
        server.add_tool(tools.video_file, name="analyze_video", description=_VIDEO.format("the file at a path"))
    else:
        server.add_tool(tools.image_sent, name="analyze_image", description=_IMAGE.format("a file sent in base64"))
        server.add_tool(tools.video_sent, name="analyze_video", description=_VIDEO.format("a file sent in base64"))
    return server


_IMAGE: Final = "Find every face of a photo and name its perceived expression. The photo is {}."
_VIDEO: Final = "Follow every person of a video: who was seen, for how long, and with which expressions. It is {}."


class _Tools:
    """The tools; an EmotionError becomes an error that the assistant can read."""

    def __init__(
        self, catalogue: Catalogue, workshop: Workshop, desk: VideoDesk, clips: Path, callers: Callers | None
    ) -> None:
        self._catalogue, self._workshop, self._desk = catalogue, workshop, desk
        self._clips, self._callers = clips, callers

    async def image_file(self, path: str, context: Context, model: Model = None) -> FrameDict:
        return await self._image(lambda: _file(path), model, context)

    async def image_sent(self, image_base64: str, context: Context, model: Model = None) -> FrameDict:
        return await self._image(lambda: _decoded("image_base64", image_base64, context), model, context)

    async def video_file(self, path: str, context: Context, model: Model = None) -> VideoSummaryDict:
        with _told():
            return await self._video(_file(path), model, context, "")

    async def video_sent(self, video_base64: str, context: Context, model: Model = None) -> VideoSummaryDict:
        address = self._admit(context)
        with _told(), TemporaryDirectory(dir=self._clips) as folder:
            clip = Path(folder) / "clip"
            try:
                await in_thread(lambda: clip.write_bytes(_decoded("video_base64", video_base64, context)))
            except ImageError as error:
                raise VideoError("This is not base64. Encode the video's file, not its path.") from error
            return await self._video(clip, model, context, address)

    async def _image(self, content: Any, model: str | None, context: Context) -> FrameDict:
        address = self._admit(context)

        def work() -> FrameDict:
            recognizer = self._catalogue.get(model)
            return self._workshop.work_on(content(), address, recognizer.analyze_rgb).to_dict()

        with _told():
            return await in_thread(work)

    async def _video(self, clip: Path, model: str | None, context: Context, address: str) -> VideoSummaryDict:
        """Work step by step, so that cancelling the call ends the work; reports progress."""
        with TemporaryDirectory(dir=self._clips) as folder:
            begin = partial(self._desk.analyze, clip, Path(folder), model, VideoOptions(rate=10), address)
            with await in_thread(begin) as work:
                steps = iter(work)
                while (step := await in_thread(next, steps, None)) is not None:
                    done = 0.0 if isinstance(step, Waiting) else step.fraction
                    await context.report_progress(done, 1.0)
                return work.result().to_dict()

    def _admit(self, context: Context) -> str:
        """Take one of the caller's tokens and return its address; ToolError when none is left."""
        request = context.request_context.request
        if self._callers is None or request is None:
            return ""
        if wait := self._callers.seconds_to_wait(request.scope):
            raise ToolError(f"Too many calls of yours within a minute. Try again in {wait} seconds.")
        return self._workshop.address_of(request.scope)


def _decoded(argument: str, text: str, context: Context) -> bytes:
    request = context.request_context.request
    return from_base64(text if request is None else sent(request.scope, argument, text))


def _file(path: str) -> Path:
    found = Path(path).expanduser()
    if not found.is_file():
        raise ImageError(f"There is no file {found.name[:80]!r}. Give the whole path.")
    return found


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except EmotionError as error:
        raise ToolError(str(error)) from error
