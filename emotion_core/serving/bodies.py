"""What stands before every body: its size, its time and its share of the server, whichever address it is for.

Gradio reads JSON of any size, and a form field too; a request is refused here before it gets there.
"""

import asyncio
import contextlib
import logging
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..settings import Settings
from .addresses import client_address
from .answer import Answer
from .doors import MEGABYTE, Door, Doors, has_body
from .refusals import ApiError, no_room

log = logging.getLogger(__name__)

#: A body comes at this rate at least, in bytes a second, after a moment's grace in seconds.
LEAST_RATE: Final = 10_000
GRACE: Final = 5.0
#: How long a body that is too large is read and discarded before the connection is closed, in seconds.
LINGER: Final = 2.0
#: JSON bodies in memory at a time, in bytes, all requests together.
MAX_HELD: Final = 64 * MEGABYTE
#: Brackets and commas of a JSON body: each becomes an object, which takes a hundred times its bytes.
MAX_VALUES: Final = 20_000
_YOURS: Final = "Too many of your requests are still being answered. Wait for them."


class Bodies:
    """ASGI middleware. What the application fails at it answers, too, in the one shape of all refusals.

    has_room: whether so many bytes may be written to the disk now.
    """

    def __init__(self, app: ASGIApp, settings: Settings, has_room: Callable[[int], bool] = lambda _: True) -> None:
        self._app, self._proxies, self._has_room = app, settings.trusted_proxies, has_room
        self._doors = Doors(settings)
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        answer = Answer(send)
        address = client_address(scope, self._proxies)
        if scope["method"] in ("GET", "HEAD", "OPTIONS") and not has_body(headers):
            await self._read(scope, receive, answer, address)
            return
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        door = self._doors.of(scope["path"], kind)
        body = _Body(receive, headers, door, answer)
        try:
            body.check_length()
            if door.held:
                await self._with_whole_body(scope, body, address, answer)
            elif not self._has_room(body.declared or 1):
                raise no_room()
            else:
                with _place(door, address):
                    await self._serve(scope, body.receive, answer)
        except ApiError as error:
            await body.refuse(error)

    async def _read(self, scope: Scope, receive: Receive, answer: Answer, address: str) -> None:
        door = self._doors.of_reading(scope["path"])
        try:
            with _place(door, address) if door else contextlib.nullcontext():
                await self._serve(scope, receive, answer)
        except ApiError as error:
            await answer.refuse(error)

    async def _with_whole_body(self, scope: Scope, body: "_Body", address: str, answer: Answer) -> None:
        whole = bytearray()
        try:
            async for chunk in body.chunks():
                self._held += len(chunk)
                whole += chunk
                if self._held > MAX_HELD:
                    raise ApiError(503, headers={"Retry-After": "2"})
            if sum(map(whole.count, (b"[", b"{", b","))) > MAX_VALUES:
                raise ApiError(413, f"The JSON has over {MAX_VALUES} values. Send less at a time.")
            with _place(body.door, address):
                await self._serve(scope, _once(bytes(whole), body.after), answer)
        finally:
            self._held -= len(whole)

    async def _serve(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        try:
            await self._app(scope, receive, answer.send)
        except ApiError:
            raise
        except Exception as error:
            if answer.refused:
                return  # it only tripped over the end of the body
            if not isinstance(error.__cause__, HTTPException):  # Gradio's way to end an answer that it has begun
                # Where, but not the message: it may quote what a visitor sent. One line, as there may be many.
                *_, last = traceback.extract_tb(error.__traceback__)
                where = (last.name, last.filename, last.lineno)
                log.error("A request failed with %s in %s (%s, line %s).", type(error).__name__, *where)
            await answer.break_off()


@contextlib.contextmanager
def _place(door: Door, address: str) -> Iterator[None]:
    # An error is made for each: one that is raised again and again keeps every frame that it ever went through.
    match door.enter(address):
        case "yours":
            raise ApiError(429, _YOURS, code="too_many_open")
        case "everybody's":
            raise ApiError(503, headers={"Retry-After": "2"})
    try:
        yield
    finally:
        door.leave(address)


def _once(body: bytes, after: Receive) -> Receive:
    """A ``receive`` that gives the body, and then what the client does next."""
    left = [body]

    async def receive() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await after()

    return receive


class _Body:
    """The body of a request as it comes, with its limits."""

    def __init__(self, receive: Receive, headers: Headers, door: Door, answer: Answer) -> None:
        self.door = door
        self._receive, self._headers, self._answer = receive, headers, answer
        self._read, self._waited, self._ended = 0, 0.0, False

    @property
    def declared(self) -> int:
        """The length that the headers tell, in bytes; 0 where they tell none."""
        text = self._headers.get("content-length", "")
        return int(text) if text.isdecimal() else 0

    def check_length(self) -> None:
        """ApiError 413 when the headers say too much."""
        if self.declared > self.door.most_bytes:
            raise self._too_large()

    async def receive(self) -> Message:
        """For the application: a body that breaks a limit is answered, and seems to be broken off."""
        if self._answer.refused:
            return {"type": "http.disconnect"}
        if self._ended:
            return await self._receive()
        try:
            return await self._next()
        except ApiError as error:
            await self.refuse(error)
            return {"type": "http.disconnect"}

    async def refuse(self, error: ApiError) -> None:
        """Answer with the error, when a body that is too large has been read and discarded.

        Many clients hear no answer before they have sent everything; one that says so waits for a word first.
        """
        if error.status == 413 and "expect" not in self._headers:
            await self._discard()
        await self._answer.refuse(error)

    async def after(self) -> Message:
        """What comes when the body has ended: the client's going."""
        return await self._receive()

    async def chunks(self) -> AsyncIterator[bytes]:
        """The parts of the body. Raises ApiError 413 or 408; 400 when the client has gone."""
        while not self._ended:
            message = await self._next()
            if message["type"] == "http.disconnect":
                raise ApiError(400)
            yield message.get("body", b"")

    async def _discard(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while not self._ended:
                    message = await self._receive()
                    self._ended = message["type"] == "http.disconnect" or not message.get("more_body", False)

    async def _next(self) -> Message:
        allowed = min(GRACE + self._read / LEAST_RATE, self.door.seconds) - self._waited
        start = time.monotonic()
        try:
            async with asyncio.timeout(max(allowed, 0)):
                message = await self._receive()
        except TimeoutError:
            raise ApiError(408) from None
        self._waited += time.monotonic() - start
        if message["type"] == "http.request":
            self._read += len(message.get("body", b""))
            self._ended = not message.get("more_body", False)
            if self._read > self.door.most_bytes:
                raise self._too_large()
        return message

    def _too_large(self) -> ApiError:
        return ApiError(413, f"The request is over {self.door.most_bytes / MEGABYTE:g} MB. {self.door.advice}")
