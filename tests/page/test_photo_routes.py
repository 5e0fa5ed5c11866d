"""The Image tab's routes: which places their work takes."""

import contextlib
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from PIL import Image
from starlette.applications import Starlette

from emotion_core import EmotionRecognizer, Settings
from emotion_core.page.explanation import Explainer
from emotion_core.page.photo_routes import PhotoRoutes
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.serving.decoding import Decoders
from emotion_core.serving.refusals import ApiError, respond
from emotion_core.serving.workshop import Workshop
from support.hostile_pictures import saved
from support.in_process import served
from support.waiting import until

CROP, PHOTO = saved(Image.new("RGB", (48, 48)), "PNG"), saved(Image.new("RGB", (640, 480), "gray"), "JPEG")


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    workshop = Workshop(Settings(concurrency=4))
    yield workshop
    workshop.close()


@pytest.fixture
def url(recognizer: EmotionRecognizer, workshop: Workshop) -> Iterator[str]:
    async def refused(_request: Any, error: Any) -> Any:
        return respond(error)

    routes = PhotoRoutes(Catalogue(recognizer), workshop).routes()
    with served(Starlette(routes=routes, exception_handlers={ApiError: refused}), lifespan="off") as port:
        yield f"http://127.0.0.1:{port}/page"


def test_explanations_leave_places_to_photos(url: str, workshop: Workshop, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes as long as ten photos, and is told so to the clock: two addresses held every place."""
    go_on = threading.Event()

    def explain(*_: Any) -> str:
        assert go_on.wait(20)
        return ""

    monkeypatch.setattr(Explainer, "explain", explain)
    monkeypatch.setattr(Explainer, "seconds", lambda *_: 0.7)
    with ThreadPoolExecutor(6) as pool:
        asked = [pool.submit(httpx.post, f"{url}/why?label=happy", content=CROP, timeout=30) for _ in range(6)]
        places = workshop.places  # those that are only measured are not heavy yet
        until(lambda: [work.heavy for work in (*places._working, *places._line)] == [True] * 6)
        working = [(work.heavy, work.seconds) for work in places._working]
        photo = httpx.post(f"{url}/photo", content=PHOTO, timeout=10)
        go_on.set()
        assert [one.result().status_code for one in asked] == [200] * 6
    assert working == [(True, 0.7)] * 2
    assert photo.status_code == 200


@pytest.mark.parametrize("address", ["photo", "why?label=happy"])
def test_who_has_gone_waits_for_no_turn(url: str, workshop: Workshop, address: str) -> None:
    """Requests of nobody held the places of the door, for as long as others' pictures came before theirs."""
    with contextlib.ExitStack() as held:
        for name in "abcd":
            held.enter_context(workshop.places.place(name))
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/{address}", content=CROP, timeout=0.5)
        until(lambda: not workshop.places._line, 3)


def test_what_is_no_crop_is_refused_before_it_is_decoded(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its pixels would be held while somebody else's had the memory: 260 MB more than the bounds add up to."""
    monkeypatch.setattr(Decoders, "decode", lambda *_: pytest.fail("It is decoded."))
    answer = httpx.post(f"{url}/why?label=happy", content=PHOTO)
    assert (answer.status_code, "48x48" in answer.json()["error"]["message"]) == (422, True)


def test_what_is_no_crop_is_refused_before_it_waits(url: str, workshop: Workshop) -> None:
    with workshop.places.place("a", heavy=True), workshop.places.place("b", heavy=True):
        answer = httpx.post(f"{url}/why?label=happy", content=PHOTO)
    assert (answer.status_code, "48x48" in answer.json()["error"]["message"]) == (422, True)
    answer = httpx.post(f"{url}/why?label=bored", content=CROP)
    assert (answer.status_code, answer.json()["error"]["field"]) == (422, "label")
    assert "<img" in httpx.post(f"{url}/why?label=happy", content=CROP, timeout=30).json()["html"]
