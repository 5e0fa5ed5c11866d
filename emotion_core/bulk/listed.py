"""The paths listed in a table: CSV in its common variants, or Parquet."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..datasets.tables import column_names, column_of, rows_of
from ..errors import DataError
from ..inputs import PassOver

TABLES: Final = frozenset((".csv", ".tsv", ".parquet"))
#: Names for the column of paths, tried in this order if none is given.
PATH_COLUMNS: Final = (
    *("path", "file", "filename", "image", "video", "source"),
    *("filepath", "imagepath", "videopath", "imagefile", "imagename", "img", "imgpath", "picture", "photo"),
)


def listed(table: Path, column: str | None, pass_over: PassOver) -> Iterator[str]:
    """Absolute paths, in the table's order; relative ones are resolved against its folder.

    pass_over: called for rows without a path. Raises DataError when the table cannot be read or lacks the column.
    """
    cells = _of_parquet(table, column) if table.suffix.lower() == ".parquet" else _of_csv(table, column)
    for line, cell in cells:
        path = cell.strip()
        if path:
            yield os.path.abspath(_on_this_system(table.parent, path))
        else:
            pass_over(f"{os.path.abspath(table)}:{line}", "The row has no path.")


def _on_this_system(folder: Path, path: str) -> Path:
    """Resolve a path, allowing for Windows' backslashes, which elsewhere may be part of a name."""
    written = folder / path
    return folder / path.replace("\\", "/") if "\\" in path and not os.path.lexists(written) else written


def _of_csv(table: Path, column: str | None) -> Iterator[tuple[int, str]]:
    name = _column(table, column_names(table), column)
    for line, row in rows_of(table, [name]):
        yield line, row.get(name, "")


def _of_parquet(table: Path, column: str | None) -> Iterator[tuple[int, str]]:
    import pyarrow.parquet as parquet

    try:
        with parquet.ParquetFile(table) as file:
            name = _column(table, file.schema_arrow.names, column)
            line = 0
            for batch in file.iter_batches(columns=[name]):
                for path in batch[0].to_pylist():
                    line += 1
                    yield line, str(path or "")
    except DataError:
        raise
    except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
        raise DataError(f"{table} is not a readable table ({error}).") from error


def _column(table: Path, names: list[str], column: str | None) -> str:
    """The column with exactly that name, or else a variant of it; DataError when there is none."""
    wanted = (column,) if column else PATH_COLUMNS
    found = next((name for name in wanted if name in names), None) or column_of(names, wanted)
    if found is None:
        shown = ", ".join(names[:20]) or "none"
        raise DataError(f"{table} has no column {column or 'of paths'}. It has: {shown}. Name one with --column.")
    return found
