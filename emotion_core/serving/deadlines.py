"""One thread that ends what takes too long: a timer's thread for each step of each picture held everybody up."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

#: Between two looks while anything has a deadline, in seconds: so much later it may be kept.
LOOK_SECONDS: Final = 0.2


class Deadlines:
    """Calls a function, from a thread of its own, when what it ends is not over in time. Safe to share."""

    def __init__(self) -> None:
        #: A number for each -> the time.monotonic() of its deadline, and what to call then.
        self._open: dict[int, tuple[float, Callable[[], None]]] = {}
        self._last = 0
        self._changed = threading.Condition()
        self._asleep = False
        self._thread: threading.Thread | None = None

    @contextmanager
    def within(self, seconds: float, end: Callable[[], None]) -> Iterator[None]:
        """Call ``end``, once, if this is still entered after so many seconds."""
        with self._changed:
            self._last = number = self._last + 1
            self._open[number] = (time.monotonic() + seconds, end)
            if self._thread is None:
                self._thread = threading.Thread(target=self._watch, name="deadlines", daemon=True)
                self._thread.start()
            elif self._asleep:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._open.pop(number, None)

    def _watch(self) -> None:
        while True:
            with self._changed:
                while not self._open:
                    self._asleep = True
                    self._changed.wait()
                    self._asleep = False
                now = time.monotonic()
                over = [number for number, (when, _) in self._open.items() if when <= now]
                for end in [self._open.pop(number)[1] for number in over]:
                    with suppress(OSError):  # it has just ended
                        end()
            time.sleep(LOOK_SECONDS)
