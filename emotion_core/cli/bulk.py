"""The command ``bulk``: its options and its progress. Ray is needed only when it runs."""

import argparse
import json
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from .options import add_fields, given

if TYPE_CHECKING:
    from ..bulk.run import BulkProgress

#: Seconds between two lines of progress when the output is not a terminal, as in a log.
_LOG_SECONDS = 10


def add_bulk(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's commands."""
    from ..bulk.run import BulkOptions

    bulk = commands.add_parser("bulk", help="score folders or tables of any size into Parquet, on Ray Data")
    bulk.add_argument("source", metavar="SOURCE", help="a folder, a quoted glob, or a CSV or Parquet file of paths")
    bulk.add_argument("out", type=Path, metavar="OUT", help="a new folder, or the folder of a run to resume")
    add_fields(bulk.add_mutually_exclusive_group(), BulkOptions, "detector", "faces")
    add_fields(bulk, BulkOptions, "column", "model", "rate", "workers", "address", "shard_files")
    bulk.set_defaults(run=run_command)


def run_command(options: argparse.Namespace) -> int:
    """Score everything; returns 1 if some files could not be used, which are listed."""
    from ..bulk.run import SUMMARY, BulkOptions, run_bulk

    asked = BulkOptions(**given(options, BulkOptions))
    told = 0.0
    with closing(run_bulk(options.source, options.out, asked)) as steps:
        for progress in steps:
            if sys.stderr.isatty():
                print(f"\r{_line(progress)}\x1b[K", end="", file=sys.stderr, flush=True)
            elif time.monotonic() - told > _LOG_SECONDS or not progress.files_left:
                told = time.monotonic()
                print(_line(progress), file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    summary = json.loads((options.out / SUMMARY).read_text())
    print(f"{summary['files']:,} files -> {options.out}: {summary['faces']:,} faces in {summary['with_faces']:,} files")
    counts = {"no face": "no_face", "failed": "failed", "passed over": "passed_over"}
    print("  " + "  ".join(f"{words}: {summary[name]:,}" for words, name in counts.items()))
    return 1 if summary["failed"] else 0


def _line(progress: "BulkProgress") -> str:
    done = progress.total - progress.files_left
    line = f"{done:,} of {progress.total:,} files, {progress.faces:,} faces, {progress.failed:,} failed"
    return line if not progress.rate else f"{line}, {progress.rate:.1f} a second, {progress.seconds_left:.0f} s left"
