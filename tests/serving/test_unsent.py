"""The memory of answers that nobody reads, over all connections."""

import time
from contextlib import ExitStack
from typing import Any

from emotion_core.serving.connections import careful
from emotion_core.serving.unsent import Unsent
from support.in_process import served
from support.rest_server import connection
from support.waiting import until


class Line:
    """A connection that keeps what it is given."""

    def __init__(self, unsent: Unsent, address: str, read_at: float) -> None:
        self.address, self.read_at = address, time.monotonic() - 10_000 + read_at
        self._unsent, self._kept = unsent, list[bytes]()

    def keep(self, data: bytes) -> None:
        self._kept.append(data)
        self._unsent.add(self, data)

    @property
    def keeps(self) -> int:
        return len(self._kept)

    def abort(self) -> None:
        while self._kept:
            self._unsent.remove(self, self._kept.pop())


def test_what_several_wait_for_counts_once() -> None:
    unsent, data = Unsent(1000), bytes(600)
    lines = [Line(unsent, f"10.0.0.{number}", number) for number in range(5)]
    for line in lines:
        line.keep(data)
    assert unsent.bytes == 600
    for line in lines[:4]:
        line.abort()
    assert unsent.bytes == 600
    lines[4].abort()
    assert unsent.bytes == 0


def test_the_slowest_of_the_address_with_most_are_ended() -> None:
    unsent, shared = Unsent(1000), bytes(100)
    honest = Line(unsent, "192.0.2.1", 0.0)
    honest.keep(bytes(150))
    many = [Line(unsent, "10.0.0.1", 10.0 - number) for number in range(5)]
    for line in many:
        line.keep(bytes(140))
        line.keep(shared)
    assert unsent.bytes == 950
    many[2].keep(bytes(140))
    assert [line.keeps for line in many] == [2, 2, 3, 0, 0], "the last ones were read of the longest ago"
    assert (unsent.bytes, honest.keeps) == (810, 1)
    many[0].keep(bytes(200))
    assert [line.keeps for line in many] == [3, 2, 0, 0, 0]
    assert (unsent.bytes, honest.keeps) == (730, 1)


def test_who_reads_is_ended_after_who_does_not() -> None:
    """However much waits for it: a large answer that was being read was ended before those that nobody read."""
    unsent = Unsent(10_000)
    honest = Line(unsent, "10.0.0.1", 10_000.0)
    honest.keep(bytes(4_000))
    others = [Line(unsent, "10.0.0.1", float(number)) for number in range(4)]
    for line in others:
        line.keep(bytes(1_900))
    assert honest.keeps == 1
    assert [line.keeps for line in others] == [0, 0, 1, 1]
    honest.keep(bytes(9_000))
    assert [line.keeps for line in (honest, *others)] == [0] * 5


def test_what_others_wait_for_too_is_not_ended_for_nothing() -> None:
    """Thirteen hundred lines were, one after the other, each after a look at all: everybody waited for seconds."""
    unsent, shared = Unsent(50_000_000), bytes(250_000)
    old = [Line(unsent, "10.0.0.1", float(number)) for number in range(1_300)]
    for line in old:
        line.keep(shared)
    new = [Line(unsent, "10.0.0.1", 2_000.0 + number) for number in range(800)]
    start = time.perf_counter()
    for number, line in enumerate(new):
        line.keep(bytes(125_000 + number))
    assert time.perf_counter() - start < 1
    assert unsent.bytes <= 50_000_000
    assert all(line.keeps for line in old)


async def own_answers(_scope: Any, _receive: Any, send: Any) -> None:
    """Each has its own megabyte, as a photo's answer is."""
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1000000")]})
    await send({"type": "http.response.body", "body": bytes(1_000_000)})


def test_unread_answers_of_their_own_are_bounded_together() -> None:
    """Two thousand pages whose addresses differ took 550 megabytes."""
    unsent = Unsent(5_000_000)
    protocol = careful(unsent=unsent)
    with served(own_answers, http=protocol, lifespan="off") as port, ExitStack() as opened:
        for _ in range(20):
            opened.enter_context(connection(f"http://127.0.0.1:{port}")).sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        until(lambda: unsent.bytes > 3_000_000)
        until(lambda: 3 <= protocol.open.total() <= 5)
        assert unsent.bytes == protocol.open.total() * 1_000_000
    until(lambda: unsent.bytes == 0)
