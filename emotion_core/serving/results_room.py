"""The disk's room for what visitors fetch later: annotated copies, and clips that wait for their button."""

import contextlib
import os
import shutil
import threading
from collections import Counter
from pathlib import Path
from typing import Final

from ..errors import BusyError

#: Free disk space left to others, in bytes.
_RESERVE: Final = 500_000_000
_FULL: Final = "There is no room for this file's results now. Try again in ten minutes, or send a smaller one."


class ResultsRoom:
    """Whose folders of results there are, and how much lies in them. Safe to share between threads.

    They take ``most_bytes`` of the disk, and no part of the room for uploads, which nobody had for ten minutes once
    two large copies lay there.
    """

    def __init__(self, disk: Path, most_bytes: int) -> None:
        self._disk, self.most_bytes = disk, most_bytes
        self._whose: dict[Path, str] = {}
        #: Bytes for which there was room, of what may be on its way.
        self._promised: dict[Path, int] = {}
        self._lock = threading.Lock()

    def own(self, folder: Path, address: str) -> None:
        """Count what lies in this folder, as long as it exists, for an address."""
        with self._lock:
            self._whose[folder] = address

    def holds(self, folder: Path) -> bool:
        """Whether it is one of those folders."""
        return folder in self._whose

    def left(self, folder: Path) -> int:
        """Bytes that one more file in this folder, of the address that owns it, may take.

        Half of what is free beyond as much as the address has: shares shrink as the room fills (``door.has_share``),
        so that after a large file, too, the next address finds some.
        """
        with self._lock:
            return self._left(folder)

    def check(self, folder: Path, size: int) -> None:
        """Keep room for a file of so many bytes in this folder; BusyError if there is none."""
        with self._lock:
            if size > self._left(folder):
                raise BusyError(_FULL)
            self._promised[folder] = size

    def settle(self, folder: Path) -> None:
        """Nothing more comes into this folder: what lies there counts."""
        with self._lock:
            self._promised.pop(folder, None)

    def forget(self) -> None:
        """Forget the folders that have been deleted."""
        with self._lock:
            for folder in [folder for folder in self._whose if not folder.exists()]:
                del self._whose[folder]

    def _left(self, folder: Path) -> int:
        lying = self._measure()
        free = min(self.most_bytes - lying.total(), free_bytes(self._disk))
        return max((free - lying[self._whose.get(folder, "")]) // 2, 0)

    def _measure(self) -> Counter[str]:
        """The bytes of each address; a file of several names counts once."""
        lying: Counter[str] = Counter()
        seen: set[tuple[int, int]] = set()
        for folder, address in self._whose.items():
            before = lying[address]
            for name, _, files in os.walk(folder):
                for file in files:
                    with contextlib.suppress(OSError):
                        found = Path(name, file).stat()
                        if (found.st_dev, found.st_ino) not in seen:
                            seen.add((found.st_dev, found.st_ino))
                            lying[address] += found.st_size
            lying[address] = max(lying[address], before + self._promised.get(folder, 0))
        return lying


def free_bytes(path: Path) -> int:
    """Bytes free on the disk, less those left to others."""
    with contextlib.suppress(OSError):
        return shutil.disk_usage(path).free - _RESERVE
    return 0
