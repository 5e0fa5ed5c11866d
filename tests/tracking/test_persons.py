"""Who counts as a person, from when, and who is recognised on return."""

import numpy as np
import pytest

from emotion_core import Box, Face, FaceTracker, Prediction
from emotion_core.images import RGB
from emotion_core.tracking.familiar import MAX_PERSONS, FamiliarFaces
from support import clips

LABELS = ("happy", "sad")


def prediction(x: float, side: int = 40) -> Prediction:
    box = Box(round(x), 50, side, side)
    return Prediction(Face(box, box), LABELS, (0.9, 0.1))


def every(rate: float, seconds: float) -> list[float]:
    return [index / rate for index in range(round(rate * seconds))]


@pytest.mark.parametrize(
    ("times", "first", "last", "end", "counts"),
    [
        pytest.param([0.0], 0, 0, 1 / 15, True, id="one picture, and no more"),
        pytest.param(every(60, 0.05), 0, 9, 0.05, True, id="three pictures, 50 ms"),
        pytest.param(every(20, 3), 0.5, 0.62, 3, True, id="150 ms of three seconds"),
        pytest.param(every(60, 3), 0.5, 0.62, 3, True, id="the same at 60 a second"),
        pytest.param(every(1 / 60, 360), 0, 0, 360, True, id="a picture a minute, the first one"),
        pytest.param(every(1 / 60, 360), 120, 120, 360, True, id="a picture a minute, one in the middle"),
        pytest.param(every(0.5, 12), 4, 4, 12, True, id="one analysed picture of six"),
        pytest.param(every(5, 3), 2.8, 2.8, 3, True, id="the last one, 0.2 s long"),
        pytest.param(every(25, 3), 1, 1.05, 3, False, id="two of 40 ms: a false box"),
        pytest.param(every(25, 3), 2.96, 2.96, 3, False, id="a false box at the end"),
        pytest.param(every(25, 3), 0, 0, 3, False, id="a false box at the start"),
    ],
)
def test_a_face_counts_by_the_seconds_that_show_it(
    times: list[float], first: float, last: float, end: float, counts: bool
) -> None:
    """Either all of its frames belong to a person, or none do."""
    tracker = FaceTracker()
    shown = [tracker.follow(time, [prediction(10)] if first <= time <= last + 1e-6 else []) for time in times]
    tracker.finish(end)
    seen = [track for tracks in shown for track in tracks]
    assert seen
    assert all(track.decided for track in seen)
    assert {track.person for track in seen} == {1 if counts else None}


def test_one_that_flickers_at_first_is_one_person_from_its_first_sighting() -> None:
    tracker = FaceTracker()
    shown = [tracker.follow(time, [] if index % 2 else [prediction(10)]) for index, time in enumerate(every(25, 1))]
    tracker.finish(1)
    assert {track.person for tracks in shown for track in tracks} == {1}


def test_what_is_never_decided_is_decided_for_want_of_room() -> None:
    tracker = FaceTracker(confirm_seconds=60)
    tracks = [tracker.follow(time, [prediction(10)])[0] for time in every(25, 1)]
    assert not any(track.decided for track in tracks)
    tracker.hurry()
    assert {track.person for track in tracks} == {1}


def scene(people: dict[int, int], shade: float = 1.0) -> tuple[RGB, list[Prediction]]:
    """Person -> left edge of the tile; 3 is a stranger. The boxes are those of a perfect detector."""
    frame = clips.background(500, 200)
    faces = []
    for person, x in people.items():
        frame[50:146, x : x + 96] = stranger() if person == 3 else clips.tile(person)
        faces.append(prediction(x, 96))
    return (frame * shade).astype(np.uint8), faces


def stranger() -> RGB:
    """Not a real face: soft blobs in skin colours."""
    blots = np.random.default_rng(3).integers(0, 90, (6, 6, 1), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    return np.asarray(blots + np.array([120, 90, 70], np.uint8), np.uint8)


def numbers(tracker: FaceTracker, start: float, people: dict[int, int], shade: float = 1.0) -> list[int | None]:
    """Their person numbers after half a second."""
    frame, faces = scene(people, shade)
    for time in every(10, 0.5):
        tracks = tracker.follow(start + time, faces, frame)
    return [track.person for track in tracks]


def test_people_who_come_back_keep_their_numbers_and_a_stranger_gets_a_new_one() -> None:
    tracker = FaceTracker(familiar=FamiliarFaces())
    assert numbers(tracker, 0, {1: 20, 2: 200}) == [1, 2]
    tracker.follow(1, [], scene({})[0])
    assert numbers(tracker, 5, {2: 20}) == [2]  # where the other person was
    assert numbers(tracker, 6, {2: 20, 1: 350}, shade=0.8) == [2, 1]  # and the light has dimmed
    tracker.follow(7, [], scene({})[0])
    assert numbers(tracker, 9, {3: 200}) == [3]
    assert numbers(tracker, 10, {3: 200, 1: 20}) == [3, 1]


def test_one_who_is_still_there_is_not_known_again_elsewhere() -> None:
    """Twins, or somebody next to a picture of themselves."""
    tracker = FaceTracker(familiar=FamiliarFaces())
    assert numbers(tracker, 0, {1: 20}) == [1]
    frame, faces = scene({1: 20})
    frame[50:146, 300:396] = clips.tile(1)
    for time in every(10, 0.5):
        tracks = tracker.follow(0.5 + time, [*faces, prediction(300, 96)], frame)
    assert [track.person for track in tracks] == [1, 2]


def test_a_cut_in_the_film_to_another_place_keeps_the_person() -> None:
    tracker = FaceTracker(familiar=FamiliarFaces())
    assert numbers(tracker, 0, {1: 20}) == [1]
    assert numbers(tracker, 0.5, {1: 380}) == [1]
    assert numbers(tracker, 1, {1: 20, 2: 200}) == [1, 2]


def test_the_memory_of_faces_is_bounded() -> None:
    familiar, rng = FamiliarFaces(), np.random.default_rng(0)
    for person in range(1, 3 * MAX_PERSONS):
        views = rng.normal(size=(50, 2, 600)).astype(np.float32)
        familiar.remember(person, list(views / np.linalg.norm(views, axis=2, keepdims=True)))
    assert len(familiar._views) == MAX_PERSONS
    assert max(map(len, familiar._views.values())) <= 8
