"""Fetching behind everybody's back: nobody waits, and a Hub that failed is left alone for a while."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from ..errors import EmotionError

log = logging.getLogger(__name__)

#: After a failure the next try comes no sooner, in seconds.
FORGET: Final = 600.0


class Behind:
    """Something that is fetched in a thread of its own, at most once at a time.

    fetch: may take long, and raise an EmotionError; where what it fetches stays is its own affair.
    forget: seconds for which a failure is remembered.
    """

    def __init__(self, what: str, fetch: Callable[[], object], forget: float = FORGET) -> None:
        self._what, self._fetch, self._forget = what, fetch, forget
        self._lock = threading.Lock()  # of the fields below alone: nothing is fetched under it
        self._thread: threading.Thread | None = None
        self._failed_at: float | None = None
        self.problem = ""

    def start(self) -> None:
        """Begin, unless it is under way or failed a short time ago; returns at once."""
        with self._lock:
            failed_lately = self._failed_at is not None and time.monotonic() - self._failed_at < self._forget
            if failed_lately or (self._thread is not None and self._thread.is_alive()):
                return
            # A daemon: a silent host holds up neither the end of the program nor anybody else.
            self._thread = threading.Thread(target=self._run, daemon=True, name=f"fetching {self._what}")
            thread = self._thread
        thread.start()

    def forgive(self) -> None:
        """Forget the last failure."""
        with self._lock:
            self._failed_at, self.problem = None, ""

    def wait(self, seconds: float) -> None:
        """For tests and for programs that have the time: until what was begun is done."""
        if (thread := self._thread) is not None:
            thread.join(seconds)

    def _run(self) -> None:
        try:
            self._fetch()
        except EmotionError as error:
            log.info("%s could not be fetched: %s", self._what, error)
            with self._lock:
                self._failed_at, self.problem = time.monotonic(), str(error)
        else:
            log.info("%s was fetched.", self._what)
            with self._lock:
                self._failed_at, self.problem = None, ""
