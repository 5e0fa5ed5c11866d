"""Whose work comes next, simulated: nothing here takes time."""

import heapq
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from emotion_core.serving.fair_clock import LONG_SECONDS, FairClock, Work


@dataclass(eq=False)
class Sender:
    """Sends a piece when the last one is done and a pause has passed. addresses: of its pieces; times in seconds.

    waited: of each piece, for its turn.
    """

    addresses: Iterator[str]
    expected: float
    takes: float
    pause: float = 0.0
    waited: list[float] = field(default_factory=list)


def steady(name: str, expected: float = 0.14, takes: float = 0.12, pause: float = 0.0) -> Sender:
    return Sender(itertools.repeat(name), expected, takes, pause)


def ever_new(name: str, expected: float, takes: float) -> Sender:
    return Sender((f"{name} {number}" for number in itertools.count()), expected, takes)


def simulate(senders: list[Sender], seconds: float, places: int = 2) -> None:
    """Let them send for so many seconds, to so many places. What still waits then has waited."""
    clock, now, number = FairClock(), 0.0, itertools.count()
    line: list[tuple[Work, Sender, float]] = []
    working: list[Work] = []
    events: list[tuple[float, int, Sender, Work | None]] = [(0.0, next(number), one, None) for one in senders]
    while now < seconds:
        now, _, sender, done = heapq.heappop(events)
        if done is None:
            work = Work(next(sender.addresses), False, sender.expected)
            clock.came(work)
            line.append((work, sender, now))
        else:
            clock.took(done, sender.takes, len({one.address for one in (*working, *(one for one, *_ in line))}))
            working.remove(done)
            heapq.heappush(events, (now + sender.pause, next(number), sender, None))
        while line and len(working) < places and (not events or events[0][0] > now):
            first = min(line, key=lambda one: one[0].rank)
            line.remove(first)
            work, sender, since = first
            clock.begins(work)
            working.append(work)
            sender.waited.append(now - since)
            heapq.heappush(events, (now + sender.takes, next(number), sender, work))
    for _, sender, since in line:
        sender.waited.append(now - since)


@pytest.mark.parametrize("kind", [steady, ever_new])
@pytest.mark.parametrize(("expected", "takes"), [(0.1, 0.015), (0.14, 0.12), (0.102, 0.6), (0.85, 0.4)])
@pytest.mark.parametrize("count", [6, 12, 20])
def test_who_was_here_before_has_a_fair_share(
    count: int, expected: float, takes: float, kind: Callable[..., Sender]
) -> None:
    """Also among addresses that nobody has seen: they started at a clock that stood still, before everybody else.

    And among pieces that take six times as long as expected: one of each sender's comes first, and no more.
    """
    others = [kind(f"{number}", expected=expected, takes=takes) for number in range(count)]
    visitor, large = steady("visitor", pause=0.6), steady("large", expected=0.85, takes=0.4, pause=0.8)
    simulate([*others, visitor, large], 120)
    a_round = (count * takes + visitor.takes + large.takes) / 2
    assert len(visitor.waited) > 15
    put_back = LONG_SECONDS * (count + 2) / 2  # until each has got so much
    assert max(visitor.waited) < a_round + put_back
    assert max(large.waited) < a_round + 2 * put_back


def test_what_takes_longer_than_expected_counts_as_long_as_it_takes() -> None:
    """Six times: both addresses get the same time, whoever's pieces are more."""
    long, short = [steady("long", expected=0.1, takes=0.6) for _ in range(3)], [steady("short") for _ in range(3)]
    simulate([*long, *short], 600, places=1)
    times = [sum(len(one.waited) * one.takes for one in those) for those in (long, short)]
    assert times[0] == pytest.approx(times[1], rel=0.05)


def test_who_sent_photos_all_along_comes_with_the_first_ones_of_new_addresses() -> None:
    """While another had a long piece done: nobody else wanted the time."""
    clock = FairClock()
    beside = Work("beside", False, 30)
    clock.came(beside)
    clock.begins(beside)
    for _ in range(100):
        photo = Work("all along", False, 0.1)
        clock.came(photo)
        clock.begins(photo)
        clock.took(photo, 0.12, 2)
    come = [Work(f"new {number}", False, 0.1) for number in range(10)]
    for photo in (*come, again := Work("all along", False, 0.1)):
        clock.came(photo)
    assert again.rank <= min(photo.rank for photo in come) + 0.13
