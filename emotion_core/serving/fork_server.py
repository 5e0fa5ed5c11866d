"""A program whose imports are done forks: a decoder starts in milliseconds, where a new program takes half a second.

Under attack decoders are ended again and again, and honest visitors wait for those that take their place. On other
systems than Linux each is a program of its own.

The fork server has one socket. For each copy it gets a JSON list of the arguments and two file descriptors, the copy's
standard input and output, and answers its process id. It gets that id again once the copy was killed, so that the
system can use it for another process only then.
"""

import contextlib
import importlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from typing import IO, Any, Final, Protocol, cast

from .programs import environment, program_of

#: Limits for its imports, and for a copy, in seconds.
START_SECONDS: Final = 60.0
_FORK_SECONDS: Final = 5.0


class Child(Protocol):
    """A process that is talked to by its standard input and output."""

    input: IO[bytes]
    output: IO[bytes]

    @property
    def alive(self) -> bool:
        """Whether it still runs."""

    def kill(self) -> None:
        """Kill it, from any thread; it may be gone already."""

    def end(self) -> None:
        """Kill it and forget it: its owner calls this, once."""


class ForkServer:
    """Starts processes that run ``main`` of a module of this folder, whose ``prepare`` has been called.

    Safe to share between threads; close it at the end.
    """

    def __init__(self, module: str) -> None:
        self._module = module
        self._program: subprocess.Popen[bytes] | None = None
        self._orders: socket.socket | None = None
        self._lock = threading.Lock()

    def start(self, *arguments: str) -> Child:
        """A new process. Raises OSError if the system has no room for it, or the fork server is killed twice."""
        if sys.platform != "linux":
            return _Program(self._module, *arguments)
        with self._lock:
            try:
                return self._forked(arguments)
            except OSError:  # it was killed, or hangs
                self._stop()
            try:
                return self._forked(arguments)
            except OSError:
                self._stop()  # an answer that comes late would be taken for the next one's
                raise

    def reap(self, pid: int) -> None:
        """Let the system use the id of a killed copy again."""
        with self._lock, contextlib.suppress(OSError):  # that of one which is killed itself is free
            if self._orders:
                self._orders.send(json.dumps(pid).encode())

    def close(self) -> None:
        """End it; its copies go on."""
        with self._lock:
            self._stop()

    def _forked(self, arguments: tuple[str, ...]) -> "_Forked":
        orders = self._orders or self._run()
        with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
            their_input, our_input = os.pipe()
            theirs.callback(os.close, their_input)
            ours.callback(os.close, our_input)
            our_output, their_output = os.pipe()
            theirs.callback(os.close, their_output)
            ours.callback(os.close, our_output)
            socket.send_fds(orders, [json.dumps(arguments).encode()], [their_input, their_output])
            pid = int(_answer(orders))
            ours.pop_all()
        return _Forked(self, pid, our_input, our_output)

    def _run(self) -> socket.socket:
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._orders.settimeout(START_SECONDS)
        with theirs:
            self._program = subprocess.Popen(
                [sys.executable, "-c", program_of("fork_server"), str(theirs.fileno()), self._module],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment(),
                pass_fds=[theirs.fileno()],
            )
        _answer(self._orders)  # its imports are done
        self._orders.settimeout(_FORK_SECONDS)
        return self._orders

    def _stop(self) -> None:
        if self._orders:
            self._orders.close()
        if self._program:
            self._program.kill()
            self._program.wait()
        self._orders = self._program = None


def _answer(orders: socket.socket) -> bytes:
    """What the fork server says next. Raises OSError if it is gone, or says nothing in time."""
    if not (told := orders.recv(100)):
        raise ConnectionResetError
    return told


class _Forked:
    """A copy of the fork server."""

    def __init__(self, parent: ForkServer, pid: int, into: int, out: int) -> None:
        self._parent, self._pid = parent, pid
        self.input: IO[bytes] = os.fdopen(into, "wb")
        self.output: IO[bytes] = os.fdopen(out, "rb")
        self._lock, self._ended = threading.Lock(), False

    @property
    def alive(self) -> bool:
        watched = select.poll()
        watched.register(self.output, 0)  # tells of a pipe that nobody writes to any more
        return not watched.poll(0)

    def kill(self) -> None:
        with self._lock, contextlib.suppress(ProcessLookupError):
            if not self._ended and self.alive:  # else its id may be another's, if the fork server is gone
                os.kill(self._pid, signal.SIGKILL)

    def end(self) -> None:
        self.kill()
        with self._lock:
            self._ended = True
        self._parent.reap(self._pid)


class _Program:
    """A program of its own."""

    def __init__(self, module: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", program_of("fork_server"), "", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment(),
        )
        self.input, self.output = cast("IO[bytes]", self._process.stdin), cast("IO[bytes]", self._process.stdout)

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def kill(self) -> None:
        self._process.kill()

    def end(self) -> None:
        self._process.kill()
        self._process.wait()


def main(orders: str, name: str, *arguments: str) -> None:
    """Serve orders from this file descriptor until its other end is closed; without one, run the module itself."""
    module = importlib.import_module(f"{__package__}.{name}")
    module.prepare()
    if not orders:
        module.main(*arguments)
        return
    copies = set[int]()
    with socket.socket(fileno=int(orders)) as server:
        server.send(b"ready")
        while True:
            order, descriptors, _, _ = socket.recv_fds(server, 1_000, 2)
            if not order:
                return
            told: Any = json.loads(order)
            if isinstance(told, int):
                if told in copies:  # else it is of a fork server that was killed
                    os.kill(told, signal.SIGKILL)
                    os.waitpid(told, 0)
                    copies.remove(told)
                continue
            if not (pid := os.fork()):
                _become(module, told, descriptors, server)
            for descriptor in descriptors:
                os.close(descriptor)
            copies.add(pid)
            server.send(str(pid).encode())


def _become(module: Any, arguments: list[str], descriptors: list[int], server: socket.socket) -> None:
    """In the copy: run the module's program, and never return."""
    try:
        server.close()
        for descriptor, standard in zip(descriptors, (0, 1), strict=True):
            os.dup2(descriptor, standard)
            os.close(descriptor)
        module.main(*arguments)
    finally:
        os._exit(0)
