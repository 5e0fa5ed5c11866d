"""Visitors who are there and do nothing, and some who work: ``python tests/benchmarks/idle.py --out idle.json``.

500 visitors open the page and keep it open, each with the connection that a page holds to its server. Beside
them 20 are active: 12 send photos by REST, 6 through the Gradio queue with the Python client, 2 have videos
analysed, each again as soon as it is answered. The same 20 alone come first, for comparison. Each visitor has an
address of its own, as behind a proxy. The clients share the machine.
"""

import argparse
import asyncio
import contextlib
import tempfile
import threading
import time
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import inputs
import load  # makes the package and the tests' support importable
import psutil
from recording import begun, keep

REST, QUEUE, VIDEOS = 12, 6, 2
#: Seconds between checks of ``/healthz``.
HEALTH_SECONDS = 0.5


class Idle:
    """Open, idle pages. answered: those whose stream the server has started; lost: those it ended."""

    def __init__(self, url: str, count: int) -> None:
        self.answered = self.lost = 0
        self._url, self._count, self._stop = url, count, threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._visit_all()))
        self._thread.start()

    def close(self) -> None:
        """Close all pages."""
        self._stop.set()
        self._thread.join()

    async def _visit_all(self) -> None:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
        async with httpx.AsyncClient(base_url=self._url, timeout=120, limits=limits) as client:
            visits = [asyncio.create_task(self._visit(client, number)) for number in range(self._count)]
            while not self._stop.is_set():
                await asyncio.sleep(0.2)
            for visit in visits:
                visit.cancel()
            await asyncio.gather(*visits, return_exceptions=True)

    async def _visit(self, client: httpx.AsyncClient, number: int) -> None:
        own = {"X-Forwarded-For": f"10.{1 + number // 250}.0.{number % 250}"}
        await asyncio.sleep(number * 0.04)  # they do not all arrive at once
        (await client.get("/", headers=own)).raise_for_status()
        with contextlib.suppress(httpx.HTTPError):
            async with client.stream("GET", f"gradio_api/heartbeat/idle{number}", headers=own) as stream:
                stream.raise_for_status()
                self.answered += 1
                async for _ in stream.aiter_raw():
                    pass
        self.lost += not self._stop.is_set()


def active(url: str, pid: int, photos: list[Path], clip: Path, seconds: float) -> dict[str, Any]:
    """Run the twenty for ``seconds``; also the server's memory, threads and connections at the end."""
    log, end, health = load.Log(), time.monotonic() + seconds, list[float]()

    def ask() -> None:
        with httpx.Client(base_url=url, timeout=60) as client:
            while time.monotonic() < end:
                start = time.monotonic()
                client.get("healthz").raise_for_status()
                health.append(time.monotonic() - start)
                time.sleep(HEALTH_SECONDS)

    works = [partial(load.rest_client, url, number, photos, log, end) for number in range(REST)]
    works += [partial(load.queue_client, url, number, photos, log, end) for number in range(QUEUE)]
    works += [partial(load.video_client, url, number, clip, log, end) for number in range(VIDEOS)]
    load.together([ask, *works])
    process = psutil.Process(pid)
    return {
        **log.record(),
        "healthz_milliseconds": load.spread(health),
        "server_megabytes": round(load.memory_megabytes(pid), 1),
        "server_threads": len(process.threads()),
        "server_connections": len(process.net_connections("tcp")) - 1,
    }


def main() -> None:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    parser.add_argument("--idle", type=int, default=500, help="visitors who do nothing (500)")
    parser.add_argument(
        "--seconds", type=float, default=120, help="of the active ones, alone and then beside them (120)"
    )
    options = parser.parse_args()
    record = begun() | {"idle_visitors": options.idle}
    record |= {"active": {"rest": REST, "queue": QUEUE, "video": VIDEOS}, "seconds": options.seconds}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        photos = list(inputs.write_photos(folder).values())[:6]  # VGA and HD
        clip = inputs.write_clip(folder / "clip.mp4", 640, 360, 25, load.CLIP_SECONDS)
        with load.server(folder, EMOTION_TRUSTED_PROXIES="1", EMOTION_RATE_LIMIT="0") as (url, pid):
            record["alone"] = active(url, pid, photos, clip, options.seconds)
            idle = Idle(url, options.idle)
            try:
                deadline = time.monotonic() + 300
                while idle.answered < options.idle and time.monotonic() < deadline:
                    time.sleep(0.2)
                record["beside"] = active(url, pid, photos, clip, options.seconds)
                record["pages_open"], record["pages_lost"] = idle.answered, idle.lost
            finally:
                idle.close()
    keep(record, options.out)


if __name__ == "__main__":
    main()
