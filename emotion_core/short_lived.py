"""A temporary folder whose files live for a stated time, and which is gone when the process ends."""

import atexit
import contextlib
import shutil
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path


class ShortLivedFolder:
    """Deletes each file ``seconds`` after it came, looking every quarter of that time.

    The web server keeps its own list of what to delete, in memory: an upload broken off half-way
    is not on it, and a process that is told to stop never comes to it.
    """

    def __init__(self, seconds: float, parent: str | None = None) -> None:
        if parent is not None:
            Path(parent).mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix="emotion-", dir=parent))
        self._seconds = seconds
        atexit.register(shutil.rmtree, self.path, ignore_errors=True)
        threading.Thread(target=self._sweep_for_ever, daemon=True, name="sweeper").start()

    def sweep(self) -> None:
        """Delete what is too old now. ctime, not mtime: a copy may bring its own mtime along."""
        for path in self.path.rglob("*"):
            with contextlib.suppress(OSError):  # another thread may have moved or deleted it
                if path.is_file() and time.time() - path.stat().st_ctime > self._seconds:
                    path.unlink()

    def _sweep_for_ever(self) -> None:
        while True:
            time.sleep(self._seconds / 4)
            self.sweep()


def exit_on_sigterm() -> None:
    """Make SIGTERM end the process as Ctrl-C does, so that what is registered at exit still runs."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
