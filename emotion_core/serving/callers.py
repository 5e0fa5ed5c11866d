"""Who may call the endpoints meant for programs, and how often: an optional key, and a rate limit per address."""

import hmac
import math
import time
from collections.abc import Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.types import Scope

from ..settings import Settings
from .addresses import client_address
from .refusals import ApiError

#: Addresses the rate limiter remembers; those quiet for a minute are forgotten first.
MAX_ADDRESSES: Final = 10_000


class RateLimiter:
    """A token bucket per address: ``per_minute`` tokens, refilled evenly; 0 means no limit."""

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size, self._clock = per_minute, clock
        self._buckets: dict[str, tuple[float, float]] = {}  # address -> tokens, when

    def take(self, address: str) -> float:
        """Take a token: returns 0.0, or the seconds until one is free."""
        if not self._size:
            return 0.0
        now = self._clock()
        if len(self._buckets) >= MAX_ADDRESSES:
            self._forget(now)
        tokens, then = self._buckets.pop(address, (float(self._size), now))
        tokens = min(self._size, tokens + (now - then) * self._size / 60)
        wait = 0.0 if tokens >= 1 else (1 - tokens) * 60 / self._size
        self._buckets[address] = (tokens if wait else tokens - 1, now)  # at the end, so the order is by last use
        return wait

    def _forget(self, now: float) -> None:
        # After a minute a bucket is full again, like a new one. In a flood of addresses the oldest tenth goes.
        quiet = [address for address, (_, then) in self._buckets.items() if now - then > 60]
        for address in quiet or list(self._buckets)[: max(1, MAX_ADDRESSES // 10)]:
            del self._buckets[address]


class Callers:
    """The key and the rate limit of one server."""

    def __init__(self, settings: Settings) -> None:
        self._key = settings.api_key.encode() if settings.api_key else None
        self._proxies = settings.trusted_proxies
        self._limiter = RateLimiter(settings.rate_limit)

    def admit(self, scope: Scope, works: bool) -> None:
        """Admit a request. Raises ApiError: 401 for a wrong key, 429 when over the rate limit.

        works: whether the request makes the server work, which costs a token; a wrong key always does.
        """
        welcome = self._key is None or hmac.compare_digest(_given_key(Headers(scope=scope)), self._key)
        if (works or not welcome) and (wait := self.seconds_to_wait(scope)):
            raise ApiError(429, headers={"Retry-After": str(wait)})
        if not welcome:
            raise ApiError(401, headers={"WWW-Authenticate": "Bearer"})

    def seconds_to_wait(self, scope: Scope) -> int:
        """Take one of the caller's tokens: returns 0, or the whole seconds until one is free."""
        return math.ceil(self._limiter.take(client_address(scope, self._proxies)))


def _given_key(headers: Headers) -> bytes:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else headers.get("x-api-key", "")
    return given.encode()
