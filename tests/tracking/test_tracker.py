"""Identity and smoothing: synthetic boxes first, then real faces through the whole analysis."""

import math
from collections.abc import Iterator

import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from emotion_core import Box, EmotionRecognizer, Face, FaceTracker, Prediction, ProbabilitySmoother, StreamAnalyzer
from emotion_core.images import RGB
from emotion_core.recognition.detectors import YuNetDetector
from emotion_core.tracking.assignment import assign
from emotion_core.tracking.stream import TrackedFrame, between
from support import clips

LABELS = ("happy", "sad")


def prediction(x: float, y: float = 50, side: int = 40, happy: float = 0.9) -> Prediction:
    box = Box(round(x), round(y), side, side)
    return Prediction(Face(box, box), LABELS, (happy, 1 - happy))


def times(seconds: float, rate: float, jitter: float = 0.0) -> Iterator[float]:
    rng = np.random.default_rng(1)
    for index in range(int(seconds * rate)):
        yield (index + jitter * rng.random()) / rate


@pytest.mark.parametrize("limit", [0.3, 1.0, 9.0])
def test_assignment_is_the_optimal_one(limit: float) -> None:
    rng = np.random.default_rng(0)
    for _ in range(100):
        costs = rng.random(rng.integers(0, 7, 2)) * 2
        pairs = assign(costs, limit)
        padded = np.where(costs <= limit, costs, 1e3)
        rows, columns = linear_sum_assignment(padded)
        wanted = [pair for pair in zip(rows, columns, strict=True) if costs[pair] <= limit]
        assert len(pairs) == len(wanted) == len({row for row, _ in pairs}) == len({column for _, column in pairs})
        assert sum(costs[pair] for pair in pairs) == pytest.approx(sum(costs[pair] for pair in wanted))


@pytest.mark.parametrize(("rate", "jitter"), [(5, 0), (25, 0), (60, 0), (20, 0.9)])
def test_two_walkers_who_cross_keep_their_numbers(rate: float, jitter: float) -> None:
    """By position alone, with the one behind hidden while they overlap, at any frame rate."""
    tracker = FaceTracker(confirm_seconds=0)
    for time in times(3, rate, jitter):
        first, second = 20 + 100 * time, 320 - 100 * time
        faces = [prediction(second, y=56)] if abs(first - second) < 30 else [prediction(first), prediction(second, 56)]
        seen = tracker.update(time, faces)
        assert set(seen) <= {1, 2}
        if 1 in seen:
            assert seen[1].face.box.y == 50
        if 2 in seen:
            assert seen[2].face.box.y == 56
    assert set(seen) == {1, 2}


@pytest.mark.parametrize(("gap", "person"), [(0.8, 1), (1.5, 2)])
@pytest.mark.parametrize("rate", [5, 25, 60])
def test_a_short_gap_keeps_the_person_and_a_long_one_does_not(gap: float, person: int, rate: float) -> None:
    tracker = FaceTracker(gap_seconds=1.0, confirm_seconds=0)
    for time in times(4, rate):
        hidden = 1 < time <= 1 + gap
        seen = tracker.update(time, [] if hidden else [prediction(30 * time)])
        assert list(seen) == ([] if hidden else [1] if time <= 1 else [person])


def test_a_false_box_of_one_frame_is_never_shown() -> None:
    tracker = FaceTracker(confirm_seconds=0.2)
    shown = []
    for index, time in enumerate(times(1, 25)):
        faces = [prediction(10)] + ([prediction(200)] if index in (3, 10, 17) else [])
        shown.append(tracker.update(time, faces))
    assert all(seen.keys() <= {1} for seen in shown)
    assert [bool(seen) for seen in shown].index(True) == 5  # 0.2 s after the first
    assert all(shown[5:])


def test_a_webcam_shows_a_face_at_once() -> None:
    assert list(FaceTracker(confirm_seconds=0).update(0, [prediction(10)])) == [1]


def test_a_frame_every_other_second_is_enough_to_stay_the_same() -> None:
    tracker = FaceTracker()
    seen = [list(tracker.update(time, [prediction(10 + time)])) for time in range(0, 12, 2)]
    assert seen == [[]] + [[1]] * 5


def test_time_runs_forward() -> None:
    tracker = FaceTracker()
    tracker.update(1, [])
    tracker.update(1, [])
    for wrong in (0.5, math.nan):
        with pytest.raises(ValueError, match="order of time"):
            tracker.update(wrong, [])
    with pytest.raises(ValueError, match="0 or more"):
        FaceTracker(gap_seconds=-1)


def pasted(places: list[tuple[int, int]]) -> tuple[RGB, list[Prediction]]:
    """A frame with the (person, left edge) tiles in order, and the faces that a perfect detector finds."""
    frame = clips.background()
    for person, x in places:
        frame[50:90, x : x + 40] = clips.tile(person, 40)
    return frame, [prediction(x) for _, x in places]


def test_two_who_meet_and_turn_back_are_told_by_their_looks() -> None:
    tracker = FaceTracker(confirm_seconds=0)
    for time in times(2, 25):
        apart = round(100 * abs(time - 1))
        frame, faces = pasted([(1, 130 - apart), (2, 150 + apart)])
        hidden = apart < 30
        seen = tracker.update(time, faces[1:] if hidden else faces, frame)
        assert list(seen) == ([2] if hidden else [1, 2])


