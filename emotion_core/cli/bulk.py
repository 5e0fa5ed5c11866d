"""The command ``bulk``: its options and its progress. Ray is needed only when it runs."""

import argparse
import json
import sys
import time
from collections.abc import Generator
from contextlib import closing
from typing import TYPE_CHECKING, Any

from .options import add_fields, given

if TYPE_CHECKING:
    from ..bulk.run import BulkProgress

#: Seconds between two lines of progress when the output is not a terminal, as in a log.
_LOG_SECONDS = 10


def add_bulk(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's commands."""
    from ..bulk.run import BulkOptions

    bulk = commands.add_parser("bulk", help="score folders or tables of any size into Parquet, on Ray Data")
    bulk.add_argument(
        "source",
        metavar="SOURCE",
        help="a folder, a quoted glob, or a CSV or Parquet file of paths, here or in a store (s3://, gs://, hf://)",
    )
    bulk.add_argument("out", metavar="OUT", help="a new folder, here or in a store, or that of a run to resume")
    add_fields(bulk.add_mutually_exclusive_group(), BulkOptions, "detector", "faces")
    names = ("column", "keep", "partition_by", "model", "rate", "max_failures")
    add_fields(bulk, BulkOptions, *names, "workers", "gpus", "address", "shard_files")
    bulk.add_argument("--json", action="store_true", help="progress and sums as JSON, a line each, for a scheduler")
    bulk.set_defaults(run=run_command)


def run_command(options: argparse.Namespace) -> int:
    """Score everything; returns 1 if too many files could not be used."""
    from ..bulk.limits import USUAL
    from ..bulk.run import BulkOptions, run_bulk

    asked = BulkOptions(**given(options, BulkOptions))
    summary = _follow(run_bulk(options.source, options.out, asked), options.json)
    failed = (asked.max_failures or USUAL).exceeded(summary["failed"], summary["files"])
    if options.json:
        print(json.dumps({"event": "summary", "succeeded": not failed, **summary}), flush=True)
        return int(failed)
    print(f"{summary['files']:,} files -> {options.out}: {summary['faces']:,} faces in {summary['with_faces']:,} files")
    counts = {"no face": "no_face", "failed": "failed", "passed over": "passed_over"}
    print("  " + "  ".join(f"{words}: {summary[name]:,}" for words, name in counts.items()))
    if summary["failed"]:
        print(f"  why: {str(options.out).rstrip('/')}/failures, in the columns code and error")
    if failed:
        print(f"More failed than {asked.max_failures or USUAL} of the files: the exit status is 1.", file=sys.stderr)
    return int(failed)


def _follow(steps: "Generator[BulkProgress, None, dict[str, Any]]", as_json: bool) -> "dict[str, Any]":
    """Tell the progress until the run is over; its sums."""
    told = 0.0
    with closing(steps):
        while True:
            try:
                progress = next(steps)
            except StopIteration as over:
                if sys.stderr.isatty() and not as_json:
                    print(file=sys.stderr)
                return dict(over.value)
            due = time.monotonic() - told > _LOG_SECONDS or not progress.files_left
            if sys.stderr.isatty() and not as_json:
                print(f"\r{_line(progress)}\x1b[K", end="", file=sys.stderr, flush=True)
            elif due:
                told = time.monotonic()
                line = json.dumps(progress.metrics()) if as_json else _line(progress)
                print(line, file=sys.stdout if as_json else sys.stderr, flush=True)


def _line(progress: "BulkProgress") -> str:
    done = progress.total - progress.files_left
    line = f"{done:,} of {progress.total:,} files, {progress.faces:,} faces, {progress.failed:,} failed"
    return line if not progress.rate else f"{line}, {progress.rate:.1f} a second, {progress.seconds_left:.0f} s left"
