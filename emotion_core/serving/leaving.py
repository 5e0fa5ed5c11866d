"""Senders who go away before they are answered: nobody works for them any more, and they hold up nobody."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

from .places import HAS_GONE


@asynccontextmanager
async def leaving(request: Request) -> AsyncIterator[threading.Event]:
    """Yields what is set when the sender of a request, whose body has been read, goes away before its answer.

    Work that is begun meanwhile, in whichever thread, then waits for no turn any more (``places.Places``).
    """
    gone = threading.Event()

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            continue
        gone.set()

    watching, told = asyncio.create_task(watch()), HAS_GONE.set(gone.is_set)
    try:
        yield gone
    finally:
        HAS_GONE.reset(told)
        watching.cancel()
