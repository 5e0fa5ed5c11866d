"""A known hard input, the expected result, and the actual one."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from emotion_core import EmotionRecognizer


@dataclass(frozen=True)
class Got:
    """The actual result of a case, in words, and whether it is right."""

    words: str
    right: bool


@dataclass(frozen=True)
class Case:
    """name: of the file in the folder of cases. wanted: the expected result, in words. look: gets the actual one."""

    name: str
    wanted: str
    look: Callable[[Path, EmotionRecognizer], Got]


def outcome(case: Case, folder: Path, recognizer: EmotionRecognizer) -> Got:
    """The result of a case; an exception counts as a wrong result."""
    if not (folder / case.name).is_file():
        return Got("the file is not there", False)
    try:
        return case.look(folder / case.name, recognizer)
    except Exception as error:  # the other cases must still run
        return Got(f"{type(error).__name__}: {error}", False)
