"""Values that are each made once, outside any lock."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Generic, TypeVar

T = TypeVar("T")


class Once(Generic[T]):
    """Values by name. A caller waits only while the value it needs is being made."""

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards only the table
        self._made: dict[str, Future[T]] = {}

    def get(self, name: str, make: Callable[[], T]) -> T:
        """The value of that name, made if needed; an error in ``make`` is raised to all waiters and not kept."""
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
