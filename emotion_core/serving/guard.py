"""Middleware in front of the page and REST: headers on every answer, and only the paths the page needs.

Gradio serves more than this page uses: responses of other hosts (``file=http...``, ``proxy=``), visitor
statistics (``monitoring``), recordings converted by ffmpeg, code edited in the browser, a login whose form is
parsed on the event loop, components of others, whose names it prints into the log. None of it is needed
here, so none of it is served.
"""

import json
import os
import re
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .refusals import ApiError

#: The first part of every path that is served: our own, and what Gradio's page requests.
ADDRESSES: Final = frozenset(
    {
        *("api", "browser", "docs", "gradio_api", "healthz", "openapi.json", "page"),
        *("", "assets", "config", "favicon.ico", "manifest.json", "pwa_icon", "robots.txt", "static", "theme.css"),
    }
)
#: Gradio's own paths that the page and the client request: the first part after ``/gradio_api/``.
SERVED: Final = frozenset(
    {
        *("api", "app_id", "call", "cancel", "component_server", "heartbeat", "info", "openapi.json", "queue"),
        *("reset", "run", "startup-events", "theme.css", "upload", "upload_progress"),
    }
)
#: Only this page may use the camera; inside a frame, only if the framing page allows it.
PERMISSIONS: Final = "camera=(self), microphone=(self), geolocation=(), payment=(), usb=()"
#: Two letters or more, as a single one is a Windows drive.
_PROTOCOL: Final = re.compile(r"[\s/]*[A-Za-z][\w+.-]+:")
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": PERMISSIONS,
}
#: Gradio's page starts from an inline script and makes functions from text (such as the webcam's script).
_PAGE: Final = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; "
    "connect-src 'self' data: blob:{cdn}; worker-src 'self' blob:; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)
#: Answers and files are displayed, never run: an SVG, or a picture that is also HTML, stays a picture.
_DATA: Final = "default-src 'none'; img-src 'self' data:; media-src 'self'; style-src 'unsafe-inline'; sandbox"
_FILE: Final = "/gradio_api/file="
_APART: Final = {"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Embedder-Policy": "require-corp"}
#: Who may frame the page: itself, and on a Hugging Face Space the sites that show Spaces.
_FRAMES: Final = "frame-ancestors 'self'"
_SPACE_FRAMES: Final = f"{_FRAMES} https://huggingface.co https://*.huggingface.co https://*.hf.space"


class Guard:
    """ASGI middleware.

    on_space: whether this runs on a Hugging Face Space; None detects it. cdn: a host the page may fetch files
    from, each checked by its hash; "" for none. isolated: cross-origin isolate the page, which browsers
    require for threads; not on a Space, whose frame might then not be shown.
    """

    def __init__(self, app: ASGIApp, on_space: bool | None = None, cdn: str = "", isolated: bool = False) -> None:
        self._app = app
        self._page = _PAGE.format(cdn=f" {cdn}" if cdn else "")
        self._on_space = os.environ.get("SYSTEM") == "spaces" if on_space is None else on_space
        self._apart = _APART if isolated and not self._on_space else {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request, or refuse it before the application sees it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(raw=message["headers"])
                for name, value in self._headers(scope["path"]).items():
                    headers.setdefault(name, value)
            await send(message)

        if is_served(scope["path"]):
            await self._app(_with_plain_range(scope), receive, send_with_headers)
            return
        body = json.dumps(ApiError(404).to_dict()).encode()
        head = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send_with_headers({"type": "http.response.start", "status": 404, "headers": head})
        await send({"type": "http.response.body", "body": body})

    def _headers(self, path: str) -> dict[str, str]:
        if path == "/api" or path.startswith(("/api/", "/healthz", "/openapi.json", _FILE)):
            return HEADERS | {"Content-Security-Policy": f"{_DATA}; {_FRAMES}"}
        if self._on_space:
            return HEADERS | {"Content-Security-Policy": f"{self._page}; {_SPACE_FRAMES}"}
        policy = {"Content-Security-Policy": f"{self._page}; {_FRAMES}", "X-Frame-Options": "SAMEORIGIN"}
        return HEADERS | policy | self._apart


def _with_plain_range(scope: Scope) -> Scope:
    """The request of a file, without Gradio's own reading of ``Range``.

    It fails for more than one range, and sends back every header of the request, cookies among them. Starlette's
    understands all ranges, and the unit in capitals, which Gradio's does not take for one.
    """
    if not scope["path"].startswith(_FILE):
        return scope
    headers = [
        (name, value.replace(b"bytes", b"Bytes", 1) if name == b"range" else value) for name, value in scope["headers"]
    ]
    return {**scope, "headers": headers}


def is_served(path: str) -> bool:
    """Whether the page or REST may need this path, as decoded by the server."""
    first, _, rest = path.lstrip("/").partition("/")
    if first == "gradio_api":
        if rest.startswith("file="):
            return _PROTOCOL.match(rest.removeprefix("file=")) is None
        return rest.partition("/")[0] in SERVED
    # The icon is an SVG; Gradio would make a PNG of any size from another.
    return first in ADDRESSES and not (first == "pwa_icon" and rest)
