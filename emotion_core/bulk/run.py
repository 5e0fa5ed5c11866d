"""A bulk run from beginning to end: the plan, the shards that are left, the sums."""

import importlib.util
import json
import math
import os
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from ..errors import MissingPackageError, ToolError
from ..options import frames_a_second, option, whole_number
from ..recognition.bundle_config import CONFIG, BundleConfig
from ..settings import DETECTORS
from .folder import Folder
from .limits import Failures, names, share
from .pool import Workers, on_ray

SUMMARY: Final = "summary.json"


@dataclass(frozen=True)
class BulkOptions:
    """Options of a run. model, detector: as for ``EmotionRecognizer.load``."""

    column: str | None = option(None, "the table's column of paths; by default path, file, ...", metavar="NAME")
    keep: tuple[str, ...] = option(
        (),
        "columns of the table, or name=value folders of the paths, to have in the result; * for all of a table",
        type=names,
        metavar="NAME,...",
    )
    partition_by: str | None = option(
        None, "a column that is kept: the result has a folder NAME=value for each", metavar="NAME"
    )
    model: str | None = option(None, "a bundle's folder or name, or owner/repo[@revision] on the Hub")
    detector: str | None = option(None, "what finds the faces", choices=DETECTORS)
    faces: bool = option(False, "each picture is one face, already cropped")
    rate: float | None = option(
        None, "analyse N frames a second of videos, not every one", type=frames_a_second, metavar="N"
    )
    max_failures: Failures | None = option(
        None,
        "stop once more files than that have failed; by default all are scored, and more than 1%% is a failed run",
        type=Failures.from_text,
        metavar="N|N%",
    )
    workers: Workers | None = option(
        None,
        "by default one for each core; 2-16 for a pool that grows and shrinks",
        type=Workers.from_text,
        metavar="N",
    )
    gpus: float = option(0.0, "each worker's share of a GPU, which Ray reserves", type=share, metavar="N")
    #: All its machines must see SOURCE and OUT, and have this package installed.
    address: str | None = option(None, "a Ray cluster that sees SOURCE and OUT, or auto", metavar="HOST:PORT")
    #: The unit of work that is repeated after a kill.
    shard_files: int = option(256, "pictures in a shard", type=whole_number, metavar="N")


@dataclass(frozen=True)
class BulkProgress:
    """Progress of the run. files, faces, failed: in this run; files_left: for estimating the time left."""

    files: int
    faces: int
    failed: int
    total: int
    files_left: int
    rate: float

    @property
    def seconds_left(self) -> float:
        """Seconds left at this rate; infinite before a rate is known."""
        return self.files_left / self.rate if self.rate else math.inf

    def metrics(self) -> dict[str, Any]:
        """For a scheduler, as JSON's types; seconds_left is None before a rate is known."""
        done = self.total - self.files_left
        counts = {"files_total": self.total, "files_done": done, "faces": self.faces, "failed": self.failed}
        left = round(self.seconds_left, 1) if self.rate else None
        return {"event": "progress", **counts, "files_per_second": round(self.rate, 2), "seconds_left": left}


def run_bulk(
    source: str, out: str | os.PathLike[str], options: BulkOptions
) -> Generator[BulkProgress, None, dict[str, Any]]:
    """Score everything in ``source`` into the folder ``out``, or resume the run there; both may be addresses.

    Yields progress after every shard, and returns the sums, which are written as ``summary.json``, too. Raises an
    EmotionError when a package is missing, when the model is not available, when the workers cannot continue or
    when too many files failed, and whatever ``plan.make_plan`` raises.
    """
    require()
    from .metadata import metadata_of
    from .plan import make_plan
    from .tables import finished, tally
    from .trail import TRAILS
    from .worker import Parts

    folder = Folder.at(out)
    parts = Parts.collect(options.model, options.detector, options.faces)
    config = BundleConfig.from_json(parts.bundle[CONFIG])
    asked = {
        "model": config.name,
        **parts.hashes(),
        "detector": parts.detector,
        "faces": options.faces,
        "rate": options.rate,
        "column": options.column,
        "keep": list(options.keep),
        "partition_by": options.partition_by,
        "shard_files": options.shard_files,
    }
    plan = make_plan(folder, source, asked, config.labels, metadata_of(asked))
    done = finished(folder)
    left = [shard for shard in range(plan.shards) if shard not in done]
    failed_before = tally(folder)["failed"] if done and options.max_failures else 0
    began = time.monotonic()
    before = sum(plan.sizes[shard] for shard in done)
    files_left = plan.files - before
    files = faces = failed = 0
    yield BulkProgress(0, 0, 0, plan.files, files_left, 0.0)
    if left:
        workers = options.workers or Workers()
        with closing(on_ray(left, parts, folder, workers, options.gpus, options.address)) as results:
            for row in results:
                files, faces, failed = files + row["files"], faces + row["faces"], failed + row["failed"]
                rate = files / (time.monotonic() - began)
                yield BulkProgress(files, faces, failed, plan.files, files_left - files, rate)
                if options.max_failures and options.max_failures.exceeded(failed_before + failed, plan.files):
                    raise ToolError(
                        f"{failed_before + failed:,} of {plan.files:,} files failed, more than --max-failures "
                        f"{options.max_failures}: {folder.address}/failures says why. Give a higher number to go on."
                    )
    folder.sweep()
    folder.remove_below(TRAILS)
    seconds = round(time.monotonic() - began, 3)
    this_run = {"files": files, "files_before": before, "seconds": seconds}
    summary = {**asked, **tally(folder), "source": plan.asked["source"], "shards": plan.shards, "last_run": this_run}
    folder.write(SUMMARY, json.dumps(summary, indent=1) + "\n")
    return summary


def require() -> None:
    """Raise MissingPackageError, saying what to install, if Ray or pyarrow is missing."""
    missing = [name for name in ("ray", "pyarrow") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPackageError.for_extra("bulk", missing, "bulk")
