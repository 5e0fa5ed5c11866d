"""What a bulk run will do, settled before it begins: every file in order, cut into numbered shards.

The plan is two files in OUT: ``plan.parquet``, one row group a shard, so that a worker reads its
own share of millions of paths alone, and ``plan.json``, which is written last and says what was
asked for. A run that goes on follows the plan; it does not look for files again.
"""

import csv
import glob
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import DataError, OutputError
from ..files import unfinished
from ..video.container import ENDINGS as VIDEOS
from .tables import PATHS, read_group, write_groups

PLAN: Final = "plan.json"
PATHS_FILE: Final = "plan.parquet"
#: Names of the column of paths, tried in this order where none is named.
PATH_COLUMNS: Final = ("path", "file", "filename", "image", "video", "source")
PICTURES: Final = frozenset((".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif", ".tif", ".tiff", ".bmp", ".avif"))
#: How many pictures a video weighs when shards are cut.
VIDEO_WEIGHT: Final = 32


@dataclass(frozen=True)
class Plan:
    """What is done. asked: what a run that goes on must ask for again; labels: of the model."""

    folder: Path
    asked: Mapping[str, Any]
    labels: tuple[str, ...]
    files: int
    shards: int

    def paths(self, shard: int) -> list[str]:
        """The absolute paths of shard 0, 1, ..."""
        return [str(path) for path in read_group(self.folder / PATHS_FILE, shard)["path"].to_pylist()]


def make_plan(folder: Path, source: str, column: str | None, asked: Mapping[str, Any], labels: tuple[str, ...]) -> Plan:
    """Begin a run in ``folder``, or take up the one that was begun there.

    asked: JSON-ready settings; ``shard_files`` of them is how many pictures make a shard.
    Raises DataError when the folder holds a run that asked for something else, or holds other
    files, or when there is nothing to score in ``source``.
    """
    asked = {"source": os.path.abspath(source), "column": column, **asked}
    if (folder / PLAN).is_file():
        plan = read_plan(folder)
        changed = [name for name in asked if plan.asked.get(name) != asked[name]]
        if changed or plan.labels != labels:
            raise DataError(
                f"{folder} holds a run with another {', '.join(changed) or 'model'}: "
                "ask for the same to go on with it, or choose another OUT."
            )
        return plan
    if folder.is_dir() and any(entry.name != PATHS_FILE and entry.name[0] != "." for entry in folder.iterdir()):
        raise OutputError(f"{folder} holds other files. Choose a new folder as OUT.", folder)
    paths = list(dict.fromkeys(map(_storable, find(source, column))))
    if not paths:
        raise DataError(f"There is no picture and no video in {source}. Check the path.")
    shards = list(cut(paths, int(asked["shard_files"])))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_groups(folder / PATHS_FILE, PATHS, ([{"path": path} for path in shard] for shard in shards))
        content = {"asked": asked, "labels": labels, "files": len(paths), "shards": len(shards)}
        with unfinished(folder / PLAN) as part:
            part.write_text(json.dumps(content, indent=1) + "\n")
    except OSError as error:
        message = f"Nothing can be written into {folder}: {error.strerror}. Choose another OUT."
        raise OutputError(message, folder) from error
    return read_plan(folder)


def read_plan(folder: Path) -> Plan:
    """The plan of a run; DataError when it cannot be read."""
    try:
        content = json.loads((folder / PLAN).read_text())
        return Plan(folder, content["asked"], tuple(content["labels"]), content["files"], content["shards"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder / PLAN} cannot be read ({error}). Choose another OUT.") from error


def find(source: str, column: str | None = None) -> Iterator[str]:
    """Absolute paths, in an order that is the same every time.

    source: a folder, searched to its depth for names that end as pictures and videos do; a CSV or
    Parquet file with a column of paths, relative to its own folder; a glob; or one file. Of a
    table and a glob, every file counts, whatever its name. Raises DataError for what is none of these.
    """
    path = Path(source)
    if path.is_dir():
        yield from _walk(path)
    elif path.suffix.lower() in (".csv", ".parquet"):
        if not path.is_file():
            raise DataError(f"There is no file {source}. Check the path.")
        for listed in _table_paths(path, column):
            yield os.path.abspath(path.parent / listed)
    elif path.is_file():
        yield os.path.abspath(path)
    elif glob.has_magic(source):
        matches = glob.glob(os.path.expanduser(source), recursive=True)
        yield from sorted(os.path.abspath(match) for match in matches if os.path.isfile(match))
    else:
        raise DataError(f"There is no folder, file or table {source}, and it is not a glob. Check the path.")


def cut(paths: Iterable[str], shard_files: int) -> Iterator[list[str]]:
    """Consecutive shards of at most so many pictures; a video counts as ``VIDEO_WEIGHT`` of them."""
    shard: list[str] = []
    weight = 0
    for path in paths:
        more = VIDEO_WEIGHT if is_video(path) else 1
        if shard and weight + more > shard_files:
            yield shard
            shard, weight = [], 0
        shard.append(path)
        weight += more
    if shard:
        yield shard


def is_video(path: str) -> bool:
    """Whether a file is to be read as a video: by the end of its name, as millions are not opened twice."""
    return os.path.splitext(path)[1].lower() in VIDEOS


def _walk(folder: Path) -> Iterator[str]:
    for root, folders, names in os.walk(os.path.abspath(folder)):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith(".") and os.path.splitext(name)[1].lower() in PICTURES | VIDEOS:
                yield os.path.join(root, name)


def _table_paths(table: Path, column: str | None) -> Iterator[str]:
    try:
        if table.suffix.lower() == ".parquet":
            import pyarrow.parquet as parquet

            with parquet.ParquetFile(table) as file:
                name = _column(table, file.schema_arrow.names, column)
                for batch in file.iter_batches(columns=[name]):
                    yield from (str(path) for path in batch[0].to_pylist() if path)
            return
        with table.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.DictReader(text, skipinitialspace=True)
            name = _column(table, reader.fieldnames or (), column)
            yield from (str(row[name]).strip() for row in reader if row.get(name))
    except (OSError, UnicodeDecodeError, csv.Error, ValueError) as error:  # pyarrow's errors are ValueErrors
        if isinstance(error, DataError):
            raise
        raise DataError(f"{table} is not a readable table ({error}).") from error


def _column(table: Path, names: Iterable[str], column: str | None) -> str:
    names = list(names)
    found = next((name for name in ((column,) if column else PATH_COLUMNS) if name in names), None)
    if found is None:
        shown = ", ".join(names[:20]) or "none"
        raise DataError(f"{table} has no column {column or 'of paths'}. It has: {shown}. Name one with --column.")
    return found


def _storable(path: str) -> str:
    """Names that are no text cannot be stored; the file is then not found, and listed as a failure."""
    return path.encode(errors="backslashreplace").decode()
