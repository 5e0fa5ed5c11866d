"""Faces tracked between searches of the whole frame, and the threads that let a video's stages overlap."""

import threading
from collections.abc import Iterator
from contextlib import closing

import numpy as np
import pytest

from emotion_core.images import RGB
from emotion_core.recognition.detectors import FaceDetector, HaarDetector, YuNetDetector
from emotion_core.results import Face
from emotion_core.tracking.face_search import FaceFollower
from emotion_core.video.in_order import Behind, ahead
from support import clips


class Counting:
    """A real detector that counts its searches of whole frames and of crops."""

    def __init__(self, detector: FaceDetector) -> None:
        self.name, self.scored, self._detector = detector.name, detector.scored, detector
        self.whole = self.cuts = 0

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
        self.whole, self.cuts = self.whole + (near is None), self.cuts + (near is not None)
        return self._detector.detect(rgb, near)


@pytest.fixture(params=["haar", "yunet"])
def eyes(request: pytest.FixtureRequest) -> Counting:
    return Counting(HaarDetector() if request.param == "haar" else YuNetDetector(request.getfixturevalue("yunet")))


class TestFollower:
    def test_boxes_are_those_of_whole_searches(self, eyes: Counting) -> None:
        """Two moving people: nearly all frames are answered from crops, and the boxes agree with the whole frame's."""
        follower = FaceFollower(eyes, search_seconds=1.0)
        agreements = []
        for number in range(20):
            paths = {1: clips.across(10, 60), 2: clips.across(200, -20, 130)}
            frame, _ = clips.scene(paths, number / 10)
            found, whole = follower.find(frame, number / 10), eyes._detector.detect(frame)
            if len(whole) == 2:  # Haar occasionally misses one
                assert len(found) == 2
                agreements += [max(face.crop.overlap(other.crop) for other in whole) for face in found]
        assert len(agreements) > 24
        assert np.mean(agreements) > 0.8, agreements
        assert eyes.whole <= 6, "the whole frame is searched every second, and when a face is lost"
        assert eyes.cuts >= 24

    def test_who_comes_and_who_goes(self, eyes: Counting) -> None:
        """A new face is found by the next search of the whole frame; a lost one triggers a search at once."""
        alone, both = ({1: clips.across(10, 0)}, {1: clips.across(10, 0), 2: clips.across(200, 0)})
        follower = FaceFollower(eyes, search_seconds=0.5)
        counts = []
        for number in range(12):
            paths = alone if number < 3 else both if number < 9 else {2: clips.across(200, 0)}
            counts.append(len(follower.find(clips.scene(paths, 0)[0], number / 10)))
        assert counts[:3] == [1, 1, 1]
        assert counts[6:] == [2, 2, 2, 1, 1, 1]

    def test_nobody_and_always(self, eyes: Counting) -> None:
        empty = clips.background()
        follower = FaceFollower(eyes)
        assert [follower.find(empty, time / 10) for time in range(3)] == [[], [], []]
        assert (eyes.whole, eyes.cuts) == (3, 0), "there is nobody to follow"
        always = FaceFollower(eyes, search_seconds=0)
        for time in range(3):
            always.find(clips.scene({1: clips.across(10, 0)}, 0)[0], time / 10)
        assert (eyes.whole, eyes.cuts) == (6, 0)

    def test_a_face_at_the_edge(self, eyes: Counting) -> None:
        """The crop extends beyond the picture's edge."""
        follower = FaceFollower(eyes, search_seconds=9)
        corner = np.ascontiguousarray(clips.scene({1: clips.across(0, 0, 0)}, 0)[0][12:, 12:])
        [first], [second] = follower.find(corner, 0), follower.find(corner, 0.1)
        assert eyes.cuts == 1
        assert second.crop.overlap(first.crop) > 0.7

    def test_a_large_picture_is_searched_small_and_weak_faces_are_left_out(self, eyes: Counting) -> None:
        frame, truth = clips.scene({1: clips.across(100, 0)}, 0)
        large = np.repeat(np.repeat(frame, 4, axis=0), 4, axis=1)
        [face] = FaceFollower(eyes, side=320).find(large, 0)
        assert abs(face.box.x + face.box.width / 2 - 4 * (truth[1].x + truth[1].width / 2)) < 40
        strict = FaceFollower(eyes, min_score=1.0).find(frame, 0)
        assert len(strict) == (1 if face.score is None else 0)


def count_to(most: int, made: list[int]) -> Iterator[int]:
    for number in range(most):
        made.append(number)
        yield number


class TestAhead:
    def test_order_and_end(self) -> None:
        assert list(ahead(count_to(20, []), 3)) == list(range(20))
        assert list(ahead(iter(()), 3)) == []

    def test_errors_come_in_their_place(self) -> None:
        items = ahead((10 // (3 - number) for number in range(9)), 4)
        assert [next(items), next(items), next(items)] == [3, 5, 10]
        with pytest.raises(ZeroDivisionError):
            next(items)

    def test_never_further_ahead_than_asked(self) -> None:
        made: list[int] = []
        with closing(ahead(count_to(50, made), 3)) as items:
            assert [next(items), next(items)] == [0, 1]
        assert len(made) <= 5, "closing ends the work"


class TestBehind:
    def test_order(self) -> None:
        done: list[int] = []
        with Behind(4) as later:
            for number in range(30):
                later(done.append, number)
            later.finish()
            assert done == list(range(30))

    def test_errors_are_told_and_end_the_work(self) -> None:
        done: list[int] = []

        def work() -> None:
            with Behind(2) as later:
                later(divmod, 1, 0)
                for number in range(30):
                    later(done.append, number)

        with pytest.raises(ZeroDivisionError):
            work()
        assert len(done) < 3

    def test_it_waits_when_too_much_is_to_come(self) -> None:
        go = threading.Event()
        with Behind(2) as later:
            later(go.wait, 5)
            later(go.wait, 5)
            threading.Timer(0.1, go.set).start()
            later(int)  # waits for the first
            assert go.is_set()
            later.finish()
