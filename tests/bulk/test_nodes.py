"""A node of a Ray cluster that loses its power in the middle of a run."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from support.bulk_rows import needs_ray

ROOT = Path(__file__).parents[2]


@needs_ray
def test_a_dead_node_loses_and_doubles_nothing(tmp_path: Path) -> None:
    """In a short form of the benchmark, which asks for a growing pool and for parts of GPUs, too."""
    (tmp_path / "faces").mkdir()
    rng = np.random.default_rng(0)
    for number in range(240):
        face = Image.fromarray(rng.integers(0, 255, (48, 48), np.uint8))
        face.save(tmp_path / "faces" / f"{number:03}.png")
    code = """
import json, sys
from pathlib import Path
from bulk_nodes import measure
folder = Path(sys.argv[1])
print(json.dumps(measure(sorted((folder / "faces").iterdir()), folder / "scores", 4, replace=False)))
"""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "benchmarks"), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=900,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    record = json.loads(done.stdout.splitlines()[-1])
    assert {name: record[name] for name in ("files", "failed", "lost", "doubled", "differing")} == {
        "files": 240,
        "failed": 0,
        "lost": 0,
        "doubled": 0,
        "differing": 0,
    }
    assert record["killed_workers"] == 1
    assert 30 <= record["killed_after_shards"] < 60
