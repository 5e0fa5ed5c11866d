"""A bulk run on a Ray cluster of three nodes on this machine, one of which loses its power midway.

The driver's node has no workers; the two others have one core and one (pretended) GPU each. Of one of these two every
process is killed at once. Whether the cluster gets another node in its place is asked for with ``--replace``.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
from bulk_speed import write_faces
from recording import begun, keep

from emotion_core import Prediction
from emotion_core.errors import EmotionError

#: Where rows and loop may differ, as probabilities depend on the rest of the batch.
_SAME = 1e-4


def main() -> int:
    """Run, write the record and print it; returns 1 if a row was lost, doubled or different."""
    from emotion_core.bulk.run import require

    require()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="fer2013.csv")
    parser.add_argument("--faces", type=int, default=4000, metavar="N", help="the first N of its faces (4000)")
    parser.add_argument("--shard-files", type=int, default=64, metavar="N", help="faces in a shard (64)")
    parser.add_argument("--replace", action="store_true", help="add a node after the kill")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="emotion-bulk-") as name:
        faces = write_faces(options.data, Path(name) / "faces", options.faces)
        record = begun()
        record |= measure(faces, Path(name) / "scores", options.shard_files, options.replace)
    keep(record, options.out)
    return 1 if record["lost"] or record["doubled"] or record["differing"] else 0


def measure(faces: Sequence[Path], out: Path, shard_files: int, replace: bool) -> dict[str, Any]:
    """Score PNG files of one face each, kill a node when half of the shards are finished, and compare the answers."""
    from importlib.metadata import version

    from emotion_core.bulk.folder import Folder
    from emotion_core.bulk.tables import face_rows
    from emotion_core.bulk.worker import Parts

    began = time.monotonic()
    kill, summary = bulk_with_a_dead_node(faces[0].parent, out, shard_files, replace)
    seconds = time.monotonic() - began
    rows = face_rows(Folder.at(out))
    told = Counter(row["path"] for row in rows)
    recognizer = Parts.collect(None, None, faces=True).recognizer(threads=None)
    answers = {str(path): recognizer.analyze(path).predictions[0] for path in faces}
    differing = sum(_differs(row, answers.get(row["path"])) for row in rows)
    return {
        "ray": version("ray"),
        "faces": len(faces),
        "shards": summary["shards"],
        "seconds": round(seconds, 1),
        **kill,
        "replaced": replace,
        "files": summary["files"],
        "failed": summary["failed"],
        "lost": len(answers.keys() - told.keys()),
        "doubled": sum(count - 1 for count in told.values()),
        "differing": differing,
    }


def _differs(row: dict[str, Any], answer: Prediction | None) -> bool:
    if answer is None:
        return True
    return any(
        abs(row[label] - share) > _SAME for label, share in zip(answer.labels, answer.probabilities, strict=True)
    )


def bulk_with_a_dead_node(source: Path, out: Path, shard_files: int, replace: bool) -> tuple[dict[str, Any], Any]:
    """What was killed when, and the command's summary; EmotionError if it failed, or ended before the kill."""
    from emotion_core.bulk.pool import ENVIRONMENT

    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)
    from ray.cluster_utils import Cluster

    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, "include_dashboard": False})
    try:
        nodes = [cluster.add_node(num_cpus=1, num_gpus=1) for _ in range(2)]
        cluster.wait_for_nodes()
        options = ["--faces", "--json", "--shard-files", str(shard_files), "--workers", "1-2", "--gpus", "0.5"]
        command = [sys.executable, "-m", "emotion_core", "bulk", str(source), str(out), *options]
        with subprocess.Popen([*command, "--address", cluster.address], stdout=subprocess.PIPE, text=True) as driver:
            killed = _kill_midway(driver, out, nodes[1])
            if replace:
                cluster.add_node(num_cpus=1, num_gpus=1)
            told, _ = driver.communicate(timeout=1800)
    finally:
        cluster.shutdown()
    if driver.returncode:
        raise EmotionError(f"bulk failed: {told.splitlines()[-1:]}")
    return killed, json.loads(told.splitlines()[-1])


def _kill_midway(driver: "subprocess.Popen[str]", out: Path, node: Any) -> dict[str, Any]:
    from emotion_core.bulk.folder import Folder
    from emotion_core.bulk.plan import PLAN
    from emotion_core.bulk.tables import finished
    from emotion_core.bulk.trail import TRAILS

    [raylet] = node.all_processes["raylet"]
    seen: set[int] = set()
    while driver.poll() is None:
        time.sleep(0.02)
        if not (out / PLAN).is_file():
            continue
        for trail in (out / TRAILS).glob("*"):
            with contextlib.suppress(FileNotFoundError, IndexError):  # its shard has finished by now
                seen.add(int(trail.read_text().split()[1]))
        done = len(finished(Folder.at(out)))
        processes = [psutil.Process(raylet.process.pid)]
        processes += processes[0].children(recursive=True)
        workers = [process for process in processes if "ShardWorker" in " ".join(process.cmdline())]
        if workers and done >= len(json.loads((out / PLAN).read_text())["sizes"]) / 2:
            for process in processes:  # the raylet first, so that it cannot tell of its workers' end
                os.kill(process.pid, signal.SIGKILL)
            killed = {"killed_processes": len(processes), "killed_workers": len(workers)}
            return {"workers_at_first": 1, "workers_before_the_kill": len(seen), "killed_after_shards": done, **killed}
    raise EmotionError("bulk was over before a node could be killed. Take more --faces.")


if __name__ == "__main__":
    sys.exit(main())
