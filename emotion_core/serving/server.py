"""Serves an application on the first free port until stopped."""

import asyncio
import contextlib
import ctypes
import errno
import gc
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from ..errors import SettingsError
from .connections import MOST, allow_files, careful

#: How long answers in progress may delay a stop, how long all of it may, and then the cleaning up, in seconds.
GRACE: Final = 2
END_SECONDS: Final = 3.0
LAST_SECONDS: Final = 1.0
#: From glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8


def keep_memory_flat() -> bool:
    """Have the C library return large buffers at once, and keep few arenas for small ones.

    By default glibc keeps up to eight arenas per core, and learns to keep ever larger buffers in them:
    with fifty clients sending pictures, a server grew for as long as they went on. Returns whether it
    worked: it needs glibc.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError, TypeError):
        return False
    options = ((_M_ARENA_MAX, 2), (_M_MMAP_THRESHOLD, 1 << 20), (_M_TRIM_THRESHOLD, 1 << 22))
    return all(mallopt(option, value) for option, value in options)


def give_memory_back() -> None:
    """Return what the C library's heaps hold and do not use to the system; nothing happens without glibc."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).malloc_trim(0)


#: How long a thread of Python runs while others wait, in seconds; Python's own is 0.005.
_TURN: Final = 0.0005


def take_short_turns() -> None:
    """Have Python's threads take shorter turns, as the event loop waits for a turn each time it wakes.

    Each answer under way takes one before it: with forty of them, of 5 ms, ``/healthz`` waited a third of a second.
    """
    sys.setswitchinterval(_TURN)


#: How many collections of the middle generation come before one of all objects; Python's own is 10.
_COLLECTIONS: Final = 50


def spare_what_stays() -> None:
    """Have Python's garbage collector pass by what there is now, as it stays, and seldom look through the rest.

    The program's own objects are a quarter of a million, those of a thousand open connections eighty thousand more:
    to look through them takes a tenth of a second, and everybody waits. What few such collections leave for longer is
    what refers to itself and has outlived two younger generations: some megabytes.
    """
    gc.collect()
    gc.freeze()
    youngest, middle, _ = gc.get_threshold()
    gc.set_threshold(youngest, middle, _COLLECTIONS)


#: Connections that are accepted in one pass of the event loop, and those for which the system has room.
_TOGETHER, _BACKLOG = 8, 2048


class _Server(uvicorn.Server):
    """Calls back when it stops, before it waits for open connections."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop
        self._on_exit: Callable[[], object] = lambda: None

    async def main_loop(self) -> None:
        """Wait for the end. Uvicorn's own looks for it ten times a second: most of what an idle server does."""
        loop, ended, tick = asyncio.get_running_loop(), asyncio.Event(), 0
        self._on_exit = lambda: loop.call_soon_threadsafe(ended.set)
        while not await self.on_tick(tick):
            tick += 10  # every tenth of its ticks renews the date that answers carry
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(ended.wait(), 1)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal to end came."""
        super().handle_exit(sig, frame)
        self._on_exit()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, with room for those who come meanwhile: the loop takes ``_TOGETHER`` of them in each pass."""
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(_BACKLOG)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Call back first, then wait."""
        self._on_stop()
        await super().shutdown(sockets)


def serve(
    app: ASGIApp, on_stop: Callable[[], None], at_last: Callable[[], None], where: "Where", trust_proxies: bool = False
) -> None:
    """Serve until Ctrl-C or SIGTERM; prints the address. Raises OSError when no port is free.

    on_stop: ends the app's endless answers. at_last: cleans up; it is called even if something is
    still running ``END_SECONDS`` after the stop, and then the process ends without waiting for it, at the latest
    ``LAST_SECONDS`` later.
    """
    most = allow_files(MOST)
    with where.listen() as listener:
        print(f"* Running on local URL:  {where.url(listener.getsockname()[1])}", flush=True)
        config = uvicorn.Config(
            app,
            http=careful(behind_proxies=trust_proxies, most=most),
            ws="none",
            log_level="warning",
            lifespan="on",
            proxy_headers=trust_proxies,
            limit_concurrency=2 * most,  # the protocol ends connections that are too many, for the right address
            backlog=_TOGETHER,
            timeout_graceful_shutdown=GRACE,
        )

        def stop() -> None:
            end_after(END_SECONDS, at_last)
            on_stop()

        take_short_turns()
        spare_what_stays()
        with contextlib.suppress(KeyboardInterrupt):
            _Server(config, stop).run(sockets=[listener])
    at_last()


def end_after(seconds: float, at_last: Callable[[], None]) -> None:
    """End the process after this time, whatever its threads are doing, and ``LAST_SECONDS`` for ``at_last``."""

    def end() -> None:
        _later(LAST_SECONDS, lambda: os._exit(0))
        at_last()
        os._exit(0)

    _later(seconds, end)


def _later(seconds: float, what: Callable[[], None]) -> None:
    timer = threading.Timer(seconds, what)
    timer.daemon = True
    timer.start()


@dataclass(frozen=True)
class Where:
    """Where to listen: a host name or address, and a range of ports whose first free one is used."""

    host: str
    first: int
    count: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Where":
        """From Gradio's own variables: GRADIO_SERVER_NAME, GRADIO_SERVER_PORT, GRADIO_NUM_PORTS.

        Raises SettingsError, naming the variable, for an invalid value.
        """
        environment = os.environ if environment is None else environment
        usual = "0.0.0.0" if environment.get("SYSTEM") == "spaces" else "127.0.0.1"  # noqa: S104, a Space is a container
        host = (environment.get("GRADIO_SERVER_NAME", "").strip() or usual).strip("[]")
        first = _number(environment, "GRADIO_SERVER_PORT", 7860, 65_535)
        count = _number(environment, "GRADIO_NUM_PORTS", 100, 65_535)
        try:
            socket.getaddrinfo(host, first, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise SettingsError(
                f"GRADIO_SERVER_NAME is not a name or address of this machine: {host[:80]!r}. "
                "Set 127.0.0.1 for this machine alone, or 0.0.0.0 for its network."
            ) from None
        return cls(host, first, min(count, 65_536 - first))

    def url(self, port: int) -> str:
        """The address to open."""
        return f"http://[{self.host}]:{port}" if ":" in self.host else f"http://{self.host}:{port}"

    def listen(self) -> socket.socket:
        """A listening socket on the first free port; OSError when all are taken."""
        return listen(self.host, self.first, self.count)


def _number(environment: Mapping[str, str], name: str, usual: int, most: int) -> int:
    text = environment.get(name, "").strip()
    if not text:
        return usual
    if not (text.isascii() and text.isdecimal() and 1 <= int(text[:9]) <= most):
        raise SettingsError(f"{name} must be a whole number from 1 to {most}, not {text[:40]!r}.")
    return int(text)


def listen(host: str, first: int, count: int) -> socket.socket:
    """A listening socket on the first free port of ``count``; OSError when all are taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reason: OSError | None = None
    for port in range(first, first + count):
        # Without the protocol, asyncio leaves Nagle's algorithm on, which delays each answer by 40 ms.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(128)
        except OSError as error:
            listener.close()
            reason = error
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise SettingsError(f"GRADIO_SERVER_NAME: {host!r} is no address here ({error.strerror}).") from error
        else:
            return listener
    why = reason.strerror if reason else "none asked for"
    raise OSError(f"No free port from {first} to {first + count - 1}: set GRADIO_SERVER_PORT. ({why})")
