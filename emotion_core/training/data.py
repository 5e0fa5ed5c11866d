"""FER-2013 as arrays, from either layout that Kaggle hands out, and the FER+ votes.

* ``fer2013.csv``: columns ``emotion,pixels,Usage``, one face a row.
* a folder tree ``train/<label>/*.png`` and ``test/<label>/*.png``, where the file names of
  ``test`` begin with ``PublicTest_`` or ``PrivateTest_``.
* ``fer2013new.csv``: ten FER+ votes for every row of ``fer2013.csv``, in the same order.
"""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from ..errors import DataError
from ..labels import FER2013, FERPLUS

SIDE: Final = 48
USAGES: Final = {"Training": "train", "PublicTest": "public", "PrivateTest": "private"}
SPLITS: Final = tuple(USAGES.values())


@dataclass(frozen=True, eq=False)
class FaceData:
    """Faces of one or more splits.

    faces: uint8 (N, 48, 48, 1), gray. emotion: int64 (N,), index into ``labels``.
    split: str (N,), one of ``train``, ``public``, ``private``.
    votes: float32 (N, 8), the share of FER+ votes in the order of ``FERPLUS``; a row of
    zeros where the voters saw no face or could not tell; None when not loaded.
    """

    faces: NDArray[np.uint8]
    emotion: NDArray[np.int64]
    split: NDArray[np.str_]
    labels: tuple[str, ...] = FER2013
    votes: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.faces)

    def only(self, mask: NDArray[np.bool_]) -> "FaceData":
        votes = None if self.votes is None else self.votes[mask]
        return replace(
            self,
            faces=self.faces[mask],
            emotion=self.emotion[mask],
            split=self.split[mask],
            votes=votes,
        )

    def of(self, split: str) -> "FaceData":
        """The faces of one split; DataError if it has none."""
        if split not in SPLITS:
            raise DataError(f"Unknown split {split!r}: use one of {', '.join(SPLITS)}.")
        part = self.only(self.split == split)
        if not len(part):
            raise DataError(f"The data has no {split} faces. Check that the download is whole.")
        return part

    def hashes(self) -> list[str]:
        """A SHA-256 of each face's pixels: equal for byte-identical twins."""
        return [hashlib.sha256(face.tobytes()).hexdigest() for face in self.faces]

    def digest(self) -> str:
        """One SHA-256 over all pixels, labels and splits: which data a run has seen."""
        whole = hashlib.sha256()
        for array in (self.faces, self.emotion, np.char.encode(self.split, "ascii")):
            whole.update(np.ascontiguousarray(array).tobytes())
        return whole.hexdigest()

    def votes_digest(self) -> str | None:
        """The same over the votes; None when there are none."""
        return None if self.votes is None else hashlib.sha256(self.votes.tobytes()).hexdigest()


def load(path: str | Path, votes: str | Path | None = None) -> FaceData:
    """Read FER-2013 from ``fer2013.csv``, from a folder with it, or from a class-folder tree.

    Raises DataError, naming the row or file, when anything in it cannot be used.
    """
    path = Path(path).expanduser()
    if path.is_dir() and (path / "fer2013.csv").is_file():
        path = path / "fer2013.csv"
    if path.is_dir():
        if votes is not None:
            raise DataError("FER+ votes are matched to fer2013.csv by row: give that file as the data.")
        return _read_tree(path)
    if not path.is_file():
        raise DataError(f"No data at {path}. Give fer2013.csv or a folder with train/ and test/.")
    data = _read_csv(path)
    return data if votes is None else replace(data, votes=_read_votes(Path(votes), data.split))


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) of a CSV file that has at least these columns."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, skipinitialspace=True)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{path.name} has no column {', '.join(missing)}; it needs {', '.join(columns)}.")
            for row in reader:
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: not a readable CSV file ({error}).") from error


def _read_csv(path: Path) -> FaceData:
    faces, emotion, split = [], [], []
    for line, row in _rows(path, ("emotion", "pixels", "Usage")):
        where = f"{path.name}, line {line}"
        try:
            values = np.array(row["pixels"].split(), dtype=np.int64)
            label = int(row["emotion"])
        except (ValueError, AttributeError, TypeError, OverflowError):
            raise DataError(f"{where}: emotion and pixels must be whole numbers.") from None
        if values.size != SIDE * SIDE:
            raise DataError(f"{where}: {values.size} pixels, expected {SIDE * SIDE} (48 by 48).")
        if values.min() < 0 or values.max() > 255:
            raise DataError(f"{where}: a pixel is outside 0 to 255.")
        if not 0 <= label < len(FER2013):
            raise DataError(f"{where}: emotion {label} is outside 0 to {len(FER2013) - 1}.")
        if row["Usage"] not in USAGES:
            raise DataError(f"{where}: Usage {row['Usage']!r} is none of {', '.join(USAGES)}.")
        faces.append(values.astype(np.uint8).reshape(SIDE, SIDE, 1))
        emotion.append(label)
        split.append(USAGES[row["Usage"]])
    if not faces:
        raise DataError(f"{path.name} holds no faces. Check that the download is whole.")
    return FaceData(np.stack(faces), np.array(emotion), np.array(split))


def _read_tree(root: Path) -> FaceData:
    faces, emotion, split = [], [], []
    for part in ("train", "test"):
        for index, label in enumerate(FER2013):
            folder = root / part / label
            if not folder.is_dir():
                raise DataError(f"No folder {part}/{label} in {root}. Give the folder that holds train/ and test/.")
            for file in sorted(folder.iterdir()):
                faces.append(_read_face(file))
                emotion.append(index)
                split.append("train" if part == "train" else _usage_of(file))
    if not faces:
        raise DataError(f"{root} holds no faces. Check that the download is whole.")
    return FaceData(np.stack(faces), np.array(emotion), np.array(split))


def _read_face(file: Path) -> NDArray[np.uint8]:
    try:
        with Image.open(file) as image:
            gray = image.convert("L")
    except (UnidentifiedImageError, OSError) as error:
        raise DataError(f"{file}: not a readable picture ({error}).") from error
    if gray.size != (SIDE, SIDE):
        raise DataError(f"{file}: {gray.width}x{gray.height} pixels, expected 48x48.")
    return np.asarray(gray, dtype=np.uint8)[..., None]


def _usage_of(file: Path) -> str:
    usage = file.name.split("_")[0]
    if usage not in USAGES:
        raise DataError(
            f"{file}: the name starts with neither PublicTest_ nor PrivateTest_, so its split is unknown. "
            "Keep the names of the Kaggle download."
        )
    return USAGES[usage]


def _read_votes(path: Path, split: NDArray[np.str_]) -> NDArray[np.float32]:
    names = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
    count = len(split)
    shares = np.zeros((count, len(FERPLUS)), np.float32)
    rows = 0
    for line, row in _rows(path, ("Usage", *names)):
        rows += 1
        if rows > count:
            break
        if USAGES.get(row["Usage"]) != split[rows - 1]:
            raise DataError(
                f"{path.name}, line {line}: Usage is not that of the same row of the data. "
                "Use fer2013.csv in its original order."
            )
        try:
            ballot = np.array([float(row[name]) for name in names], np.float32)
        except (ValueError, TypeError):
            raise DataError(f"{path.name}, line {line}: votes must be numbers.") from None
        emotions = ballot[: len(FERPLUS)]
        # A face that half of the voters could not name teaches nothing about its expression.
        if emotions.sum() > ballot.sum() / 2:
            shares[rows - 1] = emotions / emotions.sum()
    if rows != count:
        raise DataError(f"{path.name} does not have the {count} rows of the data it is to be joined with.")
    return shares
