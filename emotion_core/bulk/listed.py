"""The paths listed in a table: CSV in its common variants, a Parquet file, or a folder of Parquet files."""

import os
import posixpath
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..datasets.tables import column_names, column_of, rows_of
from ..errors import DataError
from ..inputs import PassOver
from .places import fetch, is_address, plain, reach

TABLES: Final = frozenset((".csv", ".tsv", ".parquet"))
#: Names for the column of paths, tried in this order if none is given.
PATH_COLUMNS: Final = (
    *("path", "file", "filename", "image", "video", "source"),
    *("filepath", "imagepath", "videopath", "imagefile", "imagename", "img", "imgpath", "picture", "photo"),
)
#: ``--keep``'s word for all columns.
ALL: Final = "*"
#: Rows that are read from Parquet at a time.
_ROWS: Final = 16_384


@dataclass(frozen=True)
class Listing:
    """A table of paths. place: its absolute path or address; keep: columns to pass through, or ``ALL``.

    A folder is a table of Parquet files, whose ``name=value`` folders are columns, as Hive and Spark write them; it
    may be called ``name.parquet``, as Spark does.
    """

    place: str
    column: str | None = None
    keep: tuple[str, ...] = ()

    @property
    def is_csv(self) -> bool:
        """By its name."""
        return posixpath.splitext(self.place)[1].lower() in (".csv", ".tsv")

    def kept(self) -> Any:
        """The pyarrow schema of the columns that are passed through: text from CSV, else as they are."""
        import pyarrow as pa

        if self.is_csv:
            with _here(self.place) as table:
                names = column_names(table)
                return pa.schema([(name, pa.string()) for name in self._passed(names)])
        with _readable(self.place):
            schema = self._dataset().schema
            return pa.schema([schema.field(name).with_nullable(True) for name in self._passed(schema.names)])

    def rows(self, pass_over: PassOver) -> Iterator[tuple[str, tuple[Any, ...]]]:
        """Absolute paths or addresses and the values of ``kept``, in the table's order.

        Relative paths are resolved against its folder. pass_over: called for rows without a path.
        Raises DataError when the table cannot be read or lacks a column.
        """
        base = self.place if self._is_folder() else os.path.dirname(self.place)
        for line, cell, values in self._of_csv() if self.is_csv else self._of_parquet():
            path = cell.strip()
            if path:
                yield _resolved(base, path), values
            else:
                pass_over(f"{self.place}:{line}", "The row has no path.")

    def _is_folder(self) -> bool:
        return posixpath.splitext(self.place)[1].lower() not in TABLES

    def _of_csv(self) -> Iterator[tuple[int, str, tuple[Any, ...]]]:
        with _here(self.place) as table:
            names = column_names(table)
            name, passed = self._path_column(names), self._passed(names)
            for line, row in rows_of(table, [name]):
                yield line, row.get(name, ""), tuple(row.get(other) for other in passed)

    def _of_parquet(self) -> Iterator[tuple[int, str, tuple[Any, ...]]]:
        with _readable(self.place):
            table = self._dataset()
            columns = [self._path_column(table.schema.names), *self._passed(table.schema.names)]
            line = 0
            for batch in table.to_batches(columns=columns, batch_size=_ROWS, batch_readahead=2, fragment_readahead=1):
                for path, *values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                    line += 1
                    yield line, str(path or ""), tuple(values)

    def _dataset(self) -> Any:
        from pyarrow.dataset import ParquetFileFormat, ParquetFragmentScanOptions, dataset

        # What is read in advance would stay in memory until the whole file is read.
        one_by_one = ParquetFragmentScanOptions(pre_buffer=False, use_buffered_stream=True)
        parquet = ParquetFileFormat(default_fragment_scan_options=one_by_one)
        system, path = reach(self.place)
        return dataset(path, filesystem=system, format=parquet, partitioning="hive")

    def _path_column(self, names: Sequence[str]) -> str:
        """The column with exactly that name, or else a variant of it; DataError when there is none."""
        wanted = (self.column,) if self.column else PATH_COLUMNS
        found = next((name for name in wanted if name in names), None) or column_of(names, wanted)
        if found is None:
            shown, what = ", ".join(names[:20]) or "none", self.column or "of paths"
            raise DataError(f"{self.place} has no column {what}. It has: {shown}. Name one with --column.")
        return found

    def _passed(self, names: Sequence[str]) -> list[str]:
        """The columns to pass through; DataError when one is missing."""
        if ALL in self.keep:
            return [name for name in names if name != self._path_column(names)]
        missing = [name for name in self.keep if name not in names]
        if missing:
            shown = ", ".join(names[:20]) or "none"
            raise DataError(f"{self.place} has no column {', '.join(missing)} to keep. It has: {shown}.")
        return list(self.keep)


def _resolved(base: str, written: str) -> str:
    if is_address(written):
        path = plain(written)
        return path if is_address(path) else os.path.abspath(path)
    if is_address(base):
        scheme, rest = base.split("://", 1)
        return f"{scheme}://{posixpath.normpath(posixpath.join(rest, written))}"
    return os.path.abspath(_on_this_system(base, written))


def _on_this_system(folder: str, path: str) -> str:
    """Resolve a path, allowing for Windows' backslashes, which elsewhere may be part of a name."""
    written = os.path.join(folder, path)
    if "\\" in path and not os.path.lexists(written):
        return os.path.join(folder, path.replace("\\", "/"))
    return written


@contextmanager
def _here(place: str) -> Iterator[Path]:
    """A table as a file of this machine: a copy, if it is in a store."""
    if not is_address(place):
        yield Path(place)
        return
    with tempfile.TemporaryDirectory(prefix="emotion-bulk-") as folder, _readable(place):
        fetch(place, copy := Path(folder) / posixpath.basename(place))
        yield copy


@contextmanager
def _readable(place: str) -> Iterator[None]:
    try:
        yield
    except DataError:
        raise
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise DataError(f"{place} is not a readable table ({error}).") from error
