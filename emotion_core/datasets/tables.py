"""Tables as found in practice: commas, semicolons or tabs; UTF-8, UTF-16 or an old code page; with or without a BOM."""

import codecs
import csv
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Final

from ..errors import DataError

Source = Path | zipfile.Path

#: Maximum length of a table row, in characters: a zip file may unpack to anything.
MAX_ROW: Final = 1_000_000
_DELIMITERS: Final = ",;\t|"
_LENIENT: Final = "emotion_core.mostly_utf8"


def _old_code_page(error: UnicodeError) -> tuple[str, int]:
    """Decode bytes that are not UTF-8 as Windows' code page, which spreadsheets use and which extends Latin-1."""
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("cp1252", errors="replace"), error.end


codecs.register_error(_LENIENT, _old_code_page)


def column_names(file: Source) -> list[str]:
    """The names in a table's first row, trimmed; DataError when it cannot be read."""
    with _reading(file), _opened(file) as text:
        reader = csv.reader(_lines(text), delimiter=_delimiter(file), skipinitialspace=True)
        return [name.strip() for name in next(reader, [])]


def rows_of(file: Source, columns: Sequence[str] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) of a table; DataError when it lacks one of these columns."""
    with _reading(file), _opened(file) as text:
        reader = csv.reader(_lines(text), delimiter=_delimiter(file), skipinitialspace=True)
        header = [name.strip() for name in next(reader, [])]
        missing = [name for name in columns if name not in header]
        if missing:
            raise DataError(
                f"{file.name} has no column {', '.join(missing)}; it needs {', '.join(columns)}. "
                f"It has: {', '.join(header[:20]) or 'none'}."
            )
        for cells in reader:
            if cells:
                yield reader.line_num, dict(zip(header, cells, strict=False))


def bare_rows(file: Source) -> Iterator[tuple[int, list[str]]]:
    """Yield (line number, cells) of a table without a header."""
    with _reading(file), _opened(file) as text:
        reader = csv.reader(_lines(text), delimiter=_delimiter(file), skipinitialspace=True)
        for cells in reader:
            if cells:
                yield reader.line_num, cells


def same_name(name: str) -> str:
    """Normalise a column name for comparison: ``Image_Path``, ``image path`` and ``imagePath`` are equal."""
    return "".join(letter for letter in name.casefold() if letter.isalnum())


def column_of(header: Iterable[str], names: Sequence[str]) -> str | None:
    """The column with the first of these names found, however it is written; None when there is none."""
    written = {same_name(name): name for name in reversed(list(header))}
    return next((written[same_name(name)] for name in names if same_name(name) in written), None)


class _reading:  # noqa: N801  (reads as a statement)
    """Turns errors from reading a table into a DataError that names it."""

    def __init__(self, file: Source) -> None:
        self._file = file

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, OSError | UnicodeError | csv.Error | KeyError):  # KeyError: no such member of a zip
            raise DataError(f"{self._file.name} is not a readable CSV file ({error}).") from error


def _opened(file: Source) -> IO[str]:
    return file.open("r", newline="", encoding=_encoding(file), errors=_LENIENT)


def _encoding(file: Source) -> str:
    with file.open("rb") as stream:
        start = stream.read(4096)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    # UTF-16 without a BOM: every other byte of ASCII text is 0
    even, odd = start[::2].count(0), start[1::2].count(0)
    if len(start) > 3 and max(even, odd) > 0.4 * len(start) / 2 and min(even, odd) < 0.05 * len(start):
        return "utf-16-be" if even > odd else "utf-16-le"
    return "utf-8-sig"


def _delimiter(file: Source) -> str:
    """The most frequent delimiter in the first line, outside quotes."""
    with _opened(file) as text:
        first = text.readline(MAX_ROW)
    bare = "".join(first.split('"')[::2])
    return max(_DELIMITERS, key=lambda mark: (bare.count(mark), -_DELIMITERS.index(mark)))


def _lines(text: IO[str]) -> Iterator[str]:
    while line := text.readline(MAX_ROW):
        if len(line) == MAX_ROW:
            raise csv.Error(f"a row of {MAX_ROW} characters or more")
        yield line
