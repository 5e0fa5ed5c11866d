"""Gradio's uploads, received on an event loop of their own.

Gradio makes, closes and moves the files of an upload on the event loop that serves everybody: while the disk is busy,
the making of one file took a quarter of a second, and every visitor waited.
"""

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from contextvars import ContextVar
from typing import Any

from fastapi import Request
from gradio import route_utils, routes

from ..serving.room import TELL_FILES

#: Gradio's own function, which ``receive_uploads_apart`` replaces where its routes call it.
_upload: Callable[..., Coroutine[Any, Any, Any]] = route_utils.upload_fn


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    """The loop of this process's uploads, in a thread that ends with it."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="uploads", daemon=True).start()
    return loop


class _Received:
    """A request whose body comes from another event loop, ``home``; no more of it than Gradio reads.

    files: that have begun in it.
    """

    def __init__(self, request: Request, home: asyncio.AbstractEventLoop) -> None:
        self.headers, self.files = request.headers, 0
        self._body, self._home, self._tell = request.stream(), home, TELL_FILES.get()

    async def stream(self) -> AsyncIterator[bytes]:
        """The pieces of the body; raises what the server's own ``receive`` raises."""

        async def following() -> bytes | None:
            self._tell(self.files)
            return await anext(self._body, None)

        while True:
            piece = await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(following(), self._home))
            if piece is None:
                return
            yield piece


#: What is being received.
_RECEIVED: "ContextVar[_Received | None]" = ContextVar("received", default=None)


def file_begins() -> None:
    """In the form that is being received a file begins."""
    received = _RECEIVED.get()
    if received is not None:
        received.files += 1


class _Progress:
    """What Gradio notes of an upload's progress, told on the event loop where others wait for it."""

    def __init__(self, progress: route_utils.FileUploadProgress, home: asyncio.AbstractEventLoop) -> None:
        self._progress, self._home = progress, home

    def track(self, upload_id: str) -> None:
        """An upload begins."""
        self._home.call_soon_threadsafe(self._progress.track, upload_id)

    def append(self, upload_id: str, filename: str, message_bytes: bytes) -> None:
        """A piece has come."""
        self._home.call_soon_threadsafe(self._progress.append, upload_id, filename, message_bytes)

    def set_done(self, upload_id: str) -> None:
        """The last piece has come."""
        self._home.call_soon_threadsafe(self._progress.set_done, upload_id)


async def _apart(
    request: Request, *values: Any, upload_progress: route_utils.FileUploadProgress | None = None, **options: Any
) -> Any:
    home = asyncio.get_running_loop()
    progress = None if upload_progress is None else _Progress(upload_progress, home)
    received = _Received(request, home)

    async def upload() -> Any:
        _RECEIVED.set(received)
        return await _upload(received, *values, upload_progress=progress, **options)

    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(upload(), _loop()))


def receive_uploads_apart() -> None:
    """Have Gradio's routes receive every upload on the loop for uploads."""
    _loop()
    routes.upload_fn = _apart  # type: ignore[attr-defined]
