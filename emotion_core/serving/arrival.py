"""How fast a request's body comes, and who may be cut off for it."""

import asyncio
import time
from typing import Final

from starlette.types import Message, Receive

from .refusals import ApiError

#: Bytes per second at which a body must come, at least, and an address's only answer be read if others want its place.
LEAST_RATE: Final = 10_000
#: At which a body comes, at least, on a usual line: two megabits.
USUAL_RATE: Final = 250_000
_SLOWEST: Final = "All places are taken, and this was the slowest request to arrive. Try again in a few seconds."


class Arrival:
    """A body on its way. Used by one event loop.

    read: bytes that have come. waited: seconds that were spent on waiting for them, as the server's own are not the
    sender's. whole: nothing more is to come.
    """

    def __init__(self) -> None:
        self.read, self.waited, self.whole, self._cut = 0, 0.0, False, False
        self._since: float | None = None
        self._late, self._began = 0.0, time.monotonic()
        self._limit: asyncio.Timeout | None = None

    @property
    def behind(self) -> float:
        """By how many seconds it is later than on a usual line; negative if it is earlier."""
        return self.waited + self._waiting - self.read / USUAL_RATE

    @property
    def late(self) -> float:
        """The same for what came lately: much that came at once is no credit for a silence after it."""
        return self._late + self._waiting

    @property
    def lasts(self) -> float:
        """Seconds since it began."""
        return time.monotonic() - self._began

    @property
    def _waiting(self) -> float:
        return 0.0 if self._since is None else time.monotonic() - self._since

    async def next(self, receive: Receive, seconds: float) -> Message:
        """What comes next. Raises ApiError 408 when that is not within so many seconds, or it is cut off."""
        self._since = time.monotonic()
        try:
            self._refuse_if_cut()
            async with asyncio.timeout(max(seconds, 0)) as self._limit:
                message = await receive()
        except TimeoutError:
            self._refuse_if_cut()
            raise ApiError(408) from None
        finally:
            self.waited += self._waiting
            self._late += self._waiting
            self._since = self._limit = None
        self._refuse_if_cut()  # it may have come in the same pass of the event loop
        if message["type"] == "http.request":
            size = len(message.get("body", b""))
            self.read += size
            self._late = max(self._late - size / USUAL_RATE, 0.0)
            self.whole = not message.get("more_body", False)
        return message

    def cut_off(self) -> None:
        """Have ``next`` refuse it, at once if it waits."""
        self._cut = True
        if self._limit is not None and not self._limit.expired():
            self._limit.reschedule(asyncio.get_running_loop().time())

    def _refuse_if_cut(self) -> None:
        if self._cut:
            raise ApiError(408, _SLOWEST, headers={"Retry-After": "2"})
