"""Which of the requests that come together are served first."""

import asyncio
from collections import deque
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Paths whose requests never wait.
FIRST: Final = frozenset({"/healthz"})


class Turns:
    """ASGI middleware: in each pass of the event loop one request begins, or one piece of a body is read, or one ends.

    Each takes the loop for up to some milliseconds, and a pass would serve all that has come: a hundred requests if so
    many came together, and the end of a thousand open pages. Who comes next waits for them, up to a fifth of a second
    for ``/healthz``, from which an operator reads whether the server lives.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._taken = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request when its turn has come, and tell of each piece of its body, and its end, when that has."""
        if scope["type"] != "http" or scope["path"] in FIRST:
            await self._app(scope, receive, send)
            return

        async def in_turn() -> Message:
            message = await receive()
            await self._turn()
            return message

        await self._turn()
        await self._app(scope, in_turn, send)

    async def _turn(self) -> None:
        """Wait until this pass's turn is free, after those who came before."""
        loop = asyncio.get_running_loop()
        if self._taken:
            turn = loop.create_future()
            self._waiting.append(turn)
            await turn
        else:
            self._taken = True
            loop.call_soon(self._next, loop)

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """A new pass of the loop has begun."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # it is when who waited was cancelled
                turn.set_result(None)
                loop.call_soon(self._next, loop)
                return
        self._taken = False
