"""The Parquet files of a bulk run, and the order of writing that makes a shard appear as a whole.

    faces/shard-000000.parquet      a row per face
    failures/shard-000000.parquet   a row per file that cannot be used
    files/shard-000000.parquet      a row per file: its outcome

    files/passed-over.parquet       what was skipped in a folder or table, and why

With ``partition_by``, ``faces`` and ``failures`` have a folder ``column=value`` for each value among a shard's files.

A shard's file in ``files`` marks it as finished: it is written after the others. Each appears as a whole, and which
files a shard has depends on the plan alone, so an interrupted shard is simply done again, over what is there.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import pyarrow as pa
import pyarrow.compute as compute
import pyarrow.dataset as datasets
import pyarrow.parquet as parquet

from ..errors import DataError
from ..results import face_columns
from .folder import Folder
from .places import reach

FACES: Final = "faces"
FAILURES: Final = "failures"
FILES: Final = "files"
#: In ``FILES``, next to the shards.
PASSED_OVER: Final = "passed-over.parquet"
#: Of these schemas, as ``emotion.schema_version`` in every file's metadata; changes are in the change log.
SCHEMA_VERSION: Final = 2
#: What Hive calls the folder of rows without a value.
NO_VALUE: Final = "__HIVE_DEFAULT_PARTITION__"

_FAILURE: Final = [("path", pa.string()), ("code", pa.string()), ("error", pa.string())]
#: status: faces, no_face, failed or passed_over, with the reason as note. faces: rows in ``faces``. frames: frames
#: analysed, 1 for a picture. Sizes in pixels.
_FILE: Final = [
    ("path", pa.string()),
    ("kind", pa.string()),
    ("status", pa.string()),
    ("faces", pa.int64()),
    ("frames", pa.int64()),
    ("width", pa.int32()),
    ("height", pa.int32()),
    ("note", pa.string()),
]
#: Types of the columns other than float64.
_FACE_TYPES: Final = {
    "emotion": pa.string(),
    "uncertain": pa.bool_(),
    **dict.fromkeys(("x", "y", "width", "height"), pa.int32()),
}


def _face(labels: Sequence[str]) -> list[Any]:
    """A row per face. frame, time_seconds and person are null for pictures; boxes are in pixels of the
    upright picture; detection_score is null if the detector gives none; each label has a column of probabilities.
    """
    return [
        ("path", pa.string()),
        ("frame", pa.int64()),
        ("time_seconds", pa.float64()),
        ("person", pa.int32()),
        ("face", pa.int32()),
        *((name, _FACE_TYPES.get(name, pa.float64())) for name in face_columns(labels)),
        ("model", pa.string()),
    ]


def file_schema(kept: Any, metadata: Mapping[str, str]) -> Any:
    """The schema of ``files``; kept: the schema of the columns passed through, which are last."""
    return pa.schema([*_FILE, *kept], metadata)


def check_kept(kept: Any, labels: Sequence[str], partition_by: str | None) -> None:
    """DataError if a column passed through has the name of one of the result's own, or the partition's is not kept."""
    own = {name for name, _ in [*_face(labels), *_FILE, *_FAILURE]}
    if taken := [name for name in kept.names if name in own]:
        raise DataError(f"The result has a column {taken[0]} of its own. Rename that of the table, or do not keep it.")
    if partition_by and partition_by not in kept.names:
        raise DataError(f"There is no column {partition_by} among those kept. Name it with --keep, too.")


def shard_file(table: str, shard: int) -> str:
    """The name of a shard's part of a table, within the table's folder or a partition of it."""
    return f"{table}/shard-{shard:06}.parquet"


class ShardWriter:
    """Writes finished shards. kept: the schema of the columns passed through; metadata: for every file."""

    def __init__(
        self,
        folder: Folder,
        labels: Sequence[str],
        kept: Any,
        metadata: Mapping[str, str],
        partition_by: str | None = None,
    ) -> None:
        self._folder, self._by = folder, partition_by
        self._schemas = {
            FACES: pa.schema([*_face(labels), *kept], metadata),
            FAILURES: pa.schema([*_FAILURE, *kept], metadata),
            FILES: file_schema(kept, metadata),
        }

    def write(self, shard: int, planned: Any, rows: Mapping[str, Sequence[dict[str, Any]]]) -> None:
        """Write a shard; OSError on failure.

        planned: the shard's rows of the plan, as a pyarrow table; rows: by table, with the path of each.
        """
        values = {row.pop("path"): row for row in planned.to_pylist()}
        places = sorted({self._place(row) for row in values.values()})
        for table in (FACES, FAILURES, FILES):  # files last, as it marks the shard as finished
            schema, complete = self._schemas[table], [{**row, **values[row["path"]]} for row in rows[table]]
            if table == FILES or self._by is None:
                self._put(shard_file(table, shard), complete, schema)
                continue
            schema = schema.remove(schema.get_field_index(self._by))
            for place in places:
                here = [row for row in complete if self._place(row) == place]
                self._put(shard_file(f"{table}/{place}", shard), here, schema)

    def _place(self, row: Mapping[str, Any]) -> str:
        """The folder of a row's partition."""
        value = row.get(self._by) if self._by else None
        text = value.decode() if isinstance(value, bytes) else str(value)
        return f"{quote(self._by or '', safe='')}={NO_VALUE if value in (None, '') else quote(text, safe='')}"

    def _put(self, name: str, rows: Sequence[dict[str, Any]], schema: Any) -> None:
        with self._folder.new(name) as path:
            parquet.write_table(pa.Table.from_pylist(list(rows), schema), path, compression="zstd")


def finished(folder: Folder) -> set[int]:
    """The numbers of the finished shards."""
    start = shard_file(FILES, 0).partition("0")[0]
    return {
        int(name.removeprefix(start).removesuffix(".parquet")) for name in folder.files(FILES) if name.startswith(start)
    }


def face_rows(folder: Folder) -> list[dict[str, Any]]:
    """The rows of ``faces`` from all finished shards, for a run that fits into memory."""
    done = {shard_file("", shard) for shard in finished(folder)}
    names = [name for name in folder.files(FACES) if f"/{name.rpartition('/')[2]}" in done]
    return [dict(row) for batch in _batches(folder, FACES, names) for row in batch.to_pylist()]


def tally(folder: Folder) -> dict[str, int]:
    """Totals over the finished shards: files, faces, frames, files per status, and files passed over."""
    sums = dict.fromkeys(("files", "faces", "frames", "with_faces", "no_face", "failed", "passed_over"), 0)
    names = {"faces": "with_faces", "no_face": "no_face", "failed": "failed", "passed_over": "passed_over"}
    for batch in _batches(folder, FILES, folder.files(FILES), ["status", "faces", "frames"]):
        for status in compute.value_counts(batch["status"]):
            count = status["counts"].as_py()
            sums[names[status["values"].as_py()]] += count
            sums["files"] += count if status["values"].as_py() != "passed_over" else 0
        for name in ("faces", "frames"):
            sums[name] += compute.sum(batch[name]).as_py() or 0
    return sums


def _batches(folder: Folder, table: str, names: Sequence[str], columns: list[str] | None = None) -> Iterator[Any]:
    system, base = reach(f"{folder.address}/{table}")
    files = [f"{base}{name.removeprefix(table)}" for name in names]
    if files:
        hive = datasets.partitioning(flavor="hive")
        found = datasets.dataset(files, filesystem=system, format="parquet", partitioning=hive, partition_base_dir=base)
        yield from found.to_batches(columns=columns)
