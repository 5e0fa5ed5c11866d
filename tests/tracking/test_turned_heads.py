"""A head that turns far, or away for a while, stays one person, and no position is reserved for long."""

from collections.abc import Callable

import cv2
import numpy as np
import pytest
from skimage import data as pictures

from emotion_core import EmotionRecognizer
from emotion_core.images import RGB
from emotion_core.recognition.detectors import YuNetDetector
from emotion_core.tracking.familiar import FamiliarFaces
from emotion_core.tracking.last_places import LastPlaces, Place
from emotion_core.tracking.stream import StreamAnalyzer
from emotion_core.tracking.tracker import FaceTracker
from support import clips

SIDE = 120


def head(yaw: float) -> tuple[RGB, np.ndarray]:
    """The portrait's face on a round head turned ``yaw`` degrees to the right, and a mask of the head."""
    face = np.ascontiguousarray(pictures.astronaut()[24:216, 128:320])
    rows, columns = np.mgrid[:SIDE, :SIDE]
    middle = (SIDE - 1) / 2
    across, down = (columns - middle) / (0.4 * SIDE), (rows - middle) / (0.5 * SIDE)
    width = 1 - 0.35 * down**2
    inside = np.abs(across) < width
    angle = np.arcsin(np.clip(across / width, -1, 1)) - np.radians(yaw)
    x = (np.sin(np.clip(angle, -np.pi / 2, np.pi / 2)) * width * 0.4 + 0.5) * len(face)
    y = (down * 0.5 + 0.5) * len(face)
    seen = np.asarray(cv2.remap(face, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR), np.uint8)
    seen[np.abs(angle) >= np.pi / 2] = (60, 40, 30)  # hair
    return seen, inside


def frame(yaw: float, x: int) -> RGB:
    picture = clips.background()
    pixels, inside = head(yaw)
    picture[60 : 60 + SIDE, x : x + SIDE][inside] = pixels[inside]
    return picture


def turning(*points: tuple[float, float]) -> Callable[[float], float]:
    """A function from time in seconds to degrees, linear between the (time, degrees) points."""
    times, degrees = zip(*points, strict=True)
    return lambda time: float(np.interp(time, times, degrees))


TURNS = {
    "to and fro, far": lambda time: 75 * np.sin(2 * np.pi * time / 3),
    "away for three seconds": turning((0, 0), (1, 0), (2, 90), (5, 90), (6, 0)),
    "first from the side": turning((0, 55), (2, 55), (2.5, 90), (4.5, 90), (5, 0)),
    "back from its other side": turning((0, 50), (2, 50), (2.5, 90), (4.5, 90), (4.51, -90), (5, -50)),
}


@pytest.mark.parametrize("rate", [25, 10, 4])
@pytest.mark.parametrize("turn", TURNS)
def test_a_head_that_turns_far_is_one_person(
    turn: str, rate: float, yunet: bytes, recognizer: EmotionRecognizer
) -> None:
    seeing = recognizer.with_detector(YuNetDetector(yunet))
    analyzer = StreamAnalyzer(seeing, FaceTracker(familiar=FamiliarFaces()))
    shown: list[set[int]] = []
    for index in range(int(7.5 * rate)):
        time = index / rate
        answer = analyzer.analyze(frame(TURNS[turn](time), 100), time)
        shown.append({face.person for face in answer.faces})
    assert set.union(*shown) == {1}
    assert set() in shown, "the face was out of sight for a while"
    assert shown[-1] == {1}


def test_a_head_that_turns_while_it_walks_is_one_person(yunet: bytes, recognizer: EmotionRecognizer) -> None:
    seeing, turn = recognizer.with_detector(YuNetDetector(yunet)), turning((0, 0), (1, 0), (2, 60), (4, -60), (5, 0))
    analyzer = StreamAnalyzer(seeing, FaceTracker(familiar=FamiliarFaces()))
    for time in (index / 10 for index in range(60)):
        answer = analyzer.analyze(frame(turn(time), round(20 + 12 * time)), time)
    assert [face.person for face in answer.faces] == [1]


def test_a_place_is_nobodys_after_a_cut_or_a_while_and_when_two_were_there() -> None:
    rng = np.random.default_rng(0)
    one, other = (rng.integers(0, 256, (240, 320, 3)).astype(np.uint8) for _ in range(2))

    def place(time: float, x: float, rgb: RGB = one, size: float = 60) -> Place:
        return Place.of(time, np.array([x, 100.0]), size, rgb)

    places = LastPlaces()
    places.see(1, place(0, 100))
    places.see(2, place(0, 250))
    assert places.whose(place(3, 110), {1, 2}) == 1
    assert places.whose(place(3, 110), {2}) is None, "that person is in sight"
    assert places.whose(place(3, 110, other), {1, 2}) is None, "another shot"
    assert places.whose(place(3, 110, size=200), {1, 2}) is None, "much larger"
    assert places.whose(place(11, 110), {1, 2}) is None, "too long ago"
    assert places.whose(place(3, 175), {1, 2}) is None, "between both"
