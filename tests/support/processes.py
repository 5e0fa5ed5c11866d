"""Environments for programs that tests start, which know nothing of pytest's own search path; a process's memory."""

import contextlib
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil

ROOT = Path(__file__).parents[2]


def importing(**more: str) -> dict[str, str]:
    """This environment in which the package and ``support`` are found first, and with these variables."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, **more}


@contextlib.contextmanager
def most_more() -> Iterator[list[int]]:
    """The memory of this process in bytes, beyond what it was, at many moments while this is entered."""
    process, found, ended = psutil.Process(), [0], threading.Event()
    before = process.memory_info().rss

    def weigh() -> None:
        while not ended.wait(0.01):
            found.append(process.memory_info().rss - before)

    watcher = threading.Thread(target=weigh)
    watcher.start()
    try:
        yield found
    finally:
        ended.set()
        watcher.join()
