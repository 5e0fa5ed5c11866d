"""Every attack for a moment and every visitor once, round after round: what the server holds when each has ended."""

import random
import statistics
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from .attack_kinds import ATTACKS
from .honest import Visitors, undocumented
from .server import Server
from .target import Target

#: How long a server that has nothing to do holds what it may need again, in seconds: decoders and graphs for fifteen,
#: until the next sweep, which comes every 22.5.
REST_SECONDS: Final = 40.0
#: The longest wait for requests that are still being answered when an attack has ended, in seconds.
MOST_SECONDS: Final = 180.0


def rounds(
    server: Server,
    count: int,
    seconds: float,
    photo: bytes,
    clip: Path,
    keep: Callable[[dict[str, Any]], None],
    names: tuple[str, ...] = tuple(ATTACKS),
) -> None:
    """As many rounds; the memory is read after each, when the server has rested.

    An hour's record has an attack of each kind a few times, and reads the memory while some are still being
    answered; here it is told by how often a kind was tried whether it leaves something behind.

    seconds: of each attack. names: of those that are made. keep: receives the figures so far after each round.
    """
    rng, visitors = random.Random(0), Visitors(server.url, photo, clip)
    saw: Counter[str] = Counter()
    memory: list[float] = [round(server.megabytes, 1)]
    own: list[float] = [round(server.own_megabytes, 1)]
    threads: list[int] = [server.threads]
    started = time.monotonic()
    while len(memory) <= count and server.lives:
        for name in rng.sample(names, len(names)):
            target = Target(server.url, seconds)
            ATTACKS[name](target)
            saw.update({f"{name} {what}": times for what, times in target.seen.items()})
        visitors.come()
        server.rest(REST_SECONDS, MOST_SECONDS)
        memory.append(round(server.megabytes, 1))
        own.append(round(server.own_megabytes, 1))
        threads.append(server.threads)
        print(f"{len(memory) - 1}: {memory[-1]} MB, of its own {own[-1]}, {threads[-1]} threads", flush=True)
        keep(
            {
                "rounds": len(memory) - 1,
                "minutes": round((time.monotonic() - started) / 60, 1),
                "seconds_of_an_attack": seconds,
                "attacks": list(names),
                "megabytes": list(memory),
                "server_itself": list(own),
                "megabytes_a_hundred_rounds_in_the_last_half": late_slope(memory),
                "threads": list(threads),
                "attackers_saw": dict(sorted(saw.items())),
                "visitors_were_told": dict(sorted(visitors.told.items())),
                "undocumented": undocumented(visitors.told),
                "server_lives": server.lives,
            }
        )


def late_slope(megabytes: list[float]) -> float:
    """Megabytes for a hundred rounds, over the last half; the first reading is from before the first round."""
    late = list(enumerate(megabytes))[len(megabytes) // 2 :]
    return round(100 * statistics.linear_regression(*zip(*late, strict=True)).slope, 1) if len(late) > 2 else 0.0
