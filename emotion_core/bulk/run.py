"""Ray Data over the shards that are left: one actor a core, the driver only counts."""

import importlib.util
import json
import logging
import math
import os
import re
import shutil
import time
import uuid
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ..errors import DataError, MissingPackageError, ToolError
from ..files import unfinished
from ..options import frames_a_second, option, whole_number
from ..recognition.bundle_config import CONFIG, BundleConfig
from ..recognition.classifier import usable_cores
from ..settings import DETECTORS

SUMMARY: Final = "summary.json"
#: Of Ray's store on one machine: it holds the model, and the numbers of shards.
_STORE_BYTES: Final = 256 * 2**20
_ATTEMPTS: Final = 3
#: Nothing phones home; no warnings about accelerators and actors that nobody asked for; and a machine
#: that has other work may take its time to start (Ray's own limits are 30 and 60 seconds).
_ENVIRONMENT: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_raylet_start_wait_time_s": "60",
    "RAY_worker_register_timeout_seconds": "300",
}
#: Shards are handed out one by one up to so many, and in groups beyond.
_MOST_BLOCKS: Final = 4096


@dataclass(frozen=True)
class BulkOptions:
    """How a run is done. model, detector: as ``EmotionRecognizer.load`` takes them."""

    column: str | None = option(None, "the table's column of paths; by default path, file, ...", metavar="NAME")
    model: str | None = option(None, "a bundle's folder or name, or owner/repo[@revision] on the Hub")
    detector: str | None = option(None, "what finds the faces", choices=DETECTORS)
    faces: bool = option(False, "each picture is one face, already cropped")
    rate: float | None = option(
        None, "analyse N frames a second of videos, not every one", type=frames_a_second, metavar="N"
    )
    workers: int | None = option(None, "by default one for each core", type=whole_number, metavar="N")
    #: All its machines see SOURCE and OUT, and have this package.
    address: str | None = option(None, "a Ray cluster that sees SOURCE and OUT, or auto", metavar="HOST:PORT")
    #: What is done again after a kill.
    shard_files: int = option(256, "pictures in a shard", type=whole_number, metavar="N")


@dataclass(frozen=True)
class BulkProgress:
    """How far the run is. files, faces, failed: of this run; files_left: seconds are estimated from it."""

    files: int
    faces: int
    failed: int
    total: int
    files_left: int
    rate: float

    @property
    def seconds_left(self) -> float:
        """What the rest will take at this rate, in seconds; infinite before a rate is known."""
        return self.files_left / self.rate if self.rate else math.inf


def run_bulk(source: str, out: str | os.PathLike[str], options: BulkOptions) -> Generator[BulkProgress, None, None]:
    """Score everything in ``source`` into the folder ``out``, or go on with what was begun there.

    Reports after every shard; when the iteration has ended, ``summary.json`` is written. Raises an
    EmotionError when Ray is missing, when the model is not available, or when the workers cannot continue;
    DataError as ``plan.make_plan`` does.
    """
    for place in (source, os.fspath(out)):
        refuse_address(place)
    require()
    from .plan import PATHS_FILE, make_plan
    from .tables import finished, group_sizes, tally
    from .worker import TRAILS, Parts

    folder = Path(out).absolute()
    parts = Parts.collect(options.model, options.detector, options.faces)
    config = BundleConfig.from_json(parts.bundle[CONFIG])
    [served] = parts.bundle.keys() - {CONFIG}
    asked = {
        "model": config.name,
        "model_sha256": config.files.get(served, ""),
        "detector": parts.detector,
        "faces": options.faces,
        "rate": options.rate,
        "shard_files": options.shard_files,
    }
    plan = make_plan(folder, source, options.column, asked, config.labels)
    done = finished(folder)
    left = [shard for shard in range(plan.shards) if shard not in done]
    began = time.monotonic()
    sizes = group_sizes(folder / PATHS_FILE)
    before = sum(sizes[shard] for shard in done)
    files_left = plan.files - before
    files = faces = failed = 0
    yield BulkProgress(0, 0, 0, plan.files, files_left, 0.0)
    if left:
        for row in _on_ray(left, parts, folder, options):
            files, faces, failed = files + row["files"], faces + row["faces"], failed + row["failed"]
            rate = files / (time.monotonic() - began)
            yield BulkProgress(files, faces, failed, plan.files, files_left - files, rate)
    for leftover in folder.glob("**/.part-*"):  # of runs that were killed
        leftover.unlink(missing_ok=True)
    shutil.rmtree(folder / TRAILS, ignore_errors=True)
    seconds = round(time.monotonic() - began, 3)
    this_run = {"files": files, "files_before": before, "seconds": seconds}
    summary = {**asked, **tally(folder), "shards": plan.shards, "last_run": this_run}
    with unfinished(folder / SUMMARY) as part:
        part.write_text(json.dumps(summary, indent=1) + "\n")


def refuse_address(place: str) -> None:
    """Raise DataError for ``s3://bucket/...`` and its like, which would be taken for folders of that name.

    A ``Path`` leaves one slash of the two.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", place):
        raise DataError(
            f"{place} is an address, and bulk reads and writes folders. Mount it, or copy it here and the result back."
        )


def require() -> None:
    """Raise MissingPackageError, saying what to install, where Ray or pyarrow is missing."""
    missing = [name for name in ("ray", "pyarrow") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPackageError.for_extra("bulk", missing, "bulk")


def _on_ray(shards: list[int], parts: Any, folder: Path, options: BulkOptions) -> Iterator[dict[str, int]]:
    """Start Ray or join a cluster, and yield what each shard gave, in the order in which they end."""
    for name, value in _ENVIRONMENT.items():  # before the import, which reads it
        os.environ.setdefault(name, value)
    import ray
    import ray.data

    from .worker import ShardWorker

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        if options.address:
            ray.init(address=options.address, log_to_driver=False, logging_level=logging.ERROR)
            workers = options.workers or int(ray.cluster_resources().get("CPU", 1))
        else:
            workers = options.workers or usable_cores()
            _start_here(ray, workers)
        run = uuid.uuid4().hex
        stored = ray.put(parts)  # held here, so that a worker that starts again finds it
        rows = ray.data.from_items(
            [{"shard": shard} for shard in shards], override_num_blocks=min(len(shards), _MOST_BLOCKS)
        )
        results = rows.map_batches(
            ShardWorker,
            batch_size=1,
            fn_constructor_args=(stored, str(folder), run),
            # One shard in work and one waiting: at the end no worker has a queue while another has none.
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(shards)), max_tasks_in_flight_per_actor=2),
            num_cpus=1,
        )
        for row in results.iter_rows():
            yield {name: int(value) for name, value in row.items()}
    except Exception as error:  # Ray raises all of them, a bare Exception included
        reason = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise ToolError(f"The workers cannot continue: {reason[0]} Give the same command again to resume.") from error
    finally:
        ray.shutdown()


def _start_here(ray: Any, workers: int) -> None:
    """Start Ray on this machine alone. Parts of it give up on each other after 15 seconds, which
    cannot be set and is too short beside other heavy work: hence more than one attempt.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            ray.init(
                address="local",
                num_cpus=workers,
                include_dashboard=False,
                log_to_driver=False,
                logging_level=logging.ERROR,
                object_store_memory=_STORE_BYTES,
            )
            return
        except Exception:  # a bare one, where it took too long
            ray.shutdown()
            if attempt == _ATTEMPTS:
                raise
