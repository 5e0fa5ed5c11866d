"""Work done in order in a background thread, a bounded distance ahead of or behind the caller.

Decoders and encoders release the GIL while they work, so a video's stages overlap.
"""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

_END: Final = object()


def ahead(items: Iterator[T], most: int) -> Generator[T, None, None]:
    """The same items, with up to ``most`` prefetched.

    An exception while making an item is raised in its place. Closing ends the work after the item
    that is being made.
    """
    with ThreadPoolExecutor(1, "ahead") as worker:
        made = deque(worker.submit(next, items, _END) for _ in range(most))
        try:
            while (item := made.popleft().result()) is not _END:
                made.append(worker.submit(next, items, _END))
                yield item  # type: ignore[misc]  # not _END, so one of T
        finally:
            worker.shutdown(cancel_futures=True)


class Behind:
    """A queue of at most ``most`` calls, run in order in the background; a context manager.

    An exception in one is raised by a later call or by ``finish``; after an exception in the
    block, calls that have not started are dropped.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._worker = ThreadPoolExecutor(1, "behind")
        self._waiting: deque[Future[object]] = deque()

    def __enter__(self) -> "Behind":
        return self

    def __exit__(self, *_: object) -> None:
        self._worker.shutdown(cancel_futures=True)

    def __call__(self, function: Callable[P, object], *values: P.args, **named: P.kwargs) -> None:
        """Queue a call of ``function``; waits while the queue is full."""
        while len(self._waiting) >= self._most:
            self._waiting.popleft().result()
        self._waiting.append(self._worker.submit(function, *values, **named))

    def finish(self) -> None:
        """Wait until all calls are done."""
        while self._waiting:
            self._waiting.popleft().result()
