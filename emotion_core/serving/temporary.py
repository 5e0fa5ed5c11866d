"""A temporary folder whose files are kept for a limited time, and which is deleted when the process ends."""

import atexit
import contextlib
import logging
import os
import re
import secrets
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from filelock import FileLock, Timeout

from ..errors import SettingsError, UploadGoneError
from .results_room import ResultsRoom

log = logging.getLogger(__name__)

#: How long an upload or an answer may stay on disk, in seconds: the browser needs a moment to fetch it.
UPLOAD_SECONDS: Final = 90
PREFIX: Final = "emotion-"
#: A lock held as long as the process lives, however it ends.
LOCK: Final = ".lock"
#: Of random in the name of a folder of results, which is then so written.
_NAME_BYTES: Final = 16
_FOLDER: Final = re.compile(r"[\w-]{22}", re.ASCII)
#: Files and folders that are deleted at the same time, at the end.
_TOGETHER: Final = 8


class ShortLivedFolder:
    """The server's only place for visitors' files, and its only sweeper.

    Each file is deleted ``seconds`` after it arrived; the sweeper runs every quarter of that time.
    Results, which a visitor may fetch later, are kept for ``result_seconds`` in separate folders.
    The web server's own list of files to delete is not enough: it is in memory, misses interrupted
    uploads, and is never reached when the process is stopped. Files left by a killed process are
    deleted when the next one starts. most_bytes: limit on all uploads together (see ``room``), and on all results
    together (see ``results_room``).

    Raises SettingsError when ``parent`` cannot be written.
    """

    def __init__(
        self,
        seconds: float,
        parent: str | None = None,
        result_seconds: float | None = None,
        most_bytes: int = 4_000_000_000,
    ) -> None:
        root = Path(parent or tempfile.gettempdir())
        try:
            root.mkdir(parents=True, exist_ok=True)
            delete_left_behind(root)
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root))
        except OSError as error:
            why = f"visitors' files cannot be kept in {root} ({error.strerror or error})"
            raise SettingsError(f"GRADIO_TEMP_DIR: {why}. Name a folder that can be written.") from error
        self._lock = FileLock(self.path / LOCK)
        self._lock.acquire(timeout=0)
        self.seconds = seconds
        self.result_seconds = seconds if result_seconds is None else result_seconds
        self.most_bytes = most_bytes
        self._results = self.path / "results"
        self.room = ResultsRoom(self.path, most_bytes)
        self._held: set[Path] = set()
        self._chores: list[Callable[[], None]] = []
        self._ended = threading.Event()
        atexit.register(self.delete)
        threading.Thread(target=self._sweep_for_ever, daemon=True, name="sweeper").start()

    def delete(self) -> None:
        """Delete everything now; the lock's file last, by which the next start knows what was left if this is ended."""
        self._ended.set()
        _empty(self.path)
        self._lock.release()
        shutil.rmtree(self.path, ignore_errors=True)

    @contextlib.contextmanager
    def results(self, address: str = "", size: int = 0) -> Iterator[Path]:
        """A new folder with an unguessable name, for one answer; nothing in it is swept while this is entered.

        If the block raises, the folder is deleted at once. address: whose it is. size: of what will be kept in it, in
        bytes; BusyError if there is no room for that.
        """
        folder = self._results / secrets.token_urlsafe(_NAME_BYTES)
        folder.mkdir(parents=True)
        self._held.add(folder)
        self.room.own(folder, address)
        try:
            self.room.check(folder, size)
            yield folder
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            self.room.settle(folder)
            self._held.discard(folder)

    def file_in(self, name: object) -> Path | None:
        """The only file in the folder of ``results`` with this name, which anybody may have made up; None without."""
        if not isinstance(name, str) or not _FOLDER.fullmatch(name):
            return None
        with contextlib.suppress(OSError, ValueError):
            [found] = (self._results / name).iterdir()
            return found
        return None

    def apart(self, name: str) -> Path:
        """A folder the sweeper leaves alone: the caller deletes what is in it."""
        folder = self.path / name
        folder.mkdir()
        self._held.add(folder)
        return folder

    def also(self, chore: Callable[[], None]) -> None:
        """Have the sweeper also do this each time."""
        self._chores.append(chore)

    def size(self, least: int = 0) -> int:
        """Bytes of all its files but results. least: that each counts at least."""
        size = 0
        for name, folders, files in os.walk(self.path):
            folders[:] = [folder for folder in folders if not self.room.holds(Path(name, folder))]
            for file in files:
                with contextlib.suppress(OSError):
                    size += max(Path(name, file).stat().st_size, least * (file != LOCK))
        return size

    def sweep(self) -> None:
        """Delete what is too old, empty folders included. By ctime, as a copy may keep its original's mtime."""
        now = time.time()
        for name, folders, files in os.walk(self.path, topdown=False):
            folder = Path(name)
            if not self._held.isdisjoint((folder, *folder.parents)):
                continue
            limit = self.result_seconds if folder.is_relative_to(self._results) else self.seconds
            # Another thread may have moved or deleted any of these since they were listed.
            for file in files:
                with contextlib.suppress(OSError):
                    path = folder / file
                    if file != LOCK and now - path.stat().st_ctime > limit:
                        path.unlink()
            if not folders and folder not in (self.path, self._results):
                with contextlib.suppress(OSError):
                    if now - folder.stat().st_ctime > limit:
                        folder.rmdir()  # fails if something was added meanwhile

    def _sweep_for_ever(self) -> None:
        while not self._ended.wait(self.seconds / 4):
            for chore in (self.sweep, self.room.forget, *self._chores):
                try:
                    chore()
                except Exception as error:
                    # Every file must be deleted in time, so the sweeper goes on whatever happens to one.
                    log.error("The sweeper met %s; it goes on.", type(error).__name__)


def delete_left_behind(root: Path) -> None:
    """Delete the folders of killed processes, whose locks are no longer held."""
    for folder in root.glob(f"{PREFIX}*"):
        lock = folder / LOCK
        with contextlib.suppress(OSError, Timeout):
            if not lock.exists():
                continue
            with FileLock(lock, timeout=0):
                _empty(folder)
                shutil.rmtree(folder, ignore_errors=True)


def _empty(folder: Path) -> None:
    """Delete all that is in it but the lock's file, several files and folders at a time.

    On a busy disk each waits for it: two thousand folders, one after the other, took four seconds, and together a half.
    """
    with contextlib.suppress(OSError):
        paths = [path for path in folder.iterdir() if path.name != LOCK]
        with contextlib.suppress(RuntimeError), ThreadPoolExecutor(_TOGETHER, "deletes") as pool:
            list(pool.map(_delete, paths))
            return
        for path in paths:  # no thread begins while Python itself ends
            _delete(path)


def _delete(path: Path) -> None:
    with contextlib.suppress(OSError):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def keep(path: str | Path, folder: Path) -> Path:
    """A second name for a file, in a folder where it outlives the first; UploadGoneError if that is gone."""
    kept = folder / Path(path).name
    try:
        os.link(path, kept)
    except FileNotFoundError as error:
        raise UploadGoneError("The upload has been deleted by now. Upload it again.") from error
    except OSError:  # a file system without hard links
        shutil.copyfile(path, kept)
    return kept


def bytes_to_keep(path: str | Path) -> int:
    """What it takes to ``keep`` a file: nothing for one that is kept already."""
    with contextlib.suppress(OSError):
        found = Path(path).stat()
        return found.st_size * (found.st_nlink == 1)
    return 0


def exit_on_sigterm() -> None:
    """Make SIGTERM end the process as Ctrl-C does, so that exit handlers still run."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
