"""The plan of a bulk run, fixed before it starts: every file in order, cut into numbered shards.

In OUT, ``plan/part-00000.parquet`` and so on have a row group for each shard, so that a worker reads only its own
share of millions of paths; ``plan.json`` is written last and holds the settings. Paths go from the source into the
plan as they are found: however many there are, a shard of them is in memory. A resumed run follows the plan; it does
not search for files again.
"""

import json
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain, groupby
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as parquet

from ..errors import DataError, OutputError
from .find import Row, find, is_video, kept, storable
from .folder import Folder
from .places import absolute
from .tables import FILES, PASSED_OVER, check_kept, file_schema

PLAN: Final = "plan.json"
PARTS: Final = "plan"
#: Shards in a part of the plan.
_PART: Final = 256
#: The number of pictures that a video counts as when shards are cut.
VIDEO_WEIGHT: Final = 32
#: Passed-over files that are held before they are written.
_PASSED: Final = 10_000


@dataclass(frozen=True)
class Plan:
    """A run's plan. asked: the settings that a resumed run must repeat; labels: of the model; sizes: files by shard."""

    folder: Folder
    asked: Mapping[str, Any]
    labels: tuple[str, ...]
    sizes: tuple[int, ...]

    @property
    def files(self) -> int:
        """In all shards."""
        return sum(self.sizes)

    @property
    def shards(self) -> int:
        """Their number."""
        return len(self.sizes)

    def rows(self, shard: int) -> Any:
        """Shard 0, 1, ... as a pyarrow table: ``path``, absolute or an address, and the columns passed through."""
        with self.folder.open(_part(shard // _PART)) as file, parquet.ParquetFile(file) as part:
            return part.read_row_group(shard % _PART)

    def paths(self, shard: int) -> list[str]:
        """Its paths alone."""
        return [str(path) for path in self.rows(shard)["path"].to_pylist()]


def _part(number: int) -> str:
    return f"{PARTS}/part-{number:05}.parquet"


def make_plan(
    folder: Folder, source: str, asked: Mapping[str, Any], labels: tuple[str, ...], metadata: Mapping[str, str] = {}
) -> Plan:
    """Start a run in ``folder``, or resume the one there.

    asked: JSON-ready settings; its ``shard_files`` is the number of pictures per shard, ``column``, ``keep`` and
    ``partition_by`` are as in ``BulkOptions``. metadata: for the Parquet files.
    Raises DataError when the folder holds a run with other settings, or when ``source`` has
    nothing to score; OutputError when the folder holds other files or cannot be written.
    """
    source = absolute(source)
    asked = {"source": source, "column": None, "keep": [], "partition_by": None, **asked}
    try:
        if folder.has(PLAN):
            return _same(read_plan(folder), asked, labels)
        if not all(map(_begun, folder.files())):
            raise OutputError(f"{folder.address} holds other files. Choose a new folder as OUT.", folder.local)
        schema = kept(source, asked["column"], asked["keep"])
        check_kept(schema, labels, asked["partition_by"])
        with _Passed(file_schema(schema, metadata)) as passed:
            rows = find(source, asked["column"], passed, asked["keep"])
            first = next(rows, None)
            if first is None:
                raise DataError(f"There is no picture and no video in {source}.{passed.most()} Check the path.")
            sizes = _write(folder, chain([first], rows), schema, int(asked["shard_files"]))
            passed.write(folder)
        content = {"asked": asked, "labels": labels, "sizes": sizes}
        folder.write(PLAN, json.dumps(content) + "\n")
    except OutputError:
        raise
    except OSError as error:
        message = f"Nothing can be written into {folder.address}: {error.strerror or error}. Choose another OUT."
        raise OutputError(message, folder.local) from error
    return read_plan(folder)


def _same(plan: Plan, asked: Mapping[str, Any], labels: tuple[str, ...]) -> Plan:
    changed = [name for name in asked if plan.asked.get(name) != asked[name]]
    if changed or plan.labels != labels:
        raise DataError(
            f"{plan.folder.address} holds a run with another {', '.join(changed) or 'model'}: "
            "ask for the same to go on with it, or choose another OUT."
        )
    return plan


def _begun(name: str) -> bool:
    """Whether a file of OUT belongs to an interrupted plan."""
    hidden = any(part.startswith(".") for part in name.split("/"))
    return hidden or name == f"{FILES}/{PASSED_OVER}" or name.startswith(f"{PARTS}/part-")


def _write(folder: Folder, rows: Iterable[Row], schema: Any, shard_files: int) -> list[int]:
    """Write the parts of the plan; the number of files in each shard."""
    sizes: list[int] = []
    whole = pa.schema([("path", pa.string()), *schema])
    for number, shards in groupby(enumerate(cut(rows, shard_files)), lambda item: item[0] // _PART):
        with folder.new(_part(number)) as path, parquet.ParquetWriter(path, whole, compression="zstd") as writer:
            for _, shard in shards:
                columns = zip(*((storable(path), *values) for path, values in shard), strict=True)
                arrays = [pa.array(column, field.type) for column, field in zip(columns, whole, strict=True)]
                writer.write_table(pa.Table.from_arrays(arrays, schema=whole))
                sizes.append(len(shard))
    return sizes


class _Passed:
    """What is passed over, as it is told: collected in a file of this machine, for ``files`` in OUT."""

    def __init__(self, schema: Any) -> None:
        self._schema, self._open = schema, ExitStack()
        self._rows: list[dict[str, Any]] = []
        self._count, self._first = 0, ""

    def __enter__(self) -> "_Passed":
        self._path = Path(self._open.enter_context(tempfile.TemporaryDirectory(prefix="emotion-bulk-"))) / PASSED_OVER
        self._writer = self._open.enter_context(parquet.ParquetWriter(self._path, self._schema, compression="zstd"))
        return self

    def __exit__(self, *error: object) -> None:
        self._open.close()

    def __call__(self, path: str, reason: str) -> None:
        self._count += 1
        self._first = self._first or f"{storable(path)}: {reason}"
        row = {"kind": "other", "status": "passed_over", "faces": 0, "frames": 0, "note": reason}
        self._rows.append({**row, "path": storable(path)})
        if len(self._rows) >= _PASSED:
            self._flush()

    def _flush(self) -> None:
        self._writer.write_table(pa.Table.from_pylist(self._rows, self._schema))
        self._rows = []

    def most(self) -> str:
        """How many files were passed over and the first of them, to explain why nothing is left."""
        return f" {self._count} passed over, such as {self._first}" if self._count else ""

    def write(self, folder: Folder) -> None:
        """Write them into OUT; nothing can be added afterwards."""
        self._flush()
        self._writer.close()
        with folder.new(f"{FILES}/{PASSED_OVER}") as path:
            shutil.copyfile(self._path, path)


def read_plan(folder: Folder) -> Plan:
    """The plan of a run; DataError when it cannot be read."""
    try:
        content = json.loads(folder.read(PLAN))
        return Plan(folder, content["asked"], tuple(content["labels"]), tuple(content["sizes"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{folder.address}/{PLAN} cannot be read ({error}). Choose another OUT.") from error


def cut(rows: Iterable[Row], shard_files: int) -> Iterator[list[Row]]:
    """Consecutive shards of at most ``shard_files`` pictures; a video counts as ``VIDEO_WEIGHT`` of them."""
    shard: list[Row] = []
    weight = 0
    for row in rows:
        more = VIDEO_WEIGHT if is_video(row[0]) else 1
        if shard and weight + more > shard_files:
            yield shard
            shard, weight = [], 0
        shard.append(row)
        weight += more
    if shard:
        yield shard
