"""Bodies that come slowly do not shut out whoever sends one as usual."""

import asyncio
import contextlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from emotion_core import Settings
from emotion_core.serving.answer import Answer
from emotion_core.serving.arrival import LEAST_RATE, USUAL_RATE, Arrival
from emotion_core.serving.bodies import Bodies
from emotion_core.serving.door import MOST_WAITING
from emotion_core.serving.doors import Doors
from emotion_core.serving.refusals import ApiError
from support.in_process import served
from support.rest_server import connection
from support.waiting import until

FORM = "multipart/form-data; boundary=x"
PATHS = ("api/v1/analyze", "page/photo", "api/v1/video", "gradio_api/upload")


class Reads:
    """Reads every body to its end. at_work: requests that it has begun with and not ended."""

    at_work = 0

    async def __call__(self, _scope: Any, receive: Any, send: Any) -> None:
        self.at_work += 1
        more = True
        while more:
            message = await receive()
            more = message["type"] == "http.request" and message["more_body"]
        self.at_work -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


@pytest.fixture
def app() -> Reads:
    return Reads()


@pytest.fixture
def url(app: Reads) -> Iterator[str]:
    with served(Bodies(app, Settings(trusted_proxies=1)), lifespan="off") as port:
        yield f"http://127.0.0.1:{port}"


def begin(line: socket.socket, path: str, address: str, length: int = 3_000_000) -> None:
    head = f"POST /{path} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\nContent-Type: {FORM}\r\n"
    line.sendall(f"{head}Content-Length: {length}\r\n\r\n".encode() + bytes(2_000))


def sent(url: str, path: str, address: str) -> int:
    headers = {"X-Forwarded-For": address, "Content-Type": FORM}
    return httpx.post(f"{url}/{path}", content=bytes(300_000), headers=headers).status_code


@pytest.mark.parametrize("path", PATHS)
def test_a_newcomer_gets_the_place_of_the_slowest(url: str, app: Reads, path: str) -> None:
    """With 24 bodies of 11 kB a second, each from an address of its own, nobody else was answered for a minute."""
    most = Doors(Settings()).of(f"/{path}", FORM).most
    with contextlib.ExitStack() as opened:
        lines = [opened.enter_context(connection(url)) for _ in range(40)]
        for number, line in enumerate(lines):
            begin(line, path, f"10.0.0.{number}")
        until(lambda: app.at_work == most)
        assert [sent(url, path, f"192.0.2.{number}") for number in range(5)] == [200] * 5
        until(lambda: app.at_work == most - 1)  # the first of the honest ones took the place of one, the next had it
        told = lines[0].recv(1_000)
    assert told.startswith(b"HTTP/1.1 408")
    assert b"slowest" in told


def test_what_comes_as_usual_is_not_cut_off() -> None:
    door, places = Doors(Settings()).pictures, dict[str, Arrival]()
    for number in range(door.most):
        arrival = places[f"10.0.0.{number}"] = Arrival()
        arrival.waited, arrival.read = 5.0, 5 * USUAL_RATE
        assert door.enter(f"10.0.0.{number}", arrival) == ""
    assert door.enter("newcomer") == "everybody's"
    places["10.0.0.3"].read //= 2
    places["10.0.0.4"].read //= 3
    places["10.0.0.5"].read, places["10.0.0.5"].whole = 0, True
    assert door.enter("10.0.0.1") == "everybody's", "only who has no place gets another's"
    assert [door.enter(f"newcomer {number}") for number in range(3)] == ["", "", "everybody's"]
    assert set(places) - set(door.inside) == {"10.0.0.3", "10.0.0.4"}
    for address, arrival in places.items():
        door.leave(address, arrival)
    assert dict(door.inside) == {"newcomer 0": 1, "newcomer 1": 1}
    assert not door.ways


