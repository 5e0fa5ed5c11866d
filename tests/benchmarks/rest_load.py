"""What waiting costs by REST: ``python tests/benchmarks/rest_load.py --out tests/benchmarks/rest_load.json``.

One client, then 25, each of whom sends a photo and asks again as soon as it is answered. Where nothing is lost in
queueing, 25 are answered as fast as the cores can work: cores / the processor time of one photo. The clients share
the machine, so that time is the server's, its decoders' and the client's together, with one client. Each has an
address of its own, as behind a proxy; nobody's rate is limited.
"""

import argparse
import os
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import inputs
import load  # makes the package and the tests' support importable
import psutil
from recording import begun, keep

CLIENTS = (1, 25)


def processor_seconds(pids: set[int]) -> float:
    """What these processes and their children, ended ones included, have used of the processor."""
    whole = 0.0
    for process in map(psutil.Process, pids):
        own = process.cpu_times()
        whole += sum(own[:4])  # user, system, and both of ended children
        whole += sum(sum(child.cpu_times()[:4]) for child in process.children() if child.pid not in pids)
    return whole


def asked(url: str, pid: int, photos: list[Path], count: int, seconds: float) -> dict[str, Any]:
    """Let ``count`` clients ask for ``seconds``: answers, their times, and what each cost."""
    pids, log = {pid, os.getpid()}, load.Log()
    used, began = processor_seconds(pids), time.monotonic()
    clients = [partial(load.rest_client, url, number, photos, log, began + seconds) for number in range(count)]
    load.together(clients)
    answers, took = log.told["rest answered"], time.monotonic() - began
    return {
        **log.record(),
        "answers_a_second": round(answers / took, 2),
        "processor_seconds_a_photo": round((processor_seconds(pids) - used) / answers, 5),
    }


def measured(url: str, pid: int, photos: list[Path], cores: int, seconds: float) -> dict[str, Any]:
    """The record of one client and of many, and how near many come to what the cores can do."""
    asked(url, pid, photos, max(CLIENTS), min(seconds, 2))  # starts the decoders, makes the graphs
    record: dict[str, Any] = {str(count): asked(url, pid, photos, count, seconds) for count in CLIENTS}
    one, many = (record[str(count)] for count in CLIENTS)
    record["cores_over_photo"] = round(cores / one["processor_seconds_a_photo"], 2)
    record["cores_over_photo_to_answers"] = round(record["cores_over_photo"] / many["answers_a_second"], 3)
    return record


def main() -> None:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    parser.add_argument("--seconds", type=float, default=30, help="of each number of clients (30)")
    options = parser.parse_args()
    record = begun() | {"seconds": options.seconds}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = list(inputs.write_photos(folder).values())[:6]  # VGA and HD
        with load.server(folder, EMOTION_TRUSTED_PROXIES="1", EMOTION_RATE_LIMIT="0") as (url, pid):
            record["detector"] = "YuNet" if os.environ.get("YUNET_ONNX") else "Haar cascade"
            record["clients"] = measured(url, pid, photos, record["machine"]["cores"], options.seconds)
    keep(record, options.out)


if __name__ == "__main__":
    main()
