"""Work in threads, whose failures keep nothing of what it had in its hands."""

import traceback
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

T = TypeVar("T")


async def in_thread(work: Callable[..., T], *arguments: object, limiter: CapacityLimiter | None = None) -> T:
    """The result of ``work``, made in one of anyio's threads; it raises what the work raises.

    An error refers to every frame that it has passed through, one of anyio's among them, which refers to the error: so
    pictures and bodies of refused requests stayed until the collector of garbage had been everywhere, and five large
    photos took a gigabyte. The frames keep their places for the log, and nothing else.
    """
    try:
        return await to_thread.run_sync(work, *arguments, limiter=limiter)
    except BaseException as error:
        del arguments
        told: BaseException | None = error
        while told is not None:
            traceback.clear_frames(told.__traceback__)
            told = told.__cause__ or told.__context__
        raise
