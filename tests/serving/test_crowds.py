"""Pictures of very many faces: a light one's place is for a few, and where others wait not all are named."""

import gc
import json
import weakref
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from av.video.frame import VideoFrame
from PIL import Image

from emotion_core import Box, EmotionRecognizer, Face, FrameResult, Settings, VideoOptions
from emotion_core.images import RGB
from emotion_core.page.photo_answer import answer_photo
from emotion_core.page.photo_view import shown
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.serving.workshop import FRAME_FACES, LIGHT_FACES, MOST_FACES, Workshop
from emotion_core.tracking.face_search import FaceFollower
from emotion_core.tracking.stream import StreamAnalyzer
from emotion_core.video.follow import analyzer_of, follow, seek
from emotion_core.video.picture import Canvas, Picture
from support.hostile_pictures import saved
from support.rest_server import serving
from support.scripted import Clock, Scripted

WALL = saved(Image.new("RGB", (1280, 960), "gray"), "JPEG")


class Crowd(Scripted):
    """Sees so many faces in every picture, the largest first."""

    def __init__(self, count: int) -> None:
        super().__init__(Clock())
        self.count, self.searches = count, 0

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:  # noqa: ARG002
        self.searches += 1
        boxes = (Box(number % 50 * 20, number // 50 * 20, 60 - number // 50, 48) for number in range(self.count))
        return [Face(box, box, 0.99) for box in boxes]


@pytest.fixture
def shop() -> Iterator[Workshop]:
    shop = Workshop(Settings())
    yield shop
    shop.close()


def answered(shop: Workshop, crowd: Crowd) -> tuple[FrameResult, bool]:
    """The answer to a light picture, and whether its faces were named as those of a heavy one."""
    heavy, name = list[int](), crowd.probabilities

    def probabilities(crops: Any) -> Any:
        heavy.append(sum(work.heavy for work in shop.places._working))
        return name(crops)

    crowd.probabilities = probabilities  # type: ignore[method-assign]
    result = shop.work_on(WALL, "somebody", crowd.recognizer().analyze_rgb)
    [at_work] = heavy
    return result, bool(at_work)


@pytest.mark.parametrize("count", [LIGHT_FACES, LIGHT_FACES + 1, 300, MOST_FACES])
def test_a_groups_photo_is_answered_whole(shop: Workshop, count: int) -> None:
    """A light picture of two thousand faces held a light one's place for fifteen seconds; two shut all photos out."""
    crowd = Crowd(count)
    result, heavy = answered(shop, crowd)
    assert len(result.predictions) == count
    assert result.notes == ()
    assert heavy == (count > LIGHT_FACES)
    assert crowd.searches == 1 + heavy


def test_of_a_wall_of_faces_the_largest_are_named(shop: Workshop) -> None:
    result, heavy = answered(shop, Crowd(2_000))
    assert heavy
    assert [one.face for one in result.predictions] == Crowd(MOST_FACES).detect(np.zeros((1, 1, 3), np.uint8))
    assert result.notes == ("The picture has 2000 faces: the 500 largest are named.",)


def test_its_pixels_are_gone_before_it_is_begun_anew(shop: Workshop) -> None:
    """While it waits for a heavy one's memory, it holds none of a light one's."""
    recognizer, kept = Crowd(MOST_FACES).recognizer(), list["weakref.ref[RGB]"]()

    def work(rgb: RGB) -> FrameResult:
        gc.collect()
        assert all(pixels() is None for pixels in kept)
        kept.append(weakref.ref(rgb))
        return recognizer.analyze_rgb(rgb)

    shop.work_on(WALL, "somebody", work)
    assert len(kept) == 2
    assert shop.places._used == 0


def test_without_others_who_wait_all_are_named() -> None:
    """On the command line, in bulk and in Python."""
    result = Crowd(2_000).recognizer().analyze(Image.new("RGB", (1280, 960)))
    assert (len(result.predictions), result.notes) == (2_000, ())


def test_of_a_webcams_frame_a_few_are_named(shop: Workshop) -> None:
    crowd = Crowd(496)
    analyzer = StreamAnalyzer(crowd.recognizer(), follower=FaceFollower(crowd))
    with shop.turn("somebody"):
        found = analyzer.find(np.zeros((480, 640, 3), np.uint8), 0.0)
    assert len(found.faces) == len(found.crops) == FRAME_FACES


def test_rest_says_how_many_there_are() -> None:
    with serving(Crowd(1_200).recognizer(), Settings(rate_limit=0)) as url:
        answer = httpx.post(f"{url}/api/v1/analyze", files={"image": WALL}, timeout=60)
    [result] = answer.json()["results"]
    assert len(result["faces"]) == MOST_FACES
    assert "1200 faces" in result["notes"][0]


def test_the_pages_answer_is_bounded(shop: Workshop, recognizer: EmotionRecognizer) -> None:
    """It holds two small pictures of each face: ten megabytes for a wall of them. Noise is the largest."""
    noise = np.random.default_rng(1).integers(0, 256, (960, 1280, 3), np.uint8)
    crowd: Any = Crowd(2_000)
    seeing = Catalogue(recognizer.with_detector(crowd))

    def work(rgb: RGB) -> str:
        return json.dumps(shown(answer_photo(seeing, rgb, None, None), with_picture=True))

    answer = shop.work_on(saved(Image.fromarray(noise), "JPEG"), "somebody", work)
    assert len(json.loads(answer)["faces"]) == MOST_FACES
    assert "The picture has 2000 faces" in json.loads(answer)["html"]
    assert len(answer) < 6_000_000


def test_a_video_of_a_crowd_can_be_ended_after_each_frame() -> None:
    """Four frames of 576 faces were named in one call, and the next visitor's video waited for it."""
    crowd, sizes = Crowd(70), list[int]()
    name = crowd.probabilities

    def probabilities(crops: Any) -> Any:
        sizes.append(len(crops))
        return name(crops)

    crowd.probabilities = probabilities  # type: ignore[method-assign]
    canvas = Canvas(1280, 720)
    pictures = [Picture(number / 10, number, VideoFrame(1280, 720, "yuv420p"), canvas) for number in range(8)]
    analyzer = analyzer_of(crowd.recognizer(), VideoOptions())
    shown = list(follow(seek(pictures, analyzer, None), analyzer, lambda: 1.0))
    assert len(shown) == len(pictures)
    assert max(sizes) <= 2 * 70
