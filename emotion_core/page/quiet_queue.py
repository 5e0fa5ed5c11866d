"""Gradio's queue, asleep while nobody waits in it.

Gradio 6.31 looks for work a thousand times a second and for progress a hundred times, for ever: on a server without
visitors that is all there is to do, and takes some percent of a core. The loops are Gradio's own; only what they
sleep on between two looks is ours.
"""

import asyncio
from typing import Any, Final

from gradio import queueing

#: How often the queue looks for work and for progress while there is any, in seconds.
LOOK_SECONDS: Final = 0.02
PROGRESS_SECONDS: Final = 0.1


class _Nap(float):
    """Seconds between two looks at a queue; ends only with the next event while there is nothing to do."""

    queue: "QuietQueue"


class QuietQueue:
    """Puts the loops of a page's queue to sleep, before they start, until ``wake`` tells that an event is in it."""

    def __init__(self, queue: Any) -> None:
        self._queue = queue
        self._woken = asyncio.Event()
        queue.sleep_when_free = self._nap(LOOK_SECONDS)
        queue.progress_update_sleep_when_free = self._nap(PROGRESS_SECONDS)
        queueing.asyncio = _Asyncio  # type: ignore[attr-defined, assignment]

    def wake(self) -> None:
        """An event was added; call it on the queue's event loop."""
        self._woken.set()

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing runs."""
        return len(self._queue) == 0 and not any(self._queue.active_jobs)

    async def rest(self, seconds: float) -> None:
        """Sleep for these seconds, or while the queue is idle until it is woken."""
        if not self.idle:
            await asyncio.sleep(seconds)
            return
        self._woken.clear()
        await self._woken.wait()

    def _nap(self, seconds: float) -> _Nap:
        nap = _Nap(seconds)
        nap.queue = self
        return nap


class _AsyncioWithNaps:
    """The module asyncio as Gradio's queue sees it."""

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)

    @staticmethod
    async def sleep(seconds: float, *result: Any) -> Any:
        """As ``asyncio.sleep``, but for naps."""
        if isinstance(seconds, _Nap):
            return await seconds.queue.rest(seconds)
        return await asyncio.sleep(seconds, *result)


_Asyncio: Final = _AsyncioWithNaps()
