"""Whether a text came before, among more of them than fit into memory."""

import hashlib
import sqlite3
import tempfile
from contextlib import ExitStack
from pathlib import Path
from typing import Final

#: Of SQLite's cache, in KiB: more makes ten million faster, not possible.
_CACHE: Final = 128 * 1024


class Seen:
    """A set of texts on disk, in a temporary file that is deleted at the end of a ``with`` block.

    Of each text the 128 bits of a hash are kept: among 10^12 texts, the chance that any two are mistaken for each
    other is below 10^-14.
    """

    def __init__(self) -> None:
        self._open = ExitStack()

    def __enter__(self) -> "Seen":
        folder = self._open.enter_context(tempfile.TemporaryDirectory(prefix="emotion-bulk-"))
        self._base = sqlite3.connect(Path(folder) / "seen", isolation_level=None)
        self._open.callback(self._base.close)
        for line in ("journal_mode = OFF", "synchronous = OFF", f"cache_size = -{_CACHE}"):
            self._base.execute(f"PRAGMA {line}")
        self._base.execute("CREATE TABLE seen (hash BLOB PRIMARY KEY) WITHOUT ROWID")
        self._base.execute("BEGIN")
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def is_new(self, text: str) -> bool:
        """Add a text; False if it was there already."""
        key = hashlib.blake2b(text.encode(errors="surrogateescape"), digest_size=16).digest()
        return self._base.execute("INSERT OR IGNORE INTO seen VALUES (?)", (key,)).rowcount == 1
