"""A temporary folder whose files live for a stated time, and which is gone when the process ends."""

import atexit
import contextlib
import os
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import EmotionError


class ShortLivedFolder:
    """Deletes each file ``seconds`` after it came, looking every quarter of that time.

    Results, which a visitor may want to fetch at leisure, live for ``result_seconds`` in folders
    of their own. The web server keeps its own list of what to delete, in memory: an upload broken
    off half-way is not on it, and a process that is told to stop never comes to it.
    """

    def __init__(self, seconds: float, parent: str | None = None, result_seconds: float | None = None) -> None:
        if parent is not None:
            Path(parent).mkdir(parents=True, exist_ok=True)
        self.path = Path(tempfile.mkdtemp(prefix="emotion-", dir=parent))
        self.seconds = seconds
        self.result_seconds = seconds if result_seconds is None else result_seconds
        self._results = self.path / "results"
        self._held: set[Path] = set()
        atexit.register(shutil.rmtree, self.path, ignore_errors=True)
        threading.Thread(target=self._sweep_for_ever, daemon=True, name="sweeper").start()

    @contextlib.contextmanager
    def results(self) -> Iterator[Path]:
        """A new folder, of a name that nobody can guess, for one answer; kept whole while this is entered.

        What is in it when the block is left by an exception is deleted at once.
        """
        folder = self._results / secrets.token_urlsafe(16)
        folder.mkdir(parents=True)
        self._held.add(folder)
        try:
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            self._held.discard(folder)

    def sweep(self) -> None:
        """Delete what is too old now. ctime, not mtime: a copy may bring its own mtime along."""
        for path in self.path.rglob("*"):
            if not self._held.isdisjoint(path.parents):
                continue
            limit = self.result_seconds if self._results in path.parents else self.seconds
            with contextlib.suppress(OSError):  # another thread may have moved or deleted it
                if path.is_file() and time.time() - path.stat().st_ctime > limit:
                    path.unlink()

    def _sweep_for_ever(self) -> None:
        while True:
            time.sleep(self.seconds / 4)
            self.sweep()


def keep(path: str | Path, folder: Path) -> Path:
    """A second name for a file, in a folder where it outlives the first one; EmotionError if that is gone."""
    kept = folder / Path(path).name
    try:
        os.link(path, kept)
    except FileNotFoundError as error:
        raise EmotionError("The upload was deleted by now. Upload it once more.") from error
    except OSError:  # a file system without links
        shutil.copyfile(path, kept)
    return kept


def exit_on_sigterm() -> None:
    """Make SIGTERM end the process as Ctrl-C does, so that what is registered at exit still runs."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
