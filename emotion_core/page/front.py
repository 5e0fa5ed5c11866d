"""The page as sent to the browser: with our own head instead of Gradio's, and compressed.

Gradio 6.31 fills the link previews on other sites with itself ("Gradio", an address of "{url}", a
picture from another host), accepts no description, and sends 200 kB uncompressed.
"""

import asyncio
import io
import re
import threading
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
from ..serving.threads import in_thread
from .addressed import HOST, AddressedText, as_called
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
_INFO: Final = "/gradio_api/info"


class FrontPage:
    """ASGI middleware: rewrites the page, compresses it, its configuration and its list of endpoints; makes each once.

    Gradio makes them anew for every request, which takes 150 ms of everybody's time, though all visitors get the same,
    but for the address by which they call; whatever is asked for in the query is the browser's to answer. hints: see
    ``asset_hints``. behind_proxy: whether the address is the one that a proxy reports.
    """

    def __init__(self, app: ASGIApp, hints: Sequence[str] = (), behind_proxy: bool = False) -> None:
        self._app, self._hints, self._behind_proxy = app, hints, behind_proxy
        #: Path and query -> the start of the answer, and its text.
        self._made: dict[tuple[str, bytes], tuple[Message, AddressedText]] = {}
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope = as_called(scope, self._behind_proxy)
        asked = _asked(scope)
        if asked is None or scope["method"] not in ("GET", "HEAD"):
            await self._app(scope, receive, send)
            return
        if asked not in self._made:
            async with self._making:
                if asked not in self._made and (refusal := await self._make(asked, scope)):
                    await _send(*refusal, scope, send)
                    return
        start, text = self._made[asked]
        headers = Headers(scope=scope)
        address = f"{scope['scheme']}://{headers['host']}".encode()
        gzipped = "gzip" in headers.get("accept-encoding", "")
        content = text.gzipped(address) if gzipped else text.plain(address)
        own = [(b"content-length", str(len(content)).encode()), *([(b"content-encoding", b"gzip")] * gzipped)]
        await _send({**start, "headers": [*start["headers"], *own]}, content, scope, send)

    async def _make(self, asked: tuple[str, bytes], scope: Scope) -> tuple[Message, bytes] | None:
        """Make what is asked for; returns the application's answer if it refuses."""
        start: Message = {}
        body = bytearray()

        async def hold(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
            body.extend(message.get("body", b""))

        path, query = asked
        plain = {"method": "GET", "scheme": "http", "headers": [(b"host", HOST)], "query_string": query}
        await self._app({**scope, **plain, "path": path, "raw_path": path.encode()}, _no_body, hold)
        if start["status"] != 200:
            return start, bytes(body)
        headers = MutableHeaders(raw=list(start["headers"]))
        del headers["content-length"]
        headers.add_vary_header("Accept-Encoding")
        text = await in_thread(self._finished, bytes(body), headers.get("content-type", ""))
        self._made[asked] = {**start, "headers": headers.raw}, text
        return None

    def _finished(self, content: bytes, kind: str) -> AddressedText:
        return AddressedText(self._page(content.decode()).encode() if kind.startswith("text/html") else content)

    def _page(self, page: str) -> str:
        page = _CARD_TAGS.sub("", page)
        address = f"http://{HOST.decode()}/"
        words = {"title": TITLE, "description": DESCRIPTION, "address": address}
        head = render("head.html", **words, style=_STYLE)
        opening = render("opening.html")
        page = _BASE.sub(lambda found: f"{found[0]}\n{head}", page, count=1)
        # At the end of the head: what the page itself names comes first.
        page = page.replace("</head>", f"{render('hints.html', hints=self._hints)}</head>", 1)
        return _BODY.sub(lambda found: f"{found[0]}\n{opening}", page, count=1)


def _asked(scope: Scope) -> tuple[str, bytes] | None:
    """Which of the texts is asked for: its path, and the query it is made with; None for anything else."""
    path = scope["path"]
    if path in ("/", "/config"):
        return path, b""
    if path.rstrip("/") == _INFO:
        # The same list as without a query, with which Gradio would keep the first caller's address for everybody.
        return _INFO, b"all_endpoints=True" if b"all_endpoints=" in scope["query_string"] else b"page="
    return None


async def _no_body() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _send(start: Message, content: bytes, scope: Scope, send: Send) -> None:
    await send(start)
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else content})


def front_routes(catalogue: Catalogue) -> list[Route]:
    """The icon, and the link preview image for other sites."""

    @lru_cache(maxsize=1)
    def made() -> bytes:
        return share_card(catalogue)

    making = threading.Lock()

    def card() -> bytes:
        with making:  # each of forty who asked for it at first made one of their own
            return made()

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
