"""The response to a client, in which a refusal may replace what the application sends."""

import contextlib
from contextvars import ContextVar
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Message, Send

from .refusals import ApiError, respond

#: The answer to the current request, in this task and in the threads that work for it.
_CURRENT: "Final[ContextVar[Answer | None]]" = ContextVar("current_answer", default=None)


def fail_with(status: int) -> None:
    """If the current request fails, answer it with this status; Gradio uses 500 for every failure."""
    answer = _CURRENT.get()
    if answer is not None:
        answer.instead = status


class Answer:
    """The response to one request, sent by the task that serves it; after a refusal nothing else is sent."""

    def __init__(self, send: Send) -> None:
        self._send = send
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
        await self._send(message)

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
