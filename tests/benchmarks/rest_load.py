"""What waiting costs by REST: ``python tests/benchmarks/rest_load.py --out tests/benchmarks/rest_load.json``.

One client, then 25, each of whom sends a photo, and the next as soon as it is answered. Where nothing is lost in
queueing, 25 are answered as fast as the cores can work: cores / the processor time of one photo. The clients share
the machine, so that time is the server's, its decoders' and the client's together, with one client. Each has an
address of its own, as behind a proxy; nobody's rate is limited.
"""

import argparse
import contextlib
import os
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import inputs
import load  # makes the package and the tests' support importable
import psutil
from recording import begun, keep

from support.rest_client import detector_of

CLIENTS = (1, 25)


def processor_seconds(pids: set[int]) -> float:
    """What these processes and their children, ended ones included, have used of the processor."""
    whole = 0.0
    for process in map(psutil.Process, pids):
        own = process.cpu_times()
        whole += sum(own[:4])  # user, system, and both of ended children
        whole += sum(sum(child.cpu_times()[:4]) for child in process.children(recursive=True) if child.pid not in pids)
    return whole


def asked(url: str, pid: int, photos: list[Path], count: int, times: int) -> dict[str, Any]:
    """Let each of ``count`` clients ask ``times`` times: answers, how long they took, and what each cost."""
    pids, log = {pid, os.getpid()}, load.Log()
    with contextlib.ExitStack() as lines:
        clients = [
            lines.enter_context(
                httpx.Client(base_url=url, timeout=120, headers={"X-Forwarded-For": f"10.0.0.{number}"})
            )
            for number in range(count)
        ]

        def ask(number: int) -> None:
            for turn in range(number, number + times):
                photo, start = photos[turn % len(photos)].read_bytes(), time.monotonic()
                answer = clients[number].post("api/v1/analyze", files={"image": ("photo.jpg", photo, "image/jpeg")})
                found = answer.status_code == 200 and answer.json()["results"][0]["faces"]
                log.add("rest", "answered" if found else str(answer.status_code), time.monotonic() - start)

        used, began = processor_seconds(pids), time.monotonic()
        load.together([partial(ask, number) for number in range(count)])
        used, took = processor_seconds(pids) - used, time.monotonic() - began
    answers = log.told["rest answered"]
    return {
        **log.record(),
        "answers_a_second": round(answers / took, 2),
        "processor_seconds_a_photo": round(used / answers, 5),
    }


def measured(url: str, pid: int, photos: list[Path], cores: int, times: int) -> dict[str, Any]:
    """The record of one client at a time and of many, and how near the many come to what the cores can do."""
    few, most = CLIENTS
    asked(url, pid, photos, most, 1)  # starts the decoders, makes the graphs
    record: dict[str, Any] = {str(few): asked(url, pid, photos, few, times * most)}
    record[str(most)] = asked(url, pid, photos, most, times)
    ideal = cores / record[str(few)]["processor_seconds_a_photo"]
    record["cores_over_photo"] = round(ideal, 2)
    record["cores_over_photo_to_answers"] = round(ideal / record[str(most)]["answers_a_second"], 3)
    return record


def main() -> None:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    parser.add_argument("--photos", type=int, default=24, help="that each of many clients sends (24)")
    options = parser.parse_args()
    record = begun() | {"photos_a_client": options.photos}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = list(inputs.write_photos(folder).values())[:6]  # VGA and HD
        with load.server(folder, EMOTION_TRUSTED_PROXIES="1", EMOTION_RATE_LIMIT="0") as (url, pid):
            record["detector"] = detector_of(url)
            record["clients"] = measured(url, pid, photos, record["machine"]["cores"], options.photos)
    keep(record, options.out)


if __name__ == "__main__":
    main()
