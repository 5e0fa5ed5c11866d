"""What begins first of what comes together: by the order in which an application is called."""

import asyncio
from typing import Any

import pytest

from emotion_core.serving.turns import Turns


async def unsent(_message: Any) -> None:
    """Nobody reads it."""


def called(paths: list[str], passes: int) -> list[str]:
    """The paths that an application was asked for, in order, after so many passes of the loop."""
    asked: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        asked.append(scope["path"])

    async def main() -> list[str]:
        turns = Turns(app)
        tasks = [asyncio.create_task(turns({"type": "http", "path": path}, None, unsent)) for path in paths]  # type: ignore[arg-type]
        for _ in range(passes):
            await asyncio.sleep(0)
        seen = list(asked)
        await asyncio.gather(*tasks)
        assert len(asked) == len(paths)
        return seen

    return asyncio.run(main())


def test_health_waits_for_none_of_a_hundred_that_came_before_it() -> None:
    asked = called([*(f"/{number}" for number in range(100)), "/healthz"], 3)
    assert "/healthz" in asked
    assert len(asked) <= 4


def test_all_are_served_in_the_order_in_which_they_came() -> None:
    paths = [f"/{number}" for number in range(50)]
    assert called(paths, 200) == paths


@pytest.mark.parametrize("kind", ["http.request", "http.disconnect"])
def test_each_piece_of_a_body_waits_for_its_turn_and_so_does_the_end(kind: str) -> None:
    read: list[int] = []

    async def app(scope: Any, receive: Any, _send: Any) -> None:
        for _ in range(10):
            await receive()
            read.append(scope["number"])

    async def piece() -> Any:
        return {"type": kind, "body": b"x", "more_body": True}

    async def main() -> int:
        turns = Turns(app)
        scopes: list[Any] = [{"type": "http", "path": "/", "number": number} for number in range(20)]
        tasks = [asyncio.create_task(turns(scope, piece, unsent)) for scope in scopes]
        for _ in range(20):
            await asyncio.sleep(0)
        early = len(read)
        await asyncio.gather(*tasks)
        return early

    assert asyncio.run(main()) <= 20
    assert len(read) == 200
    assert sorted(read[:40]) != sorted([0] * 10 + [1] * 10 + [2] * 10 + [3] * 10)  # nobody reads all before the others


def test_who_has_gone_takes_no_turn() -> None:
    asked: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        asked.append(scope["path"])

    async def main() -> None:
        turns = Turns(app)
        tasks = [
            asyncio.create_task(turns({"type": "http", "path": f"/{number}"}, None, unsent))  # type: ignore[arg-type]
            for number in range(30)
        ]
        await asyncio.sleep(0)
        for task in tasks[10:20]:
            task.cancel()
        gone = await asyncio.gather(*tasks, return_exceptions=True)
        assert sum(isinstance(result, asyncio.CancelledError) for result in gone) == 10

    asyncio.run(main())
    assert asked == [f"/{number}" for number in (*range(10), *range(20, 30))]


@pytest.mark.parametrize("kind", ["lifespan", "websocket"])
def test_what_is_no_request_passes(kind: str) -> None:
    asked: list[str] = []

    async def app(scope: Any, _receive: Any, _send: Any) -> None:
        asked.append(scope["type"])

    asyncio.run(Turns(app)({"type": kind}, None, unsent))  # type: ignore[arg-type]
    assert asked == [kind]
