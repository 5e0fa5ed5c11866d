"""Limits on every request body, whatever its path: its size, its time and its share of the server.

Gradio reads JSON and form fields of any size; too large a request is refused before it gets there.
"""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Final

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ..settings import Settings
from .addresses import client_address
from .answer import Answer
from .arrival import LEAST_RATE, Arrival
from .door import Door, OnTheWay
from .doors import MEGABYTE, Doors, has_body
from .memory_share import MemoryShare
from .refusals import ApiError, place_of
from .request_heads import unparsed
from .room import Room
from .turns import Turn, Turns, in_turn

log = logging.getLogger(__name__)

#: Seconds after which a body must arrive at the least rate.
GRACE: Final = 5.0
#: How long an oversized body is read and discarded before the connection is closed, in seconds.
LINGER: Final = 2.0
#: JSON bodies in memory at once, in bytes, over all requests.
MAX_HELD: Final = 64 * MEGABYTE
#: Brackets and commas in a JSON body: each becomes an object, which takes a hundred times its bytes.
MAX_VALUES: Final = 20_000
_YOURS: Final = "Too many of your requests are still being answered. Wait for them."


class Bodies:
    """ASGI middleware. It also answers the application's failures, in the same shape as every refusal.

    room: the disk's; None for an application that writes nothing.
    """

    def __init__(self, app: ASGIApp, settings: Settings, room: Room | None = None) -> None:
        self._app, self._proxies, self._room = app, settings.trusted_proxies, room
        self._doors, self._turns = Doors(settings), Turns()
        self._photos, self._json = MemoryShare(self._doors.in_memory), MemoryShare(MAX_HELD)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        answer = Answer(send)
        try:
            await self._guarded(scope, receive, answer)
        except asyncio.CancelledError:  # the server ends, and would log this of each request with its stack
            await answer.break_off(503)

    async def _guarded(self, scope: Scope, receive: Receive, answer: Answer) -> None:
        headers, address = Headers(scope=scope), client_address(scope, self._proxies)
        answer.belongs_to(address)
        if refusal := unparsed(scope, headers):
            await answer.refuse(refusal)
            return
        turn = partial(self._turns.take, address)
        if scope["method"] in ("GET", "HEAD", "OPTIONS"):
            if has_body(headers):  # its answer may never end, and would hold the place of a body as long
                await answer.refuse(ApiError(400, f"Send no body with {scope['method']}."))
            else:
                await self._read(scope, receive, answer, address, turn)
            return
        await turn()
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        door = self._doors.of(scope["path"], kind)
        body = _Body(receive, headers, door, answer, turn)
        try:
            body.check_length()
            if door.held:
                await self._with_whole_body(scope, body, address, answer)
            else:
                await door.opens(address)
                with self._kept(body, address) as body.came, _place(door, address, body.arrival):
                    await self._serve(scope, body.receive, answer)
        except ApiError as error:
            await body.refuse(error)

    def _kept(self, body: "_Body", address: str) -> AbstractContextManager[Callable[[int], None]]:
        if body.door.goes == "memory":
            return self._photos.held(address, body.arrival)
        return self._room.kept(body.door, body.declared, address) if self._room else nullcontext(body.came)

    async def _read(self, scope: Scope, receive: Receive, answer: Answer, address: str, turn: Turn) -> None:
        door = self._doors.of_reading(scope["path"])
        try:
            if door is None:
                await self._serve(scope, receive, answer)
                return
            await turn()
            await door.opens(address)
            with _place(door, address, answer):
                await self._serve(scope, in_turn(receive, turn), answer, door.delay())
        except ApiError as error:
            await answer.refuse(error)

    async def _with_whole_body(self, scope: Scope, body: "_Body", address: str, answer: Answer) -> None:
        whole, values = bytearray(), 0
        with self._json.held(address, body.arrival) as come:
            async for chunk in body.chunks():
                whole += chunk
                come(len(whole))
                values += sum(map(chunk.count, (b"[", b"{", b",")))  # of ten megabytes at once, others would wait
                if values > MAX_VALUES:
                    raise ApiError(413, f"The JSON has over {MAX_VALUES} values. Send less at a time.")
            with _place(body.door, address):
                receive = once(bytes(whole), body.after)
                whole.clear()  # while the answer is made, which may take long, only the application keeps what it needs
                await self._serve(scope, receive, answer)

    async def _serve(self, scope: Scope, receive: Receive, answer: Answer, wait: float = 0.0) -> None:
        try:
            if wait:
                await asyncio.sleep(wait)
            await self._app(scope, receive, answer.send)
        except ApiError:
            raise
        except Exception as error:
            if answer.refused:
                return  # it failed only because the body was cut off
            if not isinstance(error.__cause__, HTTPException | ApiError):  # how Gradio ends an answer it has started
                log.error("A request failed with %s.", place_of(error))
            await answer.break_off()


