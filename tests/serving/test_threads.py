"""What an error of a thread keeps."""

import asyncio
import gc
import traceback
import weakref
from collections.abc import Iterator
from contextlib import closing

import httpx
import psutil
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from emotion_core import EmotionRecognizer, Settings
from emotion_core.page.photo_routes import PhotoRoutes
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.serving.refusals import answer_errors
from emotion_core.serving.threads import in_thread
from emotion_core.serving.workshop import Workshop
from support.in_process import served
from support.waiting import until


@pytest.fixture
def no_collector() -> Iterator[None]:
    """Only what nothing refers to is freed."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


class Large:
    """Something that can be watched."""


@pytest.mark.usefixtures("no_collector")
def test_an_error_keeps_nothing_of_the_work() -> None:
    watched: list[weakref.ref[Large]] = []

    def inner(given: Large) -> None:
        raise ValueError(f"{given} is no good")

    def work(given: Large) -> None:
        made = Large()
        watched.extend(map(weakref.ref, (given, made)))
        try:
            inner(made)
        except ValueError as error:
            raise KeyError("outer") from error

    async def places() -> list[str]:
        try:
            await in_thread(work, Large())
        except KeyError as error:
            return [frame.name for frame in traceback.extract_tb(error.__traceback__)]
        return []

    assert asyncio.run(places())[-1] == "work", "the log tells where it happened"
    until(lambda: [one() for one in watched] == [None, None])  # the thread may be about to put its part away


@pytest.mark.usefixtures("no_collector")
@pytest.mark.parametrize("asked", ["photo?detector=x", "photo?other=x", "photo", "why?label=happy"])
def test_a_refused_photo_is_gone_at_once(recognizer: EmotionRecognizer, asked: str) -> None:
    """Five large ones with a detector that there is not took a gigabyte, for as long as nothing else happened."""
    workshop = Workshop(Settings())
    app = FastAPI(routes=[*PhotoRoutes(Catalogue(recognizer), workshop).routes()])
    answer_errors(app)
    content = b"\xff\xd8\xff" + bytes(20_000_000)
    with closing(workshop), served(app, lifespan="off") as port, httpx.Client(timeout=60) as client:
        held = []
        for _ in range(4):
            answer = client.post(f"http://127.0.0.1:{port}/page/{asked}", content=content)
            assert answer.status_code == 422
            held.append(psutil.Process().memory_info().rss)
    assert held[-1] - held[0] < len(content)


def test_a_wrong_name_is_told_before_the_photo_is_decoded(recognizer: EmotionRecognizer) -> None:
    workshop = Workshop(Settings())
    app = FastAPI(routes=[*PhotoRoutes(Catalogue(recognizer), workshop).routes()])
    answer_errors(app)
    with closing(workshop):
        answer = TestClient(app).post("/page/photo?detector=x", content=b"no photo")
    assert answer.status_code == 422
    assert "no detector of that name" in answer.json()["error"]["message"]