def test_who_has_no_place_waits_a_moment_for_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """While the door is full of bodies that have just begun, or of photos that are being answered."""

    async def main() -> None:
        door = Doors(Settings()).video
        for number in range(door.most):
            door.enter(f"10.0.0.{number}")

        async def enter(address: str) -> str:
            await door.opens(address)
            return door.enter(address)

        monkeypatch.setattr("emotion_core.serving.door._TRIES", 5)
        waits = [asyncio.create_task(enter(f"newcomer {number}")) for number in range(MOST_WAITING)]
        await asyncio.sleep(0.01)
        assert len(door.waiting) == MOST_WAITING
        for address in ("10.0.0.1", "newcomer 1", "one more"):  # who has a place, one of who waits, one too many
            async with asyncio.timeout(0.05):
                assert await enter(address) == "everybody's"
        door.leave("10.0.0.1")
        assert await asyncio.gather(*waits) == ["", *["everybody's"] * (MOST_WAITING - 1)]
        assert door.waiting == {}

    asyncio.run(main())


@dataclass(eq=False)
class Answering:
    """An answer on its way, as the door sees it."""

    behind: float = -1.0
    lasts: float = 0.0
    whole: bool = True
    cut: bool = False

    def cut_off(self) -> None:
        self.cut = True


def test_who_reads_many_files_just_fast_enough_leaves_places_to_others() -> None:
    """Fourteen addresses held every place of reading, each with forty answers: nobody got a page whole."""
    door = Doors(Settings()).reading
    answers = [Answering() for _ in range(door.most)]
    for number, one in enumerate(answers):
        door.inside[address := f"10.0.0.{number % 14}"] += 1
        door.ways[one] = address
    assert door.enter("new", Answering()) == "everybody's", "all have just begun"
    for one in answers:
        one.lasts = 6.0
    assert [door.enter("new", Answering()) for _ in range(12)] == [""] * 12
    assert sum(one.cut for one in answers) == 12
    assert max(door.inside.values()) - min(door.inside[f"10.0.0.{number}"] for number in range(14)) <= 1


def test_streams_are_lost_by_who_has_most_to_who_has_none() -> None:
    """Eighteen addresses held them all for as long as they liked: nobody else's event was answered."""
    door = Doors(Settings()).streams
    for number in range(door.most):
        door.inside[address := f"10.0.0.{number % 18}"] += 1
        door.ways[Answering(lasts=6.0)] = address
    assert door.enter("new", Answering()) == ""
    assert door.enter("new", Answering()) == "everybody's", "it has one"
    pictures = Doors(Settings()).pictures
    for _ in range(pictures.most):
        pictures.inside["10.0.0.1"] += 1
        pictures.ways[Answering(lasts=60.0)] = "10.0.0.1"
    assert pictures.enter("new") == "everybody's", "their bodies have come: they are being worked on"


def test_an_only_answer_on_a_slow_line_keeps_its_place() -> None:
    """It was the slowest, and the first to lose it as soon as others took every place."""
    door = Doors(Settings()).reading
    phone, dead = (Answering(behind, 20.0, whole=False) for behind in (-2.0, 3.0))
    door.enter("phone", phone)
    door.enter("dead", dead)
    for number in range(door.most - 2):
        door.inside[f"10.0.0.{number % 14}"] += 1
        door.ways[Answering(lasts=6.0)] = f"10.0.0.{number % 14}"
    assert [door.enter(f"new {number}", Answering()) for number in range(20)] == [""] * 20
    assert (phone.cut, dead.cut) == (False, True)