def test_after_a_cut_in_the_film_somebody_else_is_somebody_else() -> None:
    tracker = FaceTracker(confirm_seconds=0)
    drawn = np.random.default_rng(0).integers(0, 255, (40, 40, 3), dtype=np.uint8)
    for time in times(1, 25):
        frame, faces = pasted([(1, 100)])
        if time >= 0.5:
            frame[50:90, 100:140] = drawn
        assert list(tracker.update(time, faces, frame)) == ([1] if time < 0.5 else [2])


def test_a_crowd() -> None:
    tracker = FaceTracker(confirm_seconds=0)
    for time in times(0.4, 25):
        faces = [prediction(60 * column + 20 * time, 60 * row) for row in range(5) for column in range(10)]
        assert list(tracker.update(time, faces)) == list(range(1, 51))


@pytest.mark.parametrize(("rate", "jitter"), [(10, 0), (60, 0), (20, 0.9)])
def test_smoothing_counts_in_seconds(rate: float, jitter: float) -> None:
    """The step response reaches 63% after one time constant, at any frame rate."""
    smoother = ProbabilitySmoother(seconds=0.5)
    smoother.update(-0.001, {1: (1.0, 0.0)})
    for time in times(0.5, rate, jitter):
        [shares] = smoother.update(time, {1: (0.0, 1.0)}).values()
        assert shares[1] == pytest.approx(1 - math.exp(-(time + 0.001) / 0.5), abs=1e-5)
        assert sum(shares) == pytest.approx(1, abs=1e-5)


def test_smoothing_starts_afresh_after_a_gap_and_for_each_person() -> None:
    smoother = ProbabilitySmoother(seconds=0.5, restart_seconds=1)
    assert smoother.update(0, {1: (1.0, 0.0)}) == {1: (1.0, 0.0)}
    assert smoother.update(0.9, {1: (0.0, 1.0), 2: (0.5, 0.5)})[2] == (0.5, 0.5)
    assert smoother.update(2, {1: (1.0, 0.0)}) == {1: (1.0, 0.0)}
    assert ProbabilitySmoother(seconds=0).update(3, {1: (0.2, 0.8)}) == {1: (0.2, 0.8)}
    with pytest.raises(ValueError, match="0 or more"):
        ProbabilitySmoother(seconds=-1)


@pytest.fixture(params=["haar", "yunet"])
def eyes(request: pytest.FixtureRequest, recognizer: EmotionRecognizer) -> EmotionRecognizer:
    if request.param == "haar":
        return recognizer
    return EmotionRecognizer(recognizer.classifier, YuNetDetector(request.getfixturevalue("yunet")))


def test_real_faces_cross_and_one_hides(eyes: EmotionRecognizer) -> None:
    """From pixels to persons: one walks behind the other, who disappears for half a second."""

    def second(time: float) -> tuple[float, float] | None:
        return None if 2.2 < time < 2.7 else (210 - 80 * time, 66)

    analyzer = StreamAnalyzer(eyes, FaceTracker(confirm_seconds=0))
    names: dict[int, int] = {}
    found = visible = 0
    for time in times(3, 12):
        frame, truth = clips.scene({1: clips.across(10, 70), 2: second}, time)
        result = analyzer.analyze(frame, time)
        for face in result.faces:
            who = max(truth, key=lambda person: truth[person].overlap(face.raw.face.box))
            assert truth[who].overlap(face.raw.face.box) > 0.5
            assert names.setdefault(face.person, who) == who
            assert sum(face.smoothed.probabilities) == pytest.approx(1, abs=1e-4)
        found, visible = found + len(result.faces), visible + len(truth)
    assert sorted(names) == [1, 2]
    assert found > 0.75 * visible


def test_tracked_frames_as_json(recognizer: EmotionRecognizer) -> None:
    frame, _ = clips.scene({1: clips.across(100, 0)}, 0)
    result = StreamAnalyzer(recognizer, FaceTracker(confirm_seconds=0)).analyze(frame, 0.5)
    assert [text.split()[0] for _, text in result.captions()] == ["1"]
    [face] = result.to_dict()["faces"]
    assert face["person"] == 1
    assert face["probabilities"] == face["raw_probabilities"]
    assert face["emotion"] == max(face["probabilities"], key=lambda label: face["probabilities"][label])


def test_boxes_between_two_analysed_frames(recognizer: EmotionRecognizer) -> None:
    analyzer = StreamAnalyzer(recognizer, FaceTracker(confirm_seconds=0))
    before, after = (analyzer.analyze(clips.scene({1: clips.across(60, 100)}, time)[0], time) for time in (0.0, 0.4))
    start, end = before.faces[0].smoothed.face.box, after.faces[0].smoothed.face.box
    [middle] = between(before, after, 0.2).faces
    assert middle.smoothed.face.box.x == pytest.approx((start.x + end.x) / 2, abs=1)
    assert middle.smoothed.probabilities == before.faces[0].smoothed.probabilities
    held = between(before, TrackedFrame(0.4, 320, 240, ()), 0.3)
    assert held.faces == before.faces
