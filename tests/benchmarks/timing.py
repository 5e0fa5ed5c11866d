"""Timing for any environment: needs no packages."""

import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

SECONDS, MOST, FEWEST = 2.0, 30, 3


def median_milliseconds(function: Callable[[], Any]) -> float:
    """The median of ``FEWEST`` to ``MOST`` calls within ``SECONDS``, after one warm-up call."""
    function()
    taken: list[float] = []
    end = time.perf_counter() + SECONDS
    while len(taken) < FEWEST or (len(taken) < MOST and time.perf_counter() < end):
        start = time.perf_counter()
        function()
        taken.append(1000 * (time.perf_counter() - start))
    return round(statistics.median(taken), 3)


def seconds_of(function: Callable[[], Any]) -> float:
    """Duration of one call."""
    start = time.perf_counter()
    function()
    return round(time.perf_counter() - start, 3)


def best_seconds(function: Callable[[], Any], times: int = 2) -> float:
    """The shortest of a few calls: disturbances can only add time."""
    return min(seconds_of(function) for _ in range(times))


def seconds_in_turn(functions: Mapping[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """The median duration of each function, all in turn: other work on the machine slows all of them alike."""
    taken: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            function()  # the previous one has emptied the processor's caches
            start = time.perf_counter()
            function()
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(took) for name, took in taken.items()}


def processor() -> str:
    """The processor's name, or its architecture if unknown."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text().splitlines() if facts.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