def test_who_has_all_that_an_address_may_waits_for_one_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of ten visitors behind one address two were refused at once."""
    monkeypatch.setattr("emotion_core.serving.door._TRIES", 5)

    async def main() -> None:
        door = Doors(Settings()).pictures
        for _ in range(door.each):
            assert door.enter("office") == ""

        async def enter() -> str:
            await door.opens("office")
            return door.enter("office")

        waits = [asyncio.create_task(enter()) for _ in range(2)]
        await asyncio.sleep(0.15)
        assert not any(one.done() for one in waits)
        door.leave("office")
        assert await asyncio.gather(*waits) == ["", "yours"]

    asyncio.run(main())


def test_what_the_server_takes_is_not_the_senders_delay() -> None:
    async def main() -> None:
        arrival = Arrival()

        async def receive() -> Any:
            await asyncio.sleep(0.01)
            return {"type": "http.request", "body": bytes(10_000), "more_body": True}

        await arrival.next(receive, 1)
        behind = arrival.behind
        time.sleep(0.2)
        assert arrival.behind == behind < 0.1
        waits = asyncio.create_task(arrival.next(asyncio.Event().wait, 20))  # type: ignore[arg-type]
        await asyncio.sleep(0.2)
        assert arrival.behind > behind + 0.1
        arrival.cut_off()
        with pytest.raises(ApiError, match="slowest"):
            await waits
        with pytest.raises(ApiError, match="slowest"):
            await arrival.next(receive, 1)

    asyncio.run(main())


def test_who_has_no_place_gets_one_of_the_address_that_has_the_most() -> None:
    """Six addresses held every place with bodies of 2.4 megabits a second, and others were refused for minutes."""

    async def main() -> None:
        door = Doors(Settings()).pictures
        bodies = {}
        for number in range(6):
            while not door.enter(f"10.0.0.{number}", one := Arrival()):
                bodies[one] = f"10.0.0.{number}"
        assert door.inside.total() == door.most
        for address in ("192.0.2.1", "192.0.2.2"):
            start = time.monotonic()
            await door.opens(address)
            assert 0.5 < time.monotonic() - start < 4
            bodies[one := Arrival()] = address
            assert not door.enter(address, one)
        assert door.inside.total() == door.most
        assert [bodies[one] for one in bodies if one not in door.ways] == ["10.0.0.0", "10.0.0.1"]
        for one in bodies:
            one.whole = True
        assert door.enter("192.0.2.3") == "everybody's", "what has come is answered"

    asyncio.run(main())


def test_json_of_some_addresses_leaves_memory_to_others(url: str) -> None:
    """Bodies that say nothing more held all of it: nobody's event or webcam frame was taken."""
    head = "POST /api/v1/analyze HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {}\r\nContent-Type: application/json\r\n"
    with contextlib.ExitStack() as opened:
        for number, size in enumerate([9_890_000] * 6 + [4_600_000]):
            line = opened.enter_context(connection(url))
            with contextlib.suppress(OSError):  # refused meanwhile
                line.sendall(head.format(f"10.0.0.{number % 2}").encode() + b"Content-Length: 9900000\r\n\r\n")
                line.sendall(bytes(size))
        time.sleep(1.5)
        for number in range(4):
            headers = {"X-Forwarded-For": f"192.0.2.{number}", "Content-Type": "application/json"}
            assert (
                httpx.post(f"{url}/gradio_api/queue/join", content=bytes(900_000), headers=headers).status_code == 200
            )


@pytest.mark.parametrize("length", [65_536, 400_000])
def test_the_last_piece_has_the_time_of_the_one_before(length: int) -> None:
    """Before it is sent that one is still being read: a phone with twice the least rate was slow at a file's end.

    Of a large message no more than 64 kB counted: a stream's reader was slow after each large answer.
    """

    async def main() -> None:
        read = asyncio.Event()

        async def send(message: Any) -> None:
            if message.get("more_body") is False:
                await read.wait()

        answer = Answer(send)
        await answer.send({"type": "http.response.start", "status": 200, "headers": []})
        await answer.send({"type": "http.response.body", "body": bytes(length), "more_body": True})
        last = asyncio.create_task(answer.send({"type": "http.response.body", "body": b"end", "more_body": False}))
        await asyncio.sleep(0.05)
        assert answer.behind < 0.5 - length / LEAST_RATE
        read.set()
        await last

    asyncio.run(main())
