"""Who is served next of those whose requests come together."""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from starlette.types import Message, Receive

#: Waits for one's turn.
Turn: TypeAlias = Callable[[], Awaitable[None]]


class Turns:
    """One turn in each pass of the event loop, for one address after the other.

    To begin a request, to read a piece of its body or to end it takes the loop for up to some milliseconds, and a pass
    would do so for all that have come: a hundred requests at once, or the end of a thousand open pages. Who comes next
    waits for them, up to a fifth of a second. With turns an address that sends much waits for its own alone.
    """

    def __init__(self) -> None:
        self._taken = False
        self._waiting: OrderedDict[str, deque[Callable[[], bool]]] = OrderedDict()

    async def take(self, address: str) -> None:
        """Wait until it is this address's turn; at once if nobody has had one in this pass."""
        turn = asyncio.get_running_loop().create_future()

        def begin() -> bool:
            if turn.done():  # who waited was cancelled
                return False
            turn.set_result(None)
            return True

        self.call(address, begin)
        await turn

    def call(self, address: str, begin: Callable[[], bool]) -> None:
        """Have ``begin`` called when it is this address's turn; at once if nobody has had one in this pass.

        It tells whether it needs the turn.
        """
        if self._taken:
            self._waiting.setdefault(address, deque()).append(begin)
            return
        loop, self._taken = asyncio.get_running_loop(), True
        loop.call_soon(self._next, loop)
        begin()

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """A new pass of the loop has begun."""
        while self._waiting:
            address, turns = self._waiting.popitem(last=False)
            begin = turns.popleft()
            if turns:
                self._waiting[address] = turns  # behind the others
            if begin():
                loop.call_soon(self._next, loop)
                return
        self._taken = False


def in_turn(receive: Receive, turn: Turn) -> Receive:
    """A ``receive`` that tells of what has come when its turn has."""

    async def told() -> Message:
        message = await receive()
        await turn()
        return message

    return told
