"""OUT, the folder of a run, on this machine or in a store: files appear in it as a whole, or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..files import unfinished
from .places import absolute, is_address, reach

_BLOCK: Final = 2**23


@dataclass(frozen=True)
class Folder:
    """A folder that need not exist yet. address: an absolute path or ``scheme://...``; see ``at``.

    Names are relative, with ``/``. All methods raise OSError when the store does not answer or refuses.
    """

    address: str

    @classmethod
    def at(cls, place: str | os.PathLike[str]) -> "Folder":
        """The folder of a place as its user writes it; DataError and MissingPackageError as from ``places``."""
        folder = cls(absolute(os.fspath(place)))
        reach(folder.address)
        return folder

    @property
    def local(self) -> Path | None:
        """Where it is on this machine; None in a store."""
        return None if is_address(self.address) else Path(self.address)

    def _reach(self, name: str) -> tuple[Any, str]:
        return reach(f"{self.address}/{name}" if name else self.address)

    def has(self, name: str) -> bool:
        """Whether there is a file of that name."""
        system, path = self._reach(name)
        return bool(system.get_file_info(path).is_file)

    def read(self, name: str) -> bytes:
        """A file's bytes."""
        system, path = self._reach(name)
        with system.open_input_file(path) as file:
            return bytes(file.read())

    def open(self, name: str) -> Any:
        """A file for random access, to be closed, as pyarrow's readers take it."""
        system, path = self._reach(name)
        return system.open_input_file(path)

    def files(self, inside: str = "") -> list[str]:
        """The names of all files below a folder in it, relative to OUT and sorted; [] if there is none."""
        from pyarrow.fs import FileSelector

        system, path = self._reach(inside)
        found = system.get_file_info(FileSelector(path, allow_not_found=True, recursive=True))
        start = len(self._reach("")[1].rstrip("/")) + 1
        return sorted(entry.path[start:] for entry in found if entry.is_file)

    @contextmanager
    def new(self, name: str) -> Iterator[Path]:
        """A path on this machine to write to: its file appears as ``name`` when the block ends without an error."""
        local = self.local
        if local is not None:
            (local / name).parent.mkdir(parents=True, exist_ok=True)
            with unfinished(local / name) as part:
                yield part
            return
        with tempfile.TemporaryDirectory(prefix="emotion-bulk-") as made:
            part = Path(made) / "part"
            yield part
            self._put(part, name)

    def _put(self, part: Path, name: str) -> None:
        system, path = self._reach(name)
        # Not by pyarrow's copy_files, which says nothing when a file system of fsspec refuses at the end.
        try:
            with part.open("rb") as file, system.open_output_stream(path) as target:
                while block := file.read(_BLOCK):
                    target.write(block)
        except OSError:
            raise
        except Exception as error:  # the file systems of fsspec raise what they like
            raise OSError(f"{self.address}/{name} was not taken: {error}") from error

    def write(self, name: str, content: str | bytes) -> None:
        """Write a small file."""
        with self.new(name) as part:
            part.write_bytes(content.encode() if isinstance(content, str) else content)

    def remove(self, name: str) -> None:
        """Delete a file, if it is there."""
        system, path = self._reach(name)
        if system.get_file_info(path).is_file:
            system.delete_file(path)

    def remove_below(self, inside: str) -> None:
        """Delete a folder in it with all its files, if it is there."""
        from pyarrow.fs import FileType

        system, path = self._reach(inside)
        if system.get_file_info(path).type == FileType.Directory:
            system.delete_dir(path)

    def sweep(self) -> None:
        """Delete what killed runs left unfinished."""
        for leftover in self.local.glob("**/.part-*") if self.local else ():
            leftover.unlink(missing_ok=True)
