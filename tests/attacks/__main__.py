"""Every attack, one after the other, on a server that is started for it, with an honest visitor beside them.

    PYTHONPATH=.:tests python -m attacks --seconds 20 --out tests/attacks/attacks.json
    PYTHONPATH=.:tests python -m attacks --hours 1 --out tests/attacks/night.json
    PYTHONPATH=.:tests python -m attacks --image --out tests/attacks/image.json
    PYTHONPATH=.:tests python -m attacks --names 10000 --out tests/attacks/names.json
    PYTHONPATH=.:tests python -m attacks --rounds 50 --seconds 1 --out tests/attacks/rounds.json

With --hours the attacks alternate with honest visitors of every kind and with quiet, again and again; recorded
are the memory's slope, the threads, the oldest file, and every answer that no document tells of.
With --names no attack is made: so many names of sessions, uploads and events come, each once.
With --rounds every attack is made in each round, and every visitor comes; recorded is the memory after each, when the
server has rested: what a kind leaves behind adds up with their number, whatever the machine's speed.
"""

import argparse
import contextlib
import json
import os
import platform
import random
import re
import statistics
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image
from skimage import data as pictures

from emotion_core.recognition.hub import YUNET
from support.clips import across, encode, scene
from support.docker_steps import build
from support.hostile_pictures import saved
from support.rest_client import detector_of
from support.stand_in_hub import Repo, StandInHub
from support.waiting import until

from .attack_kinds import ATTACKS
from .attack_media import hostile_photos
from .honest import Visitors, undocumented
from .names import many_names
from .rounds import MOST_SECONDS, rounds
from .server import PROMISE_SECONDS, Server
from .target import Target, Watch, watched

#: Quiet after an attack, in seconds, for temporary state to expire.
QUIET = 3.0


def run(server: Server, names: list[str], seconds: float) -> dict[str, Any]:
    """The figures of each attack."""
    photo = saved(Image.fromarray(pictures.astronaut()), "JPEG")
    hostile_photos()  # made and cached before the clock starts
    found: dict[str, Any] = {}
    for name in names:
        before = server.megabytes
        with watched(server.url, server.pid, photo) as watch:
            target = Target(server.url, seconds)  # its clock starts when the watcher has
            ATTACKS[name](target)
            time.sleep(QUIET)
        found[name] = {"attackers_saw": dict(target.seen), **watch.record()}
        found[name]["megabytes_before_and_after"] = [round(before, 1), round(server.megabytes, 1)]
        found[name]["server_lives"] = server.lives
        print(name, json.dumps(found[name]), flush=True)
    files, start = server.count_files(), time.monotonic()
    # The last videos are analysed when the attack has ended, and their answers kept from then on.
    until(lambda: server.count_files() == 0, 2 * PROMISE_SECONDS)
    return {"each": found, "files_after_the_last": files, "gone_after_seconds": round(time.monotonic() - start, 1)}


def night(
    server: Server,
    hours: float,
    seconds: float,
    quiet: float,
    photo: bytes,
    clip: Path,
    keep: Callable[[dict[str, Any]], None],
) -> None:
    """Attacks in random order, with honest visitors of every kind in between; records what is left when all is quiet.

    Each kind comes once before that, one after the other: what it takes for good, thirteen megabytes of the allocator's
    for one, is there before the slope begins, after the first quarter.
    keep: receives the figures so far after each attack, as a night may be cut short.
    """
    rng, started = random.Random(0), time.monotonic()
    visitors, whole, oldest = Visitors(server.url, photo, clip), Watch(), 0.0
    saw: Counter[str] = Counter()
    memory: list[tuple[float, float]] = []
    threads: list[int] = []
    descriptors: list[int] = []
    rest: list[str] = []

    def attack(name: str) -> None:
        with watched(server.url, server.pid, photo) as watch:
            target = Target(server.url, seconds)
            ATTACKS[name](target)
        whole.join(watch)
        saw.update({f"{name} {what}": count for what, count in target.seen.items()})

    for name in ATTACKS:
        attack(name)
    while time.monotonic() - started < hours * 3600 and server.lives:
        if not rest:
            rest = list(ATTACKS)
            rng.shuffle(rest)
        name = rest.pop()
        attack(name)
        visitors.come()
        oldest = max(oldest, server.oldest_file)
        server.rest(quiet, MOST_SECONDS)
        memory.append(((time.monotonic() - started) / 3600, server.megabytes))
        threads.append(server.threads)
        descriptors.append(server.descriptors)
        print(f"{memory[-1][0]:.3f} h, {name}, {memory[-1][1]:.0f} MB, {threads[-1]} threads", flush=True)
        late = [point for point in memory if point[0] > memory[-1][0] / 4]
        slope = statistics.linear_regression(*zip(*late, strict=True)).slope if len(late) > 2 else 0.0
        found = {
            "hours": round(memory[-1][0], 3),
            "seconds_of_an_attack": seconds,
            "seconds_of_quiet": quiet,
            "attacks": len(memory),
            "megabytes_an_hour_after_the_first_quarter": round(slope, 1),
            "megabytes": [[round(hour, 3), round(held, 1)] for hour, held in memory],
            **whole.record(),
            "threads": threads,
            "descriptors": descriptors,
            "visitors_were_told": dict(sorted(visitors.told.items())),
            "undocumented": undocumented(visitors.told) | failures(saw),
            "oldest_file_seconds": round(oldest, 1),
            "promised_seconds": PROMISE_SECONDS,
            "server_lives": server.lives,
        }
        keep(found)


