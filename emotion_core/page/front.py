"""The page as sent to the browser: with our own head instead of Gradio's, and compressed.

Gradio 6.31 fills the link previews on other sites with itself ("Gradio", an address of "{url}", a
picture from another host), accepts no description, and sends 200 kB uncompressed.
"""

import gzip
import io
import re
from collections import OrderedDict
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from anyio import to_thread
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


#: Answers that are kept, one for each address by which the server is called, and the length of its longest header.
_KEPT: Final = 16
_LONGEST: Final = 300
#: What Gradio's page and its configuration depend on, of a request's headers: the address they name.
_ADDRESS: Final = ("host", "x-forwarded-host", "x-forwarded-proto", "x-gradio-server")


class FrontPage:
    """ASGI middleware: rewrites the page, compresses it and its configuration, and keeps both.

    Gradio makes them anew for every request, which takes 30 ms, though all visitors get the same. hints: see
    ``asset_hints``.
    """

    def __init__(self, app: ASGIApp, hints: Sequence[str] = ()) -> None:
        self._app, self._hints = app, hints
        self._kept: OrderedDict[tuple[str, ...], tuple[Message, bytes]] = OrderedDict()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] not in ("/", "/config") or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        key = _key(scope)
        if (kept := self._kept.get(key)) is not None:
            self._kept.move_to_end(key)
            await _send(kept, scope, send)
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
            content = bytes(body)
            if start["status"] == 200:
                content = await to_thread.run_sync(self._finished, content, scope, MutableHeaders(raw=start["headers"]))
                self._keep(key, scope, (start, content))
            await _send((start, content), scope, send)

        await self._app(scope, receive, hold)

    def _keep(self, key: tuple[str, ...], scope: Scope, answer: tuple[Message, bytes]) -> None:
        # Not a deep link, nor what nobody is called by.
        if scope["method"] != "GET" or scope["query_string"] or max(map(len, key)) > _LONGEST:
            return
        self._kept[key] = answer
        if len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def _finished(self, content: bytes, scope: Scope, headers: MutableHeaders) -> bytes:
        if headers.get("content-type", "").startswith("text/html"):
            content = self._page(content.decode(), scope).encode()
        headers.add_vary_header("Accept-Encoding")
        if _takes_gzip(scope):
            headers["content-encoding"] = "gzip"
            content = gzip.compress(content, 6)
        headers["content-length"] = str(len(content))
        return content

    def _page(self, page: str, scope: Scope) -> str:
        page = _CARD_TAGS.sub("", page)
        address = str(Request(scope).base_url)
        words = {"title": TITLE, "description": DESCRIPTION, "address": address}
        head = render("head.html", **words, style=_STYLE)
        opening = render("opening.html")
        page = _BASE.sub(lambda found: f"{found[0]}\n{head}", page, count=1)
        # At the end of the head: what the page itself names comes first.
        page = page.replace("</head>", f"{render('hints.html', hints=self._hints)}</head>", 1)
        return _BODY.sub(lambda found: f"{found[0]}\n{opening}", page, count=1)


def _key(scope: Scope) -> tuple[str, ...]:
    """What the answer depends on: the path, the address, and whether it is compressed."""
    headers = Headers(scope=scope)
    address = (headers.get(name, "") for name in _ADDRESS)
    query = scope["query_string"].decode("latin-1")
    gzipped = "gzip" if _takes_gzip(scope) else ""
    return (scope["path"], query, scope.get("scheme", ""), scope.get("root_path", ""), gzipped, *address)


def _takes_gzip(scope: Scope) -> bool:
    return "gzip" in Headers(scope=scope).get("accept-encoding", "")


async def _send(answer: tuple[Message, bytes], scope: Scope, send: Send) -> None:
    """Send an answer; of its own list of headers, as others add theirs."""
    start, content = answer
    await send({**start, "headers": list(start["headers"])})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})


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
