"""Run Ray Data over the remaining shards: one actor per core; the driver only counts."""

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
#: Size of Ray's object store on one machine: it holds the model, and shard numbers.
_STORE_BYTES: Final = 256 * 2**20
_ATTEMPTS: Final = 3
#: No usage statistics; no irrelevant warnings about accelerators and actors; and longer timeouts for
#: starting on a busy machine (Ray's defaults are 30 and 60 seconds).
_ENVIRONMENT: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_raylet_start_wait_time_s": "60",
    "RAY_worker_register_timeout_seconds": "300",
}
#: Up to this many shards are handed out one by one; beyond, in groups.
_MOST_BLOCKS: Final = 4096


@dataclass(frozen=True)
class BulkOptions:
    """Options of a run. model, detector: as for ``EmotionRecognizer.load``."""

    column: str | None = option(None, "the table's column of paths; by default path, file, ...", metavar="NAME")
    model: str | None = option(None, "a bundle's folder or name, or owner/repo[@revision] on the Hub")
    detector: str | None = option(None, "what finds the faces", choices=DETECTORS)
    faces: bool = option(False, "each picture is one face, already cropped")
    rate: float | None = option(
        None, "analyse N frames a second of videos, not every one", type=frames_a_second, metavar="N"
    )
    workers: int | None = option(None, "by default one for each core", type=whole_number, metavar="N")
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


def run_bulk(source: str, out: str | os.PathLike[str], options: BulkOptions) -> Generator[BulkProgress, None, None]:
    """Score everything in ``source`` into the folder ``out``, or resume the run there.

    Yields progress after every shard; ``summary.json`` is written at the end. Raises an EmotionError
    when Ray is missing, when the model is not available, or when the workers cannot continue, and
    whatever ``plan.make_plan`` raises.
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
    for leftover in folder.glob("**/.part-*"):  # from runs that were killed
        leftover.unlink(missing_ok=True)
    shutil.rmtree(folder / TRAILS, ignore_errors=True)
    seconds = round(time.monotonic() - began, 3)
    this_run = {"files": files, "files_before": before, "seconds": seconds}
    summary = {**asked, **tally(folder), "shards": plan.shards, "last_run": this_run}
    with unfinished(folder / SUMMARY) as part:
        part.write_text(json.dumps(summary, indent=1) + "\n")


def refuse_address(place: str) -> None:
    """Raise DataError for ``s3://bucket/...`` and the like, which would be mistaken for folder names.

    Matches a single slash, since ``Path`` collapses the two.
    """
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", place):
        raise DataError(
            f"{place} is an address, and bulk reads and writes folders. Mount it, or copy it here and the result back."
        )


def require() -> None:
    """Raise MissingPackageError, saying what to install, if Ray or pyarrow is missing."""
    missing = [name for name in ("ray", "pyarrow") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingPackageError.for_extra("bulk", missing, "bulk")


def _on_ray(shards: list[int], parts: Any, folder: Path, options: BulkOptions) -> Iterator[dict[str, int]]:
    """Start Ray or join a cluster, and yield the counts of each shard as it finishes."""
    for name, value in _ENVIRONMENT.items():  # before the import, which reads them
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
        stored = ray.put(parts)  # referenced here, so that a restarted worker still finds it
        rows = ray.data.from_items(
            [{"shard": shard} for shard in shards], override_num_blocks=min(len(shards), _MOST_BLOCKS)
        )
        results = rows.map_batches(
            ShardWorker,
            batch_size=1,
            fn_constructor_args=(stored, str(folder), run),
            # One shard running and one waiting, so that no worker is idle at the end while another has a queue.
            compute=ray.data.ActorPoolStrategy(size=min(workers, len(shards)), max_tasks_in_flight_per_actor=2),
            num_cpus=1,
        )
        for row in results.iter_rows():
            yield {name: int(value) for name, value in row.items()}
    except Exception as error:  # Ray raises many kinds, including a bare Exception
        reason = str(error).strip().splitlines()[-1:] or [type(error).__name__]
        raise ToolError(f"The workers cannot continue: {reason[0]} Give the same command again to resume.") from error
    finally:
        ray.shutdown()


def _start_here(ray: Any, workers: int) -> None:
    """Start Ray on this machine only. Its processes give up on each other after 15 seconds, which
    is not configurable and too short under heavy load: hence several attempts.
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
        except Exception:  # Ray raises a bare Exception on a timeout
            ray.shutdown()
            if attempt == _ATTEMPTS:
                raise
