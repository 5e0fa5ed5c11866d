"""The plan of a bulk run of ten million synthetic names: how long it takes and how much memory and disk."""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from recording import begun, keep

#: Rows of the table that are made at a time.
_ROWS = 100_000
_KIB_IN_MB = 1024 / 1e6


def main() -> int:
    """Measure and write the record, in a process that does nothing else; returns 1 if it took 1 GB or more."""
    from emotion_core.bulk.run import require

    require()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--names", type=int, default=10_000_000, metavar="N", help="(10000000)")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.inside:
        print(json.dumps(plan(options.inside / "names.parquet", options.inside / "scores")))
        return 0
    record = begun()
    with tempfile.TemporaryDirectory(prefix="emotion-bulk-") as name:
        write_names(Path(name) / "names.parquet", options.names)
        command = [sys.executable, __file__, "--out", str(options.out), "--inside", name]
        measured = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout.splitlines()[-1])
    keep({**record, "names": options.names, **measured}, options.out)
    return int(measured["files"] != options.names or measured["megabytes"] >= 1000)


def write_names(path: Path, count: int) -> None:
    """Write a table of addresses in a bucket, with two columns beside."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    schema = pa.schema([("path", pa.string()), ("id", pa.int64()), ("camera", pa.string())])
    with parquet.ParquetWriter(path, schema) as writer:
        for start in range(0, count, _ROWS):
            numbers = range(start, min(start + _ROWS, count))
            cameras = [f"camera-{number % 1009:04}" for number in numbers]
            paths = [
                f"s3://photos/{camera}/{number // 10_000:05}/{number:010}.jpg"
                for number, camera in zip(numbers, cameras, strict=True)
            ]
            columns = {"path": paths, "id": list(numbers), "camera": cameras}
            writer.write_table(pa.table(columns, schema=schema))


def plan(table: Path, out: Path) -> dict[str, Any]:
    """Begin a run and end it once its plan is there, as the whole driver does before Ray starts."""
    from emotion_core.bulk.run import BulkOptions, run_bulk

    def most() -> float:
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIB_IN_MB, 1)

    options = BulkOptions(keep=("id", "camera"), detector="haar")
    few = table.with_name("few.parquet")
    write_names(few, 1000)
    next(run_bulk(str(few), table.with_name("few"), options))
    before, began = most(), time.monotonic()
    progress = next(run_bulk(str(table), out, options))
    return {
        "files": progress.total,
        "shards": len(json.loads((out / "plan.json").read_text())["sizes"]),
        "seconds": round(time.monotonic() - began, 1),
        "megabytes_with_a_thousand_names": before,
        "megabytes": most(),
        "plan_megabytes": round(sum(path.stat().st_size for path in out.rglob("*") if path.is_file()) / 1e6, 1),
    }


if __name__ == "__main__":
    sys.exit(main())
