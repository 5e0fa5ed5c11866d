"""Known hard pictures: very large, very thin, rotated, dark, truncated, from phones."""

from collections.abc import Callable
from pathlib import Path

from cases.case import Case, Got
from emotion_core import EmotionRecognizer, FrameResult

Look = Callable[[Path, EmotionRecognizer], Got]


def of_answer(right: Callable[[FrameResult], bool]) -> Look:
    """The recognizer's answer, and whether it is right."""

    def look(path: Path, recognizer: EmotionRecognizer) -> Got:
        result = recognizer.analyze(path)
        return Got(in_words(result), right(result))

    return look


def in_words(result: FrameResult) -> str:
    """The answer in one line."""
    faces = [
        f"{face.emotion} {face.confidence:.0%}{' uncertain' if face.uncertain else ''}"
        f"{' (' + ', '.join(face.doubts) + ')' if face.doubts else ''} in {face.face.box.width} pixels"
        for face in result.predictions
    ]
    turned = [f"turned by {result.rotation} degrees"] if result.rotation else []
    noted = ["with a note"] if result.notes else []
    return ", ".join([*faces, *turned, *noted]) or "no face"


def happy(result: FrameResult, doubted: bool = False) -> bool:
    """One happy face; doubted: an uncertain one is also right."""
    one = len(result.predictions) == 1
    return one and (result.predictions[0].emotion == "happy" or (doubted and result.predictions[0].uncertain))


def happy_and_wide(result: FrameResult) -> bool:
    """One happy face that spans most of the picture's width."""
    return happy(result) and result.predictions[0].face.box.width > 0.7 * result.width


CASES: tuple[Case, ...] = (
    Case("strip300x16.png", "no face", of_answer(lambda result: not result.predictions)),
    Case(
        "tilt180.jpg",
        "one happy face, found by turning, or an uncertain one",
        of_answer(lambda result: happy(result, doubted=True)),
    ),
    Case("fills_the_picture.jpg", "one happy face about as wide as the picture", of_answer(happy_and_wide)),
    Case("gray12in16.png", "one face, happy or uncertain", of_answer(lambda result: happy(result, doubted=True))),
    Case("no_eoi.jpg", "read, with a note", of_answer(lambda result: bool(result.notes))),
    Case("real.heic", "one happy face", of_answer(happy)),
)
