"""Values that are made once each, outside of any lock."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Values by name. Whoever asks for one while it is being made waits for that one alone."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # of the table alone
        self._made: dict[str, Future[T]] = {}

    def get(self, name: str, make: Callable[[], T]) -> T:
        """The value of that name, made if need be; what ``make`` raises is raised to all who wait, and not kept."""
        with self._lock:
            future = self._made.get(name)
            mine = future is None
            if future is None:
                future = self._made[name] = Future()
        if mine:
            try:
                future.set_result(make())
            except BaseException as error:
                with self._lock:
                    del self._made[name]
                future.set_exception(error)
        return future.result()
