"""Waiting for conditions: a server that is up, a file that was written, a job that is done."""

import socket
import subprocess
import time
from collections.abc import Callable
from typing import Any

import httpx


def until(wanted: Callable[[], bool], seconds: float = 10, process: "subprocess.Popen[Any] | None" = None) -> None:
    """Wait until ``wanted``; AssertionError on timeout, or when the process that should bring it about has ended."""
    deadline = time.monotonic() + seconds
    while not wanted():
        assert process is None or process.poll() is None, "the process has ended"
        assert time.monotonic() < deadline, f"not within {seconds} seconds"
        time.sleep(0.02)


def is_up(url: str) -> bool:
    """Whether the address answers."""
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.HTTPError:
        return False


def free_port() -> int:
    """An unused port of 127.0.0.1."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
