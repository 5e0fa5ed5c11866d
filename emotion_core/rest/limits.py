"""What keeps the REST interface standing: key, rate, size and concurrency, each with its refusal."""

import asyncio
import contextlib
import hmac
import ipaddress
import math
import threading
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

from fastapi import Request
from starlette.datastructures import FormData
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect

from ..serving.refusals import ApiError
from ..settings import Settings

T = TypeVar("T")

MEGABYTE: Final = 1_000_000
#: Addresses remembered by the rate limiter; one that has been quiet for a minute is forgotten first.
MAX_ADDRESSES: Final = 10_000
#: How long a body that is too large is let go by before the connection is closed, in seconds.
LINGER: Final = 2
#: Requests that may wait for each one that is being analysed.
WAITING: Final = 4


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
            wait = self._limiter.take(client_address(request, self._proxies))
            if wait:
                raise ApiError(429, headers={"Retry-After": str(math.ceil(wait))})
        if not welcome:
            raise ApiError(401, headers={"WWW-Authenticate": "Bearer"})


def _given_key(request: Request) -> bytes:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    given = token.strip() if scheme.lower() == "bearer" else request.headers.get("x-api-key", "")
    return given.encode()


def client_address(request: Request, proxies: int) -> str:
    """The caller's address, an IPv6 one as its /64 network (one household has all of it).

    With ``proxies`` in front, each appends the address that it saw to X-Forwarded-For: the caller's
    is that many from the right, and what stands to the left of it may be invented.
    """
    address = request.client.host if request.client else ""
    if proxies:
        seen = [part.strip() for part in ",".join(request.headers.getlist("x-forwarded-for")).split(",")]
        address = seen[-min(proxies, len(seen))] or address
    if address.startswith("["):  # some proxies add the port
        address = address[1:].partition("]")[0]
    elif address.count(":") == 1:
        address = address.partition(":")[0]
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped or ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)


class AnalysisPool:
    """A bounded thread pool with a bounded waiting room."""

    def __init__(self, threads: int) -> None:
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="rest")
        self._places = threading.BoundedSemaphore(threads * (1 + WAITING))

    @contextlib.contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place from before the body is read until the answer, which bounds the memory, too.

        Raises ApiError 503 when there is none.
        """
        if not self._places.acquire(blocking=False):
            raise ApiError(503, headers={"Retry-After": "2"})
        try:
            yield
        finally:
            self._places.release()

    async def run(self, call: Callable[[], T]) -> T:
        """The call's result, from one of the threads."""
        return await asyncio.get_running_loop().run_in_executor(self._executor, call)

    def close(self) -> None:
        """Let nothing new begin; what runs is finished in the background."""
        self._executor.shutdown(wait=False, cancel_futures=True)


def media_type(request: Request) -> str:
    """The body's type, without its parameters: ``multipart/form-data``."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def body_chunks(request: Request, limit: int) -> AsyncGenerator[bytes, None]:
    """The request's body as it comes, at most ``limit`` bytes of it.

    Raises ApiError 413, before reading when Content-Length says too much, and as soon as too
    much has come when it says nothing, or lies.
    """
    too_large = ApiError(413, f"The request is over {limit / MEGABYTE:g} MB. Send smaller files, or fewer at a time.")
    declared = request.headers.get("content-length", "")
    body, read = request.stream(), 0
    if not declared.isdecimal() or int(declared) <= limit:
        async for chunk in body:
            read += len(chunk)
            if read > limit:
                break
            yield chunk
        else:
            return
    elif "expect" in request.headers:
        raise too_large  # this client waits for a word before it sends
    await _discard(body)
    raise too_large


async def _discard(body: AsyncGenerator[bytes, None]) -> None:
    """Let go by what is still coming, for a moment: many clients hear no answer before they have sent everything."""
    with contextlib.suppress(TimeoutError, ClientDisconnect):
        async with asyncio.timeout(LINGER):
            async for _ in body:
                pass


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """The whole body; ApiError 413 or 408."""
    with _deadline():
        async with asyncio.timeout(seconds):
            return b"".join([chunk async for chunk in body_chunks(request, limit)])


async def read_form(request: Request, limit: int, seconds: float) -> FormData:
    """A multipart body; ApiError 400, 408 or 413. Files over 1 MB are spooled to nameless files: close the form."""
    with _deadline():
        try:
            async with asyncio.timeout(seconds):
                return await MultiPartParser(request.headers, body_chunks(request, limit)).parse()
        except MultiPartException as error:
            raise ApiError(400, f"The multipart body cannot be read: {error.message}") from error


@contextlib.contextmanager
def _deadline() -> Iterator[None]:
    try:
        yield
    except TimeoutError as error:
        raise ApiError(408) from error
