"""Which of the requests that come together are served first."""

import asyncio
from collections import deque
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Requests that begin, and pieces of bodies that are read, in one pass of the event loop: each takes one to three
#: milliseconds of it.
TOGETHER: Final = 2
#: Paths whose requests never wait.
FIRST: Final = frozenset({"/healthz"})


class Turns:
    """ASGI middleware: a few requests are served in each pass of the event loop, the others wait for the next.

    A pass serves all that has come, a hundred requests if so many came together, and who comes then waits for them:
    a sixth of a second for ``/healthz``, from which an operator reads whether the server lives.
    """

    def __init__(self, app: ASGIApp, together: int = TOGETHER) -> None:
        self._app, self._together = app, together
        self._left = together
        self._passing = False
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve a request when its turn has come, and each piece of its body when that has."""
        if scope["type"] != "http" or scope["path"] in FIRST:
            await self._app(scope, receive, send)
            return

        async def in_turn() -> Message:
            message = await receive()
            if message["type"] == "http.request":
                await self._turn()
            return message

        await self._turn()
        await self._app(scope, in_turn, send)

    async def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        if not self._passing:
            self._passing = True
            loop.call_soon(self._pass, loop)
        if self._left:
            self._left -= 1
            return
        turn = loop.create_future()
        self._waiting.append(turn)
        await turn

    def _pass(self, loop: asyncio.AbstractEventLoop) -> None:
        """A new pass of the loop: those who waited longest first."""
        self._left = self._together
        while self._waiting and self._left:
            turn = self._waiting.popleft()
            if not turn.done():  # it is when who waited was cancelled
                turn.set_result(None)
                self._left -= 1
        self._passing = self._left < self._together
        if self._passing:
            loop.call_soon(self._pass, loop)
