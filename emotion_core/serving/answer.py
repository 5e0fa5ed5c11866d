"""What goes back to a client, where a refusal may take the place of what the application says."""

import contextlib
from contextvars import ContextVar
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Message, Send

from .refusals import ApiError, respond

#: The answer to the request that is being worked on, here and in the threads that work for it.
_CURRENT: "Final[ContextVar[Answer | None]]" = ContextVar("current_answer", default=None)


def fail_with(status: int) -> None:
    """If the request that is worked on fails, have its status say so, where Gradio says 500 to whatever failed."""
    answer = _CURRENT.get()
    if answer is not None:
        answer.instead = status


class Answer:
    """What goes back to one request, by the task that serves it; after a refusal, nothing else does."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self.started = self.refused = False
        self._replaced = False
        #: A status to take the place of 500, or None.
        self.instead: int | None = None
        _CURRENT.set(self)

    async def send(self, message: Message) -> None:
        """For the application: a part of its answer."""
        if self.refused or self._replaced:
            return
        if message["type"] == "http.response.start":
            kind = Headers(raw=message["headers"]).get("content-type", "")
            if message["status"] >= 500 and kind.startswith("text/plain"):  # Gradio's, without a word of use
                self._replaced = True
                await self._respond(ApiError(500))
                return
            self.started = True
            if message["status"] == 500 and self.instead is not None:
                later = [(b"retry-after", b"2")] if self.instead == 503 else []
                message = {**message, "status": self.instead, "headers": [*message["headers"], *later]}
        await self._send(message)

    async def refuse(self, error: ApiError) -> None:
        """Answer with the error, unless another answer has begun."""
        if not self.started and not self.refused:
            self.refused = True
            await self._respond(error)

    async def break_off(self) -> None:
        """Answer that the server failed; an answer that has begun ends here."""
        if not self.started:
            await self.refuse(ApiError(500))
            return
        with contextlib.suppress(Exception):  # less may have come than was promised, or the client is gone
            await self._send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _respond(self, error: ApiError) -> None:
        self.started = True
        error.headers.setdefault("Connection", "close")  # what is left of the body is not read
        await respond(error)({"type": "http"}, _nothing, self._send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
