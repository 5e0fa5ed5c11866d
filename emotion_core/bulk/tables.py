"""The Parquet files of a bulk run, and the order of writing that makes a shard appear as a whole.

    faces/shard-000000.parquet      a row per face
    failures/shard-000000.parquet   a row per file that cannot be used
    files/shard-000000.parquet      a row per file: its outcome

    files/passed-over.parquet       what was skipped in a folder or table, and why

A shard's file in ``files`` marks it as finished: it is written after the other two, and all are written
under a temporary name and then renamed, so an interrupted shard is simply done again.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as parquet

from ..files import unfinished
from ..results import face_columns

FACES: Final = "faces"
FAILURES: Final = "failures"
FILES: Final = "files"
#: In ``FILES``, next to the shards.
PASSED_OVER: Final = "passed-over.parquet"

PATHS: Final = pa.schema([("path", pa.string())])
FAILURE_SCHEMA: Final = pa.schema([("path", pa.string()), ("error", pa.string())])
#: status: faces, no_face, failed or passed_over, with the reason as note. faces: rows in ``faces``. frames: frames
#: analysed, 1 for a picture. Sizes in pixels.
FILE_SCHEMA: Final = pa.schema(
    [
        ("path", pa.string()),
        ("kind", pa.string()),
        ("status", pa.string()),
        ("faces", pa.int64()),
        ("frames", pa.int64()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("note", pa.string()),
    ]
)


#: Types of the columns other than float64.
_FACE_TYPES: Final = {
    "emotion": pa.string(),
    "uncertain": pa.bool_(),
    **dict.fromkeys(("x", "y", "width", "height"), pa.int32()),
}


def face_schema(labels: Sequence[str]) -> Any:
    """A row per face. frame, time_seconds and person are null for pictures; boxes are in pixels of the
    upright picture; detection_score is null if the detector gives none; each label has a column of probabilities.
    """
    return pa.schema(
        [
            ("path", pa.string()),
            ("frame", pa.int64()),
            ("time_seconds", pa.float64()),
            ("person", pa.int32()),
            ("face", pa.int32()),
            *((name, _FACE_TYPES.get(name, pa.float64())) for name in face_columns(labels)),
            ("model", pa.string()),
        ]
    )


def shard_file(folder: Path, table: str, shard: int) -> Path:
    """The file of a shard's part of a table, once it is finished."""
    return folder / table / f"shard-{shard:06}.parquet"


def write_shard(
    folder: Path,
    shard: int,
    labels: Sequence[str],
    faces: Sequence[dict[str, Any]],
    failures: Sequence[dict[str, Any]],
    files: Sequence[dict[str, Any]],
) -> None:
    """Write a finished shard; OSError on failure."""
    tables = (
        (FACES, face_schema(labels), faces),
        (FAILURES, FAILURE_SCHEMA, failures),
        (FILES, FILE_SCHEMA, files),  # last, as it marks the shard as finished
    )
    for name, schema, rows in tables:
        write_groups(shard_file(folder, name, shard), schema, [rows])


def write_passed_over(folder: Path, reasons: Mapping[str, str]) -> None:
    """Write skipped paths and reasons, which belong to no shard, into ``files``; OSError on failure."""
    row = {"kind": "other", "status": "passed_over", "faces": 0, "frames": 0}
    rows = [{**row, "path": path, "note": reason} for path, reason in reasons.items()]
    write_groups(folder / FILES / PASSED_OVER, FILE_SCHEMA, [rows])


def finished(folder: Path) -> set[int]:
    """The numbers of the finished shards."""
    return {int(path.stem.partition("-")[2]) for path in (folder / FILES).glob("shard-*.parquet")}


def write_groups(path: Path, schema: Any, groups: Iterable[Sequence[dict[str, Any]]]) -> None:
    """Write a Parquet file with a row group per list of rows; it appears only when complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with unfinished(path) as part, parquet.ParquetWriter(part, schema, compression="zstd") as writer:
        for rows in groups:
            writer.write_table(pa.Table.from_pylist(list(rows), schema))


def read_group(path: Path, group: int) -> Any:
    """One row group, as a pyarrow table."""
    with parquet.ParquetFile(path) as file:
        return file.read_row_group(group)


def group_sizes(path: Path) -> list[int]:
    """The number of rows in each row group; only the file's footer is read."""
    with parquet.ParquetFile(path) as file:
        return [int(file.metadata.row_group(group).num_rows) for group in range(file.metadata.num_row_groups)]


def face_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of ``faces`` from all finished shards, for a run that fits into memory."""
    return [
        dict(row)
        for shard in sorted(finished(folder))
        for row in parquet.read_table(shard_file(folder, FACES, shard)).to_pylist()
    ]


def tally(folder: Path) -> dict[str, int]:
    """Totals over the finished shards: files, faces, frames, files per status, and files passed over."""
    sums = dict.fromkeys(("files", "faces", "frames", "with_faces", "no_face", "failed"), 0)
    names = {"faces": "with_faces", "no_face": "no_face", "failed": "failed"}
    for shard in sorted(finished(folder)):
        table = parquet.read_table(shard_file(folder, FILES, shard), columns=["status", "faces", "frames"])
        for status, faces, frames in zip(*(column.to_pylist() for column in table.columns), strict=True):
            sums["files"] += 1
            sums["faces"] += faces
            sums["frames"] += frames
            sums[names[status]] += 1
    passed = folder / FILES / PASSED_OVER  # absent from runs of older versions
    return {**sums, "passed_over": sum(group_sizes(passed)) if passed.is_file() else 0}
