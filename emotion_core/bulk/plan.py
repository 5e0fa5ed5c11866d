"""The plan of a bulk run, fixed before it starts: every file in order, cut into numbered shards.

The plan is two files in OUT: ``plan.parquet``, with one row group per shard, so that a worker reads
only its own share of millions of paths, and ``plan.json``, which is written last and holds the
settings. A resumed run follows the plan; it does not search for files again.
"""

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import DataError, OutputError
from ..files import unfinished
from ..inputs import PassOver, files_in, matches
from ..picture_kinds import ENDINGS as PICTURES
from ..video.container import ENDINGS as VIDEOS
from .listed import TABLES, listed
from .tables import FILES, PASSED_OVER, PATHS, read_group, write_groups, write_passed_over

PLAN: Final = "plan.json"
PATHS_FILE: Final = "plan.parquet"
#: An undecodable byte, as written by ``storable``.
_BYTE: Final = re.compile(r"\\u(dc[89a-f][0-9a-f])")
#: The number of pictures that a video counts as when shards are cut.
VIDEO_WEIGHT: Final = 32


@dataclass(frozen=True)
class Plan:
    """A run's plan. asked: the settings that a resumed run must repeat; labels: of the model."""

    folder: Path
    asked: Mapping[str, Any]
    labels: tuple[str, ...]
    files: int
    shards: int

    def paths(self, shard: int) -> list[str]:
        """The absolute paths of shard 0, 1, ..."""
        return [str(path) for path in read_group(self.folder / PATHS_FILE, shard)["path"].to_pylist()]


def storable(path: str) -> str:
    """A path that a text column can hold: undecodable bytes are written as ``\\udcXX``."""
    return path.encode(errors="backslashreplace").decode()


def real(path: str) -> str:
    """The file system path for a result of ``storable``."""
    return path if os.path.lexists(path) else _BYTE.sub(lambda found: chr(int(found[1], 16)), path)


def make_plan(folder: Path, source: str, column: str | None, asked: Mapping[str, Any], labels: tuple[str, ...]) -> Plan:
    """Start a run in ``folder``, or resume the one there.

    asked: JSON-ready settings; its ``shard_files`` is the number of pictures per shard.
    Raises DataError when the folder holds a run with other settings, or when ``source`` has
    nothing to score; OutputError when the folder holds other files or cannot be written.
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
    if folder.is_dir() and not all(map(_begun, folder.iterdir())):
        raise OutputError(f"{folder} holds other files. Choose a new folder as OUT.", folder)
    passed: dict[str, str] = {}
    paths = list(dict.fromkeys(storable(path) for path in find(source, column, passed.__setitem__)))
    if not paths:
        raise DataError(f"There is no picture and no video in {source}.{_most_of(passed)} Check the path.")
    shards = list(cut(paths, int(asked["shard_files"])))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_passed_over(folder, {storable(path): reason for path, reason in passed.items()})
        write_groups(folder / PATHS_FILE, PATHS, ([{"path": path} for path in shard] for shard in shards))
        content = {"asked": asked, "labels": labels, "files": len(paths), "shards": len(shards)}
        with unfinished(folder / PLAN) as part:
            part.write_text(json.dumps(content, indent=1) + "\n")
    except OSError as error:
        message = f"Nothing can be written into {folder}: {error.strerror}. Choose another OUT."
        raise OutputError(message, folder) from error
    return read_plan(folder)


def _begun(entry: Path) -> bool:
    """Whether an entry of OUT belongs to an interrupted plan."""
    if entry.name == FILES:
        return entry.is_dir() and {inner.name for inner in entry.iterdir()} <= {PASSED_OVER}
    return entry.name == PATHS_FILE or entry.name.startswith(".")


def _most_of(passed: Mapping[str, str]) -> str:
    """How many files were passed over and the first of them, to explain why nothing is left."""
    path, reason = next(iter(passed.items()), ("", ""))
    return f" {len(passed)} passed over, such as {path}: {reason}" if path else ""


def read_plan(folder: Path) -> Plan:
    """The plan of a run; DataError when it cannot be read."""
    try:
        content = json.loads((folder / PLAN).read_text())
        return Plan(folder, content["asked"], tuple(content["labels"]), content["files"], content["shards"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder / PLAN} cannot be read ({error}). Choose another OUT.") from error


def find(source: str, column: str | None = None, pass_over: PassOver = lambda _path, _reason: None) -> Iterator[str]:
    """Absolute paths, always in the same order.

    source: a folder, searched recursively for picture and video extensions; a CSV or Parquet file
    with a column of paths, relative to its own folder; a glob; or one file. From a table or a glob,
    every file counts, whatever its name. pass_over: called with what is skipped, and why.
    Raises DataError for anything else.
    """
    path = Path(source)
    if path.is_dir():
        yield from files_in(os.path.abspath(path), PICTURES | VIDEOS, pass_over)
    elif path.suffix.lower() in TABLES:
        if not path.is_file():
            raise DataError(f"There is no file {source}. Check the path.")
        yield from listed(path, column, pass_over)
    elif path.is_file():
        yield os.path.abspath(path)
    elif any(mark in source for mark in "*?["):
        for match in map(os.path.abspath, matches(source)):
            if os.path.isdir(match):
                pass_over(match, "A folder: give it as SOURCE to have its files scored.")
            else:
                yield match
    else:
        raise DataError(f"There is no folder, file or table {source}, and it is not a glob. Check the path.")


def cut(paths: Iterable[str], shard_files: int) -> Iterator[list[str]]:
    """Consecutive shards of at most ``shard_files`` pictures; a video counts as ``VIDEO_WEIGHT`` of them."""
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
    """Whether to read a file as a video: by its extension, so that millions of files are not opened twice."""
    return Path(path).suffix.lower() in VIDEOS
