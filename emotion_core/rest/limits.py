"""Who may come in to the REST interface, how often, and how a form is read."""

import hmac
import math
import time
from collections.abc import Callable
from typing import Final

from fastapi import Request
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser

from ..serving.addresses import client_address
from ..serving.refusals import ApiError
from ..settings import Settings

#: Addresses remembered by the rate limiter; one that has been quiet for a minute is forgotten first.
MAX_ADDRESSES: Final = 10_000


class RateLimiter:
    """A token bucket for each address: ``per_minute`` at once, refilled evenly; 0 sets no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size, self._clock = per_minute, clock
        self._buckets: dict[str, tuple[float, float]] = {}  # address -> tokens, when

    def take(self, address: str) -> float:
        """Take a token: 0.0, or the seconds until there is one."""
        if not self._size:
            return 0.0
        now = self._clock()
        if len(self._buckets) >= MAX_ADDRESSES:
            self._forget(now)
        tokens, then = self._buckets.pop(address, (float(self._size), now))
        tokens = min(self._size, tokens + (now - then) * self._size / 60)
        wait = 0.0 if tokens >= 1 else (1 - tokens) * 60 / self._size
        self._buckets[address] = (tokens if wait else tokens - 1, now)  # at the end: in the order of use
        return wait

    def _forget(self, now: float) -> None:
        # After a minute a bucket is full again, as a new one is. In a flood of addresses the oldest tenth goes.
        quiet = [address for address, (_, then) in self._buckets.items() if now - then > 60]
        for address in quiet or list(self._buckets)[: max(1, MAX_ADDRESSES // 10)]:
            del self._buckets[address]


class Gate:
    """Who may come in: the key, where one is set, and the rate of each address. A FastAPI dependency."""

    def __init__(self, settings: Settings) -> None:
        self._key = settings.api_key.encode() if settings.api_key else None
        self._proxies = settings.trusted_proxies
        self._limiter = RateLimiter(settings.rate_limit)

    async def __call__(self, request: Request) -> None:
        """Raises ApiError 401 or 429. What makes the server work costs a token, and so does a wrong key."""
        welcome = self._key is None or hmac.compare_digest(_given_key(request), self._key)
        if request.method == "POST" or not welcome:
            wait = self._limiter.take(client_address(request.scope, self._proxies))
            if wait:
                raise ApiError(429, headers={"Retry-After": str(math.ceil(wait))})
        if not welcome:
            raise ApiError(401, headers={"WWW-Authenticate": "Bearer"})


def _given_key(request: Request) -> bytes:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    return given.encode()


def media_type(request: Request) -> str:
    """The body's type, without its parameters: ``multipart/form-data``."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_form(request: Request) -> FormData:
    """A multipart body; ApiError 400. Files over 1 MB are spooled to nameless files: close the form."""
    try:
        return await MultiPartParser(request.headers, request.stream()).parse()
    except MultiPartException as error:
        raise ApiError(400, f"The multipart body cannot be read: {error.message}") from error
