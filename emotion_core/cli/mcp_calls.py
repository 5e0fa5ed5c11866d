"""Calls of assistants over HTTP: the file of a long one is kept aside, and the library reads the rest.

The library parses and validates a call on the event loop, several copies of it at a time, and repeats in its answer
what it does not know: an id, or a tool's name. So what it is given is short.
"""

import asyncio
import re
from typing import Final

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from ..serving.bodies import once
from ..serving.doors import has_body
from ..serving.refusals import ApiError
from ..serving.threads import in_thread

#: Bytes of a call besides its file in base64; shorter calls are given to the library as they are.
MOST_BESIDES: Final = 100_000
#: The scope's key for what is kept aside: a dictionary of text by argument.
_ASIDE: Final = "emotion.aside"
#: In JSON a quote inside a string has a backslash before it, so that this is a key and the beginning of its value.
_FILE: Final = re.compile(rb'"(image_base64|video_base64)"[ \t\r\n]*:[ \t\r\n]*"')
#: How encoders of JSON write base64's characters other than letters and digits, and its line ends. One at a time: to
#: parse a string of such escapes would take a list of all of them, and a single emoji four times its memory.
_ESCAPES: Final = {
    rb"\/": b"/",
    rb"\u002B": b"+",
    rb"\u002b": b"+",
    rb"\u002F": b"/",
    rb"\u002f": b"/",
    rb"\u003D": b"=",
    rb"\u003d": b"=",
    rb"\r": b"",
    rb"\n": b"",
}
_TOO_LONG: Final = (
    f"A call has at most {MOST_BESIDES // 1000} kB besides its file. "
    "Send the file in base64, as image_base64 or video_base64."
)
_NO_BASE64: Final = "This is not base64. Encode the file, not its path."


class ShortCalls:
    """ASGI middleware. A long call is taken apart in a thread, one at a time, as for a moment it is there three times.

    Raises ApiError 413 for what is long besides its file, and 422 for a long file that is not base64.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._one = app, asyncio.Semaphore()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, whose body is bounded by now."""
        if scope["type"] == "http" and has_body(Headers(scope=scope)):
            receive = await self._shortened(scope, receive)
        await self._app(scope, receive, send)

    async def _shortened(self, scope: Scope, receive: Receive) -> Receive:
        body = await _whole(receive)
        if len(body) > MOST_BESIDES:
            async with self._one:
                call = await in_thread(_apart, body)
            if isinstance(call, ApiError):
                del body  # what is raised keeps it
                raise call
            argument, text, body = call
            scope[_ASIDE] = {argument: text}
        return once(body, receive)


async def _whole(receive: Receive) -> bytes:
    parts = list[bytes]()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ApiError(400)
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def sent(scope: Scope, argument: str, text: str) -> str:
    """The base64 of a call's argument: what was kept aside of it, which is then forgotten, or else its text."""
    aside: dict[str, str] = scope.get(_ASIDE, {})
    return aside.pop(argument, text)


def _apart(body: bytes) -> tuple[str, str, bytes] | ApiError:
    """The argument that is a file, its text, and the body without that.

    Or a refusal: raised in a thread, it would be kept with all of these until Python looks for garbage.
    """
    found = _FILE.search(body, 0, MOST_BESIDES)
    start = found.end() if found else 0
    end = body.find(b'"', start)
    if not found or end < 0 or len(body) - (end - start) > MOST_BESIDES:
        return ApiError(413, _TOO_LONG)
    value, body = body[start:end], body[:start] + body[end:]
    if b"\\" in value:
        for escape, sign in _ESCAPES.items():
            value = value.replace(escape, sign)
    if not value.isascii() or b"\\" in value:
        return ApiError(422, _NO_BASE64)
    return found[1].decode(), value.decode("ascii"), body
