"""The page as sent to the browser: with our own head instead of Gradio's, and compressed.

Gradio 6.31 fills the link previews on other sites with itself ("Gradio", an address of "{url}", a
picture from another host), accepts no description, and sends 200 kB uncompressed.
"""

import gzip
import io
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageDraw, ImageFont
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..images import load_image
from ..recognition.catalogue import Catalogue
from ..render import annotate
from .example_photos import photo_file
from .templating import render, script

TITLE: Final = "Emotion detection"
DESCRIPTION: Final = (
    "The perceived expression of every face in a photo, a video or a webcam stream, and how sure the answer is. "
    "Open source; nothing is kept."
)
ICON: Final = Path(__file__).parent / "icon.svg"
_STYLE: Final = script("opening.css")
#: Size of the link preview image, as other sites recommend.
_CARD: Final = (1200, 630)
_CARD_TAGS: Final = re.compile(r"<meta\s+(?:property=\"og:|name=\"twitter:)[^>]*>\s*")
_BASE: Final = re.compile(r"<base [^>]*>")
_BODY: Final = re.compile(r"<body[^>]*>")


class FrontPage:
    """ASGI middleware: rewrites and compresses only the page itself. hints: see ``asset_hints``."""

    def __init__(self, app: ASGIApp, hints: Sequence[str] = ()) -> None:
        self._app, self._hints = app, hints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] != "/" or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def hold(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            body.extend(message.get("body", b""))
            if message.get("more_body"):
                return
            headers = MutableHeaders(raw=start["headers"])
            content = bytes(body)
            if start["status"] == 200 and headers.get("content-type", "").startswith("text/html"):
                content = self._finished(content, scope, headers)
            headers["content-length"] = str(len(content))
            await send(start)
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})

        await self._app(scope, receive, hold)

    def _finished(self, content: bytes, scope: Scope, headers: MutableHeaders) -> bytes:
        page = _CARD_TAGS.sub("", content.decode())
        address = str(Request(scope).base_url)
        words = {"title": TITLE, "description": DESCRIPTION, "address": address}
        head = render("head.html", **words, style=_STYLE)
        opening = render("opening.html")
        page = _BASE.sub(lambda found: f"{found[0]}\n{head}", page, count=1)
        # At the end of the head: what the page itself names comes first.
        page = page.replace("</head>", f"{render('hints.html', hints=self._hints)}</head>", 1)
        page = _BODY.sub(lambda found: f"{found[0]}\n{opening}", page, count=1)
        headers.add_vary_header("Accept-Encoding")
        if "gzip" not in Headers(scope=scope).get("accept-encoding", ""):
            return page.encode()
        headers["content-encoding"] = "gzip"
        return gzip.compress(page.encode(), 6)


def front_routes(catalogue: Catalogue) -> list[Route]:
    """The icon, and the link preview image for other sites."""

    @lru_cache(maxsize=1)
    def card() -> bytes:
        return share_card(catalogue)

    def shared(_request: Request) -> Response:
        return Response(card(), media_type="image/png", headers={"Cache-Control": "public, max-age=86400"})

    def icon(_request: Request) -> Response:
        return FileResponse(ICON, media_type="image/svg+xml", headers={"Cache-Control": "public, max-age=86400"})

    return [Route("/page/card.png", shared), Route("/page/icon.svg", icon)]


def share_card(catalogue: Catalogue) -> bytes:
    """A 1200x630 PNG: the title, and the drawn people as labelled by this server's model."""
    rgb = load_image(photo_file("three"))
    people = annotate(rgb, catalogue.get().analyze_rgb(rgb))
    people.thumbnail((_CARD[0] - 80, 430))
    card: Image.Image = Image.new("RGB", _CARD, "#f8fafc")
    card.paste(people, ((_CARD[0] - people.width) // 2, 160))
    draw = ImageDraw.Draw(card)
    font: Any = ImageFont.load_default(size=64)
    draw.text((40, 40), TITLE, font=font, fill="#0f172a")
    file = io.BytesIO()
    card.save(file, "PNG", optimize=True)
    return file.getvalue()
