"""The response to a client, in which a refusal may replace what the application sends."""

import contextlib
import time
from contextvars import ContextVar
from typing import Final, Protocol

from starlette.datastructures import Headers
from starlette.types import Message, Send

from .arrival import LEAST_RATE
from .refusals import ApiError, respond

#: The answer to the current request, in this task and in the threads that work for it.
_CURRENT: "Final[ContextVar[Answer | None]]" = ContextVar("current_answer", default=None)


class Line(Protocol):
    """The connection of a request."""

    def end(self) -> None:
        """End it at once."""

    def belongs_to(self, address: str) -> None:
        """Who speaks on it, which a proxy tells with each request."""


#: The connection of the current request, in the task that serves it.
LINE: "ContextVar[Line | None]" = ContextVar("line", default=None)
#: Bytes of a message by which its own time is measured.
_PIECE: Final = 64 * 1024
#: A message of an answer that waits so long to be sent is not read, or by a slow line, in seconds.
_UNREAD: Final = 1.0


def fail_with(status: int) -> None:
    """If the current request fails, answer it with this status; Gradio uses 500 for every failure."""
    answer = _CURRENT.get()
    if answer is not None:
        answer.instead = status


class Answer:
    """The response to one request, sent by the task that serves it; after a refusal nothing else is sent.

    It is ``door.OnTheWay``, as a body is: whoever does not read it may lose the place that it holds.
    """

    def __init__(self, send: Send) -> None:
        self._send, self._line = send, LINE.get()
        self._began, self._allowed, self._sent = time.monotonic(), 0.0, 0
        self._since: float | None = None
        self.started = self.refused = False
        self._replaced = False
        #: A status to replace 500, or None.
        self.instead: int | None = None
        _CURRENT.set(self)

    async def send(self, message: Message) -> None:
        """The application's ``send``: one message of its answer."""
        if self.refused or self._replaced:
            return
        if message["type"] == "http.response.start":
            kind = Headers(raw=message["headers"]).get("content-type", "")
            if message["status"] >= 500 and kind.startswith("text/plain"):  # Gradio's, which says nothing useful
                self._replaced = True
                await self._respond(ApiError(500))
                return
            self.started = True
            if message["status"] == 500 and self.instead is not None:
                later = [(b"retry-after", b"2")] if self.instead == 503 else []
                message = {**message, "status": self.instead, "headers": [*message["headers"], *later]}
        size = len(message.get("body", b""))
        # Before it is sent, all of the message before it is read.
        self._since, self._allowed, self._sent = time.monotonic(), max(min(size, _PIECE), self._sent) / LEAST_RATE, size
        try:
            await self._send(message)
        finally:
            self._since = None

    @property
    def behind(self) -> float:
        """By how many seconds the current message is read later than at the least rate; negative if earlier."""
        return self._waited - self._allowed

    @property
    def lasts(self) -> float:
        """Seconds since the request came."""
        return time.monotonic() - self._began

    @property
    def whole(self) -> bool:
        """Whether nothing waits for its reader, or not for long."""
        return self._waited < _UNREAD

    @property
    def _waited(self) -> float:
        return 0.0 if self._since is None else time.monotonic() - self._since

    def cut_off(self) -> None:
        """End the connection, and with it the request."""
        if self._line is not None:
            self._line.end()

    def belongs_to(self, address: str) -> None:
        """Whose answer it is."""
        if self._line is not None:
            self._line.belongs_to(address)

    async def refuse(self, error: ApiError) -> None:
        """Answer with the error, unless an answer has already started."""
        if not self.started and not self.refused:
            self.refused = True
            await self._respond(error)

    async def break_off(self, status: int = 500) -> None:
        """Answer that the server failed; an answer that has already started ends here."""
        if not self.started:
            await self.refuse(ApiError(status))
            return
        with contextlib.suppress(Exception):  # shorter than Content-Length, or the client is gone
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _respond(self, error: ApiError) -> None:
        self.started = True
        error.headers.setdefault("Connection", "close")  # the rest of the body is not read
        await respond(error)({"type": "http"}, _nothing, self._send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
