"""Bulk scoring against the plain loop in one process, on the faces of FER-2013, with a worker killed midway."""

import argparse
import contextlib
import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from emotion_core.errors import DataError, EmotionError


def main() -> int:
    """Measure, write the record and print its figures; returns 1 if a row was lost, doubled or different."""
    from emotion_core.bulk.run import require

    require()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="fer2013.csv")
    parser.add_argument("--faces", type=int, default=20_000, metavar="N", help="the first N of its faces (20000)")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--shard-files", type=int, default=256, metavar="N", help="faces in a shard (256)")
    parser.add_argument("--model", help="a bundle's folder or name, or owner/repo[@revision]")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="emotion-bulk-") as name:
        faces = write_faces(options.data, Path(name) / "faces", options.faces)
        record = measure(faces, Path(name) / "scores", options.model, options.workers, options.shard_files)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(record, indent=1) + "\n")
    print(json.dumps(record, indent=1))
    return 1 if record["lost"] or record["doubled"] or record["differing"] else 0


def write_faces(data: Path, folder: Path, count: int) -> list[Path]:
    """Write the first faces of fer2013.csv as PNG files, ordered by name; DataError if there are too few."""
    from PIL import Image

    from emotion_core.datasets.fer_csv import read_fer_csv

    pixels, _, _ = read_fer_csv(data)
    if not 0 < count <= len(pixels):
        raise DataError(f"{data} has {len(pixels)} faces: give --faces from 1 to that.")
    folder.mkdir()
    paths = [folder / f"face-{number:06}.png" for number in range(count)]
    for path, face in zip(paths, pixels, strict=False):
        Image.fromarray(face[..., 0]).save(path)
    return paths


def measure(faces: Sequence[Path], out: Path, model: str | None, workers: int, shard_files: int) -> dict[str, Any]:
    """Score PNG files of one face each in both ways, and compare the answers.

    The loop runs ``recognizer.analyze`` on one file after another, with the recognizer's default number
    of LiteRT threads; its time excludes starting Python and loading the model, while bulk's time is the
    whole command's, including Ray's start.
    """
    from emotion_core.bulk.folder import Folder
    from emotion_core.bulk.tables import face_rows
    from emotion_core.bulk.worker import Parts

    record = {"machine": machine(), "faces": len(faces), "workers": workers, "load_before": os.getloadavg()}
    recognizer = Parts.collect(model, None, faces=True).recognizer(threads=None)
    recognizer.warm_up()
    began = time.monotonic()
    answers = {str(path): recognizer.analyze(path).predictions[0] for path in faces}
    plain = time.monotonic() - began

    began = time.monotonic()
    killed_at = bulk_with_a_kill(faces[0].parent, out, model, workers, shard_files)
    bulk = time.monotonic() - began
    rows = face_rows(Folder.at(out))
    times_told = Counter(row["path"] for row in rows)
    differences = [
        max(abs(row[label] - share) for label, share in zip(answer.labels, answer.probabilities, strict=True))
        for row in rows
        if (answer := answers.get(row["path"])) is not None
    ]
    return {
        **record,
        "model": recognizer.config.name,
        "load_after": os.getloadavg(),
        "plain_seconds": round(plain, 2),
        "bulk_seconds": round(bulk, 2),
        "plain_over_bulk": round(plain / bulk, 3),
        "killed_a_worker_after_shards": killed_at,
        "lost": len(answers.keys() - times_told.keys()),
        "doubled": sum(count - 1 for count in times_told.values()),
        "differing": sum(difference > 1e-4 for difference in differences),
        "largest_difference": max(differences),
    }


def bulk_with_a_kill(source: Path, out: Path, model: str | None, workers: int, shard_files: int) -> int:
    """Run the command, kill a worker when half of the shards are finished; returns how many were.

    Raises EmotionError when the command fails, or ends before a worker could be killed.
    """
    from emotion_core.bulk.folder import Folder
    from emotion_core.bulk.plan import PLAN
    from emotion_core.bulk.tables import finished
    from emotion_core.bulk.trail import TRAILS

    options = ["--faces", "--workers", str(workers), "--shard-files", str(shard_files)]
    options += ["--model", model] if model else []
    command = [sys.executable, "-m", "emotion_core", "bulk", str(source), str(out), *options]
    killed_at = None
    with subprocess.Popen(command) as driver:
        while driver.poll() is None:
            time.sleep(0.02)
            if killed_at is not None or not (out / PLAN).is_file():
                continue
            if (done := len(finished(Folder.at(out)))) < len(json.loads((out / PLAN).read_text())["sizes"]) / 2:
                continue
            for trail in (out / TRAILS).glob("*"):
                # Its shard may have finished by now.
                with contextlib.suppress(FileNotFoundError, IndexError, ProcessLookupError):
                    os.kill(int(trail.read_text().split()[1]), signal.SIGKILL)
                    killed_at = done
                    break
    if driver.returncode or killed_at is None:
        raise EmotionError("bulk failed, or was over before a worker could be killed. Take more --faces.")
    return killed_at


def machine() -> dict[str, Any]:
    """The machine it ran on."""
    from emotion_core.recognition.classifier import usable_cores

    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.is_file() else []
    processor = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
    versions = {name: version(name) for name in ("ray", "pyarrow", "ai-edge-litert", "numpy")}
    cores = {"cores": usable_cores(), "architecture": platform.machine(), "processor": processor}
    return {**cores, "python": platform.python_version(), **versions}


if __name__ == "__main__":
    sys.exit(main())
