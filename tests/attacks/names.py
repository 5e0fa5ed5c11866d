"""Very many names: of sessions, uploads and events, each used once, and photos whose answers nobody fetches."""

import base64
import statistics
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import httpx

from .server import PROMISE_SECONDS, Server
from .target import Target

#: Callers at a time, each with an address of its own; names between two readings of the memory.
CALLERS: Final = 4
STEP: Final = 500

#: Given a name, uses it once.
Use = Callable[[httpx.Client, str], httpx.Response]


def uses(client: httpx.Client, photo: bytes) -> dict[str, Use]:
    """Every way in which the page takes a name from its caller.

    client: one that asks for the page's configuration. photo: the file whose answer is left unfetched.
    """
    parts = client.get("config").raise_for_status().json()["components"]
    webcam = next(part["id"] for part in parts if part["props"].get("elem_id") == "webcam")
    picture = {"url": "data:image/jpeg;base64," + base64.b64encode(photo).decode()}

    def post(address: str, **body: Any) -> Use:
        return lambda client, name: client.post(f"gradio_api/{address}", json={"session_hash": name, **body})

    return {
        "run": post("run/models", data=[]),
        "component": post("component_server", data="nobody's", component_id=webcam, fn_name="webcam_close"),
        "unfetched answer": post("call/models", data=[]),
        "unfetched photo": post("call/analyze_image", data=[picture, ""]),
        "upload": lambda client, name: client.post(
            "gradio_api/upload", params={"upload_id": name}, files={"files": ("a.txt", name.encode())}
        ),
        "cancel": lambda client, name: client.post(
            "gradio_api/cancel", json={"session_hash": name, "fn_index": 0, "event_id": name}
        ),
    }


def many_names(server: Server, count: int, photo: bytes) -> dict[str, Any]:
    """Use ``count`` new names, each way as often; the memory on the way and when all has expired."""
    target, lock, taken, told = Target(server.url, 0), threading.Lock(), 0, Counter[str]()
    with target.client() as client:
        ways = uses(client, photo)
    started, memory = time.monotonic(), [[0, round(server.megabytes, 1)]]

    def work() -> None:
        nonlocal taken
        with target.client() as client:
            while True:
                with lock:
                    number = taken
                    taken += 1
                if number >= count:
                    return
                kind = list(ways)[number % len(ways)]
                while not use(client, kind):
                    time.sleep(0.2)  # refused for the moment: another name, until one is taken
                if number % STEP == STEP - 1:
                    with lock:
                        memory.append([number + 1, round(server.megabytes, 1)])

    def use(client: httpx.Client, kind: str) -> bool:
        answer = ways[kind](client, uuid.uuid4().hex)
        with lock:
            told[f"{kind} {answer.status_code}"] += 1
        return answer.status_code not in (429, 503)

    callers = [threading.Thread(target=work) for _ in range(CALLERS)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    seconds = time.monotonic() - started
    time.sleep(PROMISE_SECONDS)
    late = [point for point in memory if point[0] >= count / 4]
    slope = statistics.linear_regression(*zip(*late, strict=True)).slope if len(late) > 2 else 0.0
    return {
        "names": count,
        "seconds": round(seconds, 1),
        "answers": dict(sorted(told.items())),
        "megabytes": memory,
        "megabytes_a_thousand_names_after_the_first_quarter": round(1000 * slope, 2),
        "megabytes_when_all_has_expired": round(server.megabytes, 1),
        "files_when_all_has_expired": server.count_files(),
        "threads": server.threads,
    }
