"""Ray: started here or joined, with a pool of workers that Ray Data keeps at the shards that are left."""

import logging
import os
import uuid
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Final

from ..errors import ToolError
from ..recognition.classifier import usable_cores
from .folder import Folder

#: Size of Ray's object store on one machine: it holds the model, and shard numbers.
_STORE_BYTES: Final = 256 * 2**20
_ATTEMPTS: Final = 3
#: No usage statistics; no irrelevant warnings about accelerators and actors; and longer timeouts for
#: starting on a busy machine (Ray's defaults are 30 and 60 seconds).
ENVIRONMENT: Final = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
    "RAY_raylet_start_wait_time_s": "60",
    "RAY_worker_register_timeout_seconds": "300",
}
#: Up to this many shards are handed out one by one; beyond, in groups.
_MOST_BLOCKS: Final = 4096


@dataclass(frozen=True)
class Workers:
    """How many workers run at least and at most; None: one for each core that is there at the start."""

    least: int | None = None
    most: int | None = None

    @classmethod
    def from_text(cls, text: str) -> "Workers":
        """``4``, or ``2-16`` for a pool that grows while shards wait and shrinks when they do not; ValueError."""
        least, dash, most = text.partition("-")
        if not (least.isdecimal() and (most.isdecimal() if dash else True)):
            raise ValueError(f"give a number of workers, such as 4 or 2-16, not {text}")
        found = cls(int(least), int(most or least))
        if not 0 < int(least) <= int(most or least):
            raise ValueError(f"give 1 worker or more, and the smaller number first, not {text}")
        return found


def on_ray(
    shards: list[int], parts: Any, folder: Folder, workers: Workers, gpus: float, address: str | None
) -> Generator[dict[str, int], None, None]:
    """Yield the counts of each shard as it finishes; see ``ShardWorker``.

    gpus: each worker's share of a GPU. address: of a cluster; by default Ray is started here, for the time of the run.
    Raises ToolError when the workers cannot continue.
    """
    for name, value in ENVIRONMENT.items():  # before the import, which reads them
        os.environ.setdefault(name, value)
    import ray
    import ray.data

    from .worker import ShardWorker

    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    try:
        if address:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
        else:
            _start_here(ray, workers.most or usable_cores())
        there = ray.cluster_resources()
        if gpus and not there.get("GPU") and not address:
            raise ToolError("There is no GPU here: leave out --gpus, or give the --address of a cluster that has some.")
        everywhere = max(int(there.get("CPU", 1)), 1)  # none yet, where a cluster starts its machines on demand
        least, most = (min(number or everywhere, len(shards)) for number in (workers.least, workers.most))
        stored = ray.put(parts)  # referenced here, so that a restarted worker still finds it
        rows = ray.data.from_items(
            [{"shard": shard} for shard in shards], override_num_blocks=min(len(shards), _MOST_BLOCKS)
        )
        results = rows.map_batches(
            ShardWorker,
            batch_size=1,
            fn_constructor_args=(stored, folder.address, uuid.uuid4().hex),
            # One shard running and one waiting, so that no worker is idle at the end while another has a queue.
            compute=ray.data.ActorPoolStrategy(min_size=least, max_size=most, max_tasks_in_flight_per_actor=2),
            num_cpus=1,
            num_gpus=gpus,
        )
        for row in results.iter_rows():
            yield {name: int(value) for name, value in row.items()}
    except ToolError:
        raise
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
