"""What the README's first command costs: ``python tests/benchmarks/install.py --out tests/benchmarks/install.json``.

In a fresh clone and an empty environment, on the network or pip's cache: how long the installation takes, how much is
downloaded and how much lies on the disk afterwards; how long after its start the page answers, for the first time
and again, and in how much memory.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))  # run as a program, where the package may not be installed
sys.path.insert(0, str(HERE.parent))

import psutil
from recording import begun, keep

from support.waiting import free_port, is_up, until


def seconds_for(command: list[str], folder: Path) -> float:
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return round(time.perf_counter() - start, 1)


def gigabytes(folder: Path) -> float:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return round(sum(path.stat().st_size for path in files) / 1e9, 2)


def started(folder: Path, environment: dict[str, str]) -> dict[str, float]:
    """Seconds until the page's server answers, and its memory then."""
    port = free_port()
    start = time.perf_counter()
    process = subprocess.Popen(
        [".venv/bin/python", "app.py"],
        cwd=folder,
        env={**environment, "GRADIO_SERVER_PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        until(lambda: is_up(f"http://127.0.0.1:{port}/"), 300, process)
        seconds = round(time.perf_counter() - start, 1)
        return {"seconds": seconds, "megabytes": psutil.Process(process.pid).memory_info().rss // 10**6}
    finally:
        process.terminate()
        process.wait(60)


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    options = parser.parse_args()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    record: dict[str, Any] = begun()
    with tempfile.TemporaryDirectory() as name:
        clone, packages = Path(name) / "clone", Path(name) / "packages"
        subprocess.run(["git", "clone", "-q", "--depth", "1", HERE.parents[1].as_uri(), str(clone)], check=True)
        record["install_seconds"] = seconds_for([sys.executable, "-m", "venv", ".venv"], clone) + seconds_for(
            [".venv/bin/pip", "install", "-q", "-r", "requirements.txt"], clone
        )
        record["installed_gigabytes"] = gigabytes(clone / ".venv")
        seconds_for([".venv/bin/pip", "download", "-q", "-r", "requirements.txt", "-d", str(packages)], clone)
        record["downloaded_gigabytes"] = gigabytes(packages)
        record["first_start"], record["second_start"] = (started(clone, environment) for _ in range(2))
    keep(record, options.out)


if __name__ == "__main__":
    main()