def failures(saw: Counter[str]) -> dict[str, int]:
    """The answers to attackers that show a failure of the server, not of the request."""
    return {what: count for what, count in saw.items() if re.fullmatch(r".* 5(?!03)\d\d", what)}


def main() -> None:
    """Attack, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, metavar="JSON", help="where the figures go")
    parser.add_argument("--seconds", type=float, default=20, help="of each attack (20)")
    parser.add_argument("--quiet", type=float, default=40, help="after all is answered, with --hours (40)")
    parser.add_argument("--only", nargs="+", choices=list(ATTACKS), default=list(ATTACKS), help="some of them")
    parser.add_argument("--hours", type=float, default=0, help="again and again for so long")
    parser.add_argument("--names", type=int, default=0, help="so many names in place of attacks")
    parser.add_argument("--rounds", type=int, default=0, help="so many rounds of all attacks and visitors")
    parser.add_argument("--image", action="store_true", help="the image, built from its steps, in place of the clone")
    options = parser.parse_args()
    cores = len(os.sched_getaffinity(0))
    record: dict[str, Any] = {
        "machine": {"cores": cores, "python": platform.python_version(), "load_before": os.getloadavg()},
        "of": "the image" if options.image else "a clone",
    }
    with tempfile.TemporaryDirectory() as name, yunet_at_hand(Path(name) / "hub") as hub:
        server = attacked(Path(name), options.image, hub)
        record["megabytes_at_start"] = round(server.megabytes, 1)
        record["detector"] = detector_of(server.url)
        try:
            photo = saved(Image.fromarray(pictures.astronaut()), "JPEG")
            clip = encode(Path(name) / "clip.mp4", [scene({1: across(0, 40)}, n / 10)[0] for n in range(20)])

            def keep(what: str, found: dict[str, Any]) -> None:
                record[what] = found
                write(record, options.out)

            if options.hours:
                night(server, options.hours, options.seconds, options.quiet, photo, clip, partial(keep, "night"))
            elif options.names:
                record["names"] = many_names(server, options.names, photo)
            elif options.rounds:
                hostile_photos()  # made and cached before the clock starts
                keeper, only = partial(keep, "rounds"), tuple(options.only)
                rounds(server, options.rounds, options.seconds, photo, clip, keeper, only)
            else:
                record["seconds"], record["attacks"] = options.seconds, run(server, options.only, options.seconds)
        finally:
            record["stop"] = server.stop()
            print(json.dumps(record["stop"]))
    record["machine"]["load_after"] = os.getloadavg()
    write(record, options.out)


@contextlib.contextmanager
def yunet_at_hand(folder: Path) -> Iterator[dict[str, str]]:
    """Settings of a server that finds YuNet as on the Hub, if ``YUNET_ONNX`` names its file, and else asks no Hub.

    folder: of its cache.
    """
    settings = {"HF_HOME": str(folder), "EMOTION_DETECTOR": os.environ.get("EMOTION_DETECTOR", "auto")}
    if not (model := os.environ.get("YUNET_ONNX")):
        yield settings | {"HF_HUB_OFFLINE": "1"}
        return
    hub, [name] = StandInHub(), YUNET.sha256
    hub.repos[YUNET.repo_id] = Repo({name: Path(model).read_bytes()}, commit=YUNET.revision or "")
    yield settings | {"HF_ENDPOINT": hub.url, "EMOTION_DETECTOR": "yunet"}
    hub.close()


def attacked(folder: Path, image: bool, settings: dict[str, str]) -> Server:
    """The server: from this clone, or from an image built for it with its own packages."""
    if not image:
        return Server(folder, **settings)
    built = build(folder / "app", install=True)
    own = {name: value for name, value in built.environment.items() if not name.startswith("GRADIO_SERVER")}
    return Server(folder, built.folder, built.python, **own, **settings, PYTHONPATH=None)


def write(record: dict[str, Any], out: Path | None) -> None:
    """Write the record, if a file is given."""
    if out:
        out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