@contextlib.contextmanager
def _place(door: Door, address: str, way: OnTheWay | None = None) -> Iterator[None]:
    # A new error each time: one that is raised repeatedly keeps every frame it has passed through.
    match door.enter(address, way):
        case "yours":
            raise ApiError(429, _YOURS, code="too_many_open")
        case "everybody's":
            raise ApiError(503, headers={"Retry-After": "2"})
    try:
        yield
    finally:
        door.leave(address, way)


def once(body: bytes, after: Receive) -> Receive:
    """A ``receive`` that returns the body, and then whatever the client does next."""
    left = [body]

    async def receive() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await after()

    return receive


class _Body:
    """A request body as it arrives, with its limits. turn: waits for its turn, which no limit of time counts."""

    def __init__(self, receive: Receive, headers: Headers, door: Door, answer: Answer, turn: Turn) -> None:
        self.door, self._turn, self.after = door, turn, in_turn(receive, turn)
        self._receive, self._headers, self._answer = receive, headers, answer
        self.arrival = Arrival()
        #: Told how many bytes have come; may raise ApiError.
        self.came: Callable[[int], None] = lambda _: None

    @property
    def declared(self) -> int:
        """The length given in the headers, in bytes; 0 if there is none."""
        text = self._headers.get("content-length", "")
        return int(text) if text.isdecimal() else 0

    def check_length(self) -> None:
        """Raise ApiError 413 when the declared length is too large."""
        if self.declared > self.door.most_bytes:
            raise self._too_large()

    async def receive(self) -> Message:
        """The application's ``receive``: a body over a limit is refused, and looks like a disconnect."""
        if self._answer.refused:
            return {"type": "http.disconnect"}
        if self.arrival.whole:
            return await self.after()
        try:
            return await self._next()
        except ApiError as error:
            await self.refuse(error)
            return {"type": "http.disconnect"}

    async def refuse(self, error: ApiError) -> None:
        """Answer with the error, after reading and discarding an oversized body.

        Many clients read no answer before they have sent everything; one that sends Expect waits for a response first.
        """
        if error.status == 413 and "expect" not in self._headers:
            await self._discard()
        await self._answer.refuse(error)

    async def chunks(self) -> AsyncIterator[bytes]:
        """The chunks of the body. Raises ApiError 413 or 408, or 400 when the client has disconnected."""
        while not self.arrival.whole:
            message = await self._next()
            if message["type"] == "http.disconnect":
                raise ApiError(400)
            yield message.get("body", b"")

    async def _discard(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                while not self.arrival.whole:
                    message = await self._receive()
                    self.arrival.whole = message["type"] == "http.disconnect" or not message.get("more_body", False)

    async def _next(self) -> Message:
        arrival = self.arrival
        allowed = min(GRACE + arrival.read / LEAST_RATE, self.door.seconds) - arrival.waited
        message = await arrival.next(self._receive, allowed)
        await self._turn()
        if message["type"] == "http.request":
            if arrival.read > self.door.most_bytes:
                raise self._too_large()
            self.came(arrival.read)
        return message

    def _too_large(self) -> ApiError:
        return ApiError(413, f"The request is over {self.door.most_bytes / MEGABYTE:g} MB. {self.door.advice}")
