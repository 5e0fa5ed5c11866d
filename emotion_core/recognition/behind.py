"""Fetching in the background: nobody waits, and after a failure the Hub is left alone for a while."""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from ..errors import EmotionError

log = logging.getLogger(__name__)

#: Minimum wait after a failure before the next try, in seconds.
FORGET: Final = 600.0


class Behind:
    """Something fetched in a background thread, at most once at a time.

    fetch: may take long and may raise an EmotionError; it stores what it fetches itself.
    forget: seconds for which a failure is remembered.
    """

    def __init__(self, what: str, fetch: Callable[[], object], forget: float = FORGET) -> None:
        self._what, self._fetch, self._forget = what, fetch, forget
        self._lock = threading.Lock()  # guards only the fields below; never held while fetching
        self._thread: threading.Thread | None = None
        self._failed_at: float | None = None
        self.problem = ""

    def start(self) -> None:
        """Start fetching unless already running or recently failed; returns at once."""
        with self._lock:
            failed_lately = self._failed_at is not None and time.monotonic() - self._failed_at < self._forget
            if failed_lately or (self._thread is not None and self._thread.is_alive()):
                return
            # A daemon, so that an unresponsive host cannot delay the program's exit.
            self._thread = threading.Thread(target=self._run, daemon=True, name=f"fetching {self._what}")
            thread = self._thread
        thread.start()

    def forgive(self) -> None:
        """Forget the last failure."""
        with self._lock:
            self._failed_at, self.problem = None, ""

    def wait(self, seconds: float) -> None:
        """Wait up to this long for a running fetch; for tests and programs that can afford to wait."""
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
