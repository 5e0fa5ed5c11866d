"""What there is to score in a folder, a table or a glob, here or in a store: path after path, never all at once."""

import os
import posixpath
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from urllib.parse import unquote

from ..errors import DataError
from ..inputs import PassOver, each_match, files_in, why_not
from ..picture_kinds import ENDINGS as PICTURES
from ..video.container import ENDINGS as VIDEOS
from .listed import ALL, TABLES, Listing
from .places import is_address, reach
from .seen import Seen

#: A path and the values of the columns that are passed through.
Row = tuple[str, tuple[Any, ...]]
#: An undecodable byte, as written by ``storable``.
_BYTE: Final = re.compile(r"\\u(dc[89a-f][0-9a-f])")
_MAGIC: Final = "*?["


def storable(path: str) -> str:
    """A path that a text column can hold: undecodable bytes are written as ``\\udcXX``."""
    return path.encode(errors="backslashreplace").decode()


def real(path: str) -> str:
    """The file system path for a result of ``storable``."""
    return path if os.path.lexists(path) else _BYTE.sub(lambda found: chr(int(found[1], 16)), path)


def is_video(path: str) -> bool:
    """Whether to read a file as a video: by its extension, so that millions of files are not opened twice."""
    return posixpath.splitext(path)[1].lower() in VIDEOS


def listing(source: str, column: str | None, keep: Sequence[str]) -> Listing | None:
    """The source as a table of paths, by its name or because a column of it is asked for; None if it is none."""
    ending = posixpath.splitext(source)[1].lower()
    if ending in TABLES or (column and not any(mark in source for mark in _MAGIC)):
        if not is_address(source) and not os.path.exists(source):
            raise DataError(f"There is no file {source}. Check the path.")
        return Listing(source, column, tuple(keep))
    return None


def kept(source: str, column: str | None, keep: Sequence[str]) -> Any:
    """The pyarrow schema of the columns to pass through: a table's, or the ``name=value`` folders of the paths.

    Raises DataError when the table has no such column, or for ``*`` without a table.
    """
    import pyarrow as pa

    if not keep:
        return pa.schema([])
    if table := listing(source, column, keep):
        return table.kept()
    if ALL in keep:
        raise DataError("Only a table's columns can all be kept. Name those of the name=value folders.")
    return pa.schema([(name, pa.string()) for name in keep])


def find(
    source: str,
    column: str | None = None,
    pass_over: PassOver = lambda _path, _reason: None,
    keep: Sequence[str] = (),
) -> Iterator[Row]:
    """Absolute paths or addresses, each once, with the values of ``kept``.

    source: an absolute path or an address: of a folder, searched recursively for picture and video extensions; of a
    CSV or Parquet file with a column of paths, relative to its own folder; of one file; or a glob. From a table or a
    glob, every file counts, whatever its name. pass_over: called with what is skipped, and why.
    Raises DataError for anything else.
    """
    if table := listing(source, column, keep):
        yield from _once(table.rows(pass_over), pass_over)
        return
    for path in _in_a_store(source, pass_over) if is_address(source) else _here(source, pass_over):
        yield path, tuple(_in_path(path, name) for name in keep)


def _once(rows: Iterator[Row], pass_over: PassOver) -> Iterator[Row]:
    with Seen() as seen:
        for path, values in rows:
            if seen.is_new(path):
                yield path, values
            else:
                pass_over(path, "Listed before: scored once, with the columns of its first row.")


def _in_path(path: str, name: str) -> str | None:
    """The value of a ``name=value`` folder in a path."""
    found = re.search(f"/{re.escape(name)}=([^/]*)/", path.replace("\\", "/"))
    return None if found is None else unquote(found[1])


def _here(source: str, pass_over: PassOver) -> Iterator[str]:
    if os.path.isdir(source):
        yield from files_in(source, PICTURES | VIDEOS, pass_over)
    elif os.path.isfile(source):
        yield source
    elif any(mark in source for mark in _MAGIC):
        yield from _no_folders(source, pass_over)
    else:
        raise DataError(f"There is no folder, file or table {source}, and it is not a glob. Check the path.")


def _no_folders(source: str, pass_over: PassOver) -> Iterator[str]:
    with Seen() as seen:
        for match in map(os.path.abspath, each_match(source)):
            if not seen.is_new(match):
                continue
            if os.path.isdir(match):
                pass_over(match, "A folder: give it as SOURCE to have its files scored.")
            else:
                yield match


def _in_a_store(source: str, pass_over: PassOver) -> Iterator[str]:
    """The same rules in a store, which has no links and no devices."""
    scheme = source.split("://", 1)[0]
    try:
        system, path = reach(source)
        if any(mark in path for mark in _MAGIC):
            fixed = re.split(r"[*?\[]", path)[0].rpartition("/")[0]
            wanted = re.compile(_pattern(path))
            if not fixed:
                raise DataError(f"{source} has a pattern for its bucket. Name the bucket.")
            for found in _below(system, fixed, None, lambda _path, _reason: None):
                if wanted.fullmatch(found):
                    yield f"{scheme}://{found}"
            return
        info = system.get_file_info(path)
        if info.is_file:
            yield source
            return
        for found in _below(system, path, PICTURES | VIDEOS, lambda at, why: pass_over(f"{scheme}://{at}", why)):
            yield f"{scheme}://{found}"
    except OSError as error:
        raise DataError(f"{source} cannot be read: {error}") from error


def _pattern(glob: str) -> str:
    """A glob as a regular expression, where ``*`` stays within a folder and names with a dot in front are hidden."""
    from fsspec.utils import glob_translate

    return str(glob_translate(glob))


def _below(system: Any, folder: str, endings: frozenset[str] | None, pass_over: PassOver) -> Iterator[str]:
    """Files of a folder and its subfolders; but in Google's store only one folder's names are in memory at a time."""
    yield from _walked(_lister(system, folder), folder, endings, pass_over)


#: A folder's path -> name, path and whether it is a file, of all that is in it.
_Lister = Callable[[str], list[tuple[str, str, bool]]]


def _lister(system: Any, folder: str) -> _Lister:
    """How the folders of a file system are listed, each when it is asked for.

    Google's store has no folders: pyarrow's list of one folder leaves out those in it that nobody has marked, so all
    below ``folder`` is listed at once.
    """
    from pyarrow.fs import FileSelector

    if system.type_name != "gcs":
        return lambda inner: [
            (str(entry.base_name), str(entry.path), bool(entry.is_file))
            for entry in system.get_file_info(FileSelector(inner))
        ]
    inside: dict[str, dict[str, bool]] = {}
    for entry in system.get_file_info(FileSelector(folder, recursive=True)):
        path, is_file = str(entry.path).rstrip("/"), bool(entry.is_file)
        while path != folder and (parent := path.rpartition("/")[0]):
            inside.setdefault(parent, {}).setdefault(path, is_file)
            path, is_file = parent, False
    return lambda inner: [(path.rpartition("/")[2], path, it) for path, it in inside.get(inner, {}).items()]


def _walked(listed: _Lister, folder: str, endings: frozenset[str] | None, pass_over: PassOver) -> Iterator[str]:
    folders = []
    for name, path, is_file in sorted(listed(folder)):
        if is_file:
            reason = why_not(name, endings) if endings is not None else "" if not name.startswith(".") else "hidden"
            if reason:
                pass_over(path, reason)
            else:
                yield path
        elif name.startswith("."):
            pass_over(path, "A hidden folder is not looked into.")
        else:
            folders.append(path)
    for inner in folders:
        yield from _walked(listed, inner, endings, pass_over)
