"""Who is served next: by the order in which turns are given, and through the guard that gives them."""

import asyncio
from typing import Any

from emotion_core.serving.bodies import Bodies
from emotion_core.serving.turns import Turns
from emotion_core.settings import Settings


def given(addresses: list[str], passes: int) -> list[str]:
    """Whose turns came in so many passes of the loop, in order; all of them ask at once."""
    had: list[str] = []

    async def main() -> list[str]:
        turns = Turns()

        async def ask(address: str) -> None:
            await turns.take(address)
            had.append(address)

        tasks = [asyncio.create_task(ask(address)) for address in addresses]
        for _ in range(passes):
            await asyncio.sleep(0)
        early = list(had)
        await asyncio.gather(*tasks)
        assert len(had) == len(addresses)
        return early

    return asyncio.run(main())


def test_there_is_one_in_each_pass() -> None:
    assert len(given(["a"] * 100, 20)) <= 20
    assert given(["a"] * 50, 200) == ["a"] * 50


def test_an_address_that_sends_much_waits_for_its_own() -> None:
    had = given([*["much"] * 100, "little", "less"], 200)
    assert had.index("little") <= 3
    assert had.index("less") <= 4
    assert given(["a", "a", "b", "b", "c"], 50) == ["a", "a", "b", "c", "b"]  # the first found nobody


def test_who_has_gone_takes_no_turn() -> None:
    had: list[int] = []

    async def main() -> None:
        turns = Turns()

        async def ask(number: int) -> None:
            await turns.take("a")
            had.append(number)

        tasks = [asyncio.create_task(ask(number)) for number in range(30)]
        await asyncio.sleep(0)
        for task in tasks[10:20]:
            task.cancel()
        gone = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(result, asyncio.CancelledError) for result in gone) == 10

    asyncio.run(main())
    assert had == [*range(10), *range(20, 30)]


def asked(requests: list[tuple[str, str]], passes: int, body: bytes = b"") -> tuple[list[str], list[int]]:
    """The paths that reached the application behind the guard in so many passes, and in the end all statuses.

    requests: path and address of each, all at once.
    """
    reached: list[str] = []
    statuses: list[int] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        reached.append(scope["path"])
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async def main() -> list[str]:
        guard = Bodies(app, Settings())

        async def ask(path: str, address: str) -> None:
            async def receive() -> Any:
                return {"type": "http.request", "body": body, "more_body": False}

            async def send(message: Any) -> None:
                if "status" in message:
                    statuses.append(message["status"])

            scope: Any = {"type": "http", "method": "POST" if body else "GET", "path": path, "client": (address, 1)}
            headers = [(b"content-length", b"%d" % len(body)), (b"content-type", b"application/json")] if body else []
            await guard({**scope, "headers": headers, "query_string": b""}, receive, send)

        tasks = [asyncio.create_task(ask(*request)) for request in requests]
        for _ in range(passes):
            await asyncio.sleep(0)
        early = list(reached)
        await asyncio.gather(*tasks)
        return early

    return asyncio.run(main()), statuses


def test_health_waits_for_none_of_a_hundred_that_came_before_it() -> None:
    reached, statuses = asked([*((f"/{number}", f"10.0.{number}.1") for number in range(100)), ("/healthz", "::1")], 3)
    assert "/healthz" in reached
    assert len(reached) < 10
    assert statuses == [200] * 101


def test_what_is_waited_for_a_turn_is_not_the_senders_time(monkeypatch: Any) -> None:
    """A whole body that came at once was too slow, when hundreds of others had come before it."""

    async def slow(_self: Turns, _address: str) -> None:
        await asyncio.sleep(0.05)

    monkeypatch.setattr(Turns, "take", slow)
    monkeypatch.setattr("emotion_core.serving.bodies.GRACE", 0.02)
    _, statuses = asked([("/gradio_api/queue/join", "10.0.0.1")], 1, b"{}")
    assert statuses == [200]


def test_a_request_that_the_end_of_the_server_cuts_off_raises_nothing() -> None:
    """Also one whose body has not come, and one that waits for its turn: each would be logged with its stack."""

    async def app(_scope: Any, _receive: Any, _send: Any) -> None:
        raise AssertionError

    async def never() -> Any:
        await asyncio.Event().wait()

    async def main() -> None:
        told: list[Any] = []

        async def send(message: Any) -> None:
            told.append(message)

        guard = Bodies(app, Settings())
        scope: Any = {"type": "http", "method": "POST", "path": "/gradio_api/queue/join", "client": ("::1", 1)}
        headers = [(b"content-length", b"9"), (b"content-type", b"application/json")]
        begun = {**scope, "headers": headers, "query_string": b""}
        tasks = [asyncio.create_task(guard(begun, never, send)) for _ in range(3)]
        await asyncio.sleep(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks)
        assert [message["status"] for message in told if "status" in message] == [503] * 3

    asyncio.run(main())
