"""One input that is known to be hard, what is right for it, and what came of it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emotion_core import EmotionRecognizer


@dataclass(frozen=True)
class Got:
    """What came of a case, in words, and whether it is right."""

    words: str
    right: bool


@dataclass(frozen=True)
class Case:
    """name: of the file in the folder of cases. wanted: what is right, in words. look: finds out what comes of it."""

    name: str
    wanted: str
    look: Callable[[Path, EmotionRecognizer], Got]


def outcome(case: Case, folder: Path, recognizer: EmotionRecognizer) -> Got:
    """What comes of a case; whatever is raised is the answer, and wrong."""
    if not (folder / case.name).is_file():
        return Got("the file is not there", False)
    try:
        return case.look(folder / case.name, recognizer)
    except Exception as error:  # the others are still to be looked at
        return Got(f"{type(error).__name__}: {error}", False)
