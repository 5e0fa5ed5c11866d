"""Cases that are class folders, packed as ``.tgz``."""

import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from cases.case import Case, Got
from emotion_core import EmotionRecognizer, load_image
from emotion_core.datasets.faces import load
from emotion_core.errors import DataError

Look = Callable[[Path, EmotionRecognizer], Got]


def unpacked(check: Callable[[Path], Got]) -> Look:
    """Unpack the file and run ``check`` on its folder."""

    def look(path: Path, _: EmotionRecognizer) -> Got:
        with tempfile.TemporaryDirectory() as folder, tarfile.open(path) as archive:
            # Before 3.11.4 Python has no filters; these archives are the project's own.
            archive.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
            archive.extractall(folder)  # noqa: S202
            return check(Path(folder) / path.stem)

    return look


def as_served(folder: Path) -> Got:
    """Every file becomes a face of the set, as bright as the photo decoder makes it, and none is blank."""
    data = load(folder)
    read = sorted(float(face.mean()) for face in data.faces)
    served = sorted(float(load_image(path).mean()) for path in folder.rglob("*.png"))
    blank = sum(int(face.std() == 0) for face in data.faces)
    far = max(abs(one - other) for one, other in zip(read, served, strict=False))
    words = f"{len(read)} of {len(served)} faces, {blank} blank, brightness off by {far:.1f} at most"
    return Got(words, len(read) == len(served) and not blank and far < 1)


def three_classes(folder: Path) -> Got:
    data = load(folder)
    counts = np.bincount(data.emotion, minlength=len(data.labels))
    words = ", ".join(f"{label} {count}" for label, count in zip(data.labels, counts, strict=True) if count)
    return Got(words, int((counts > 0).sum()) == 3)


def refused_with_a_number(folder: Path) -> Got:
    try:
        data = load(folder)
    except DataError as error:
        return Got(str(error), "at least" in str(error) and any(letter.isdigit() for letter in str(error)))
    return Got(f"{len(data)} faces, without a word", False)


CASES = (
    Case("deep.tgz", "all 40 read as serving reads them, none blank", unpacked(as_served)),
    Case("jupyter.tgz", "three classes", unpacked(three_classes)),
    Case("few2.tgz", "a clear word about how many are wanted", unpacked(refused_with_a_number)),
)
