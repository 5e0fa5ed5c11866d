"""The layouts in which data sets are handed out, in a folder or a zip file alike.

* ``fer2013.csv`` or ``icml_face_data.csv``: ``emotion,pixels,Usage``, a face a row, in any order.
* ``train/<class>/*`` and ``test/<class>/*``; files of ``test`` named ``PublicTest_...`` and
  ``PrivateTest_...`` are told apart. Also ``validation``, ``val`` or ``valid``, and all of this
  inside ``images/`` or another single folder.
* ``<class>/*`` alone: split by content, 80 to 10 to 10 in a hundred.
* a CSV of paths and labels, relative to its own folder, as AffectNet comes.

AffectNet's numbered folders 0 to 7 are named; classes that are the expressions of FER-2013 or
FER+ under another word (``happiness``, ``anger``) take our word and order.
"""

import csv
import hashlib
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from ...errors import DataError
from ...images import FORMATS, MAX_PIXELS
from ...labels import AFFECTNET, FER2013, FERPLUS, SYNONYMS

Source = Path | zipfile.Path
Files = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.str_], tuple[str, ...], tuple[str, ...]]

USAGES: Final = {"Training": "train", "PublicTest": "public", "PrivateTest": "private"}
SPLITS: Final = tuple(USAGES.values())
SPLIT_FOLDERS: Final = {
    "train": ("train", "training", "train_set", "training_set"),
    "public": ("validation", "val", "valid", "val_set", "public"),
    "private": ("test", "testing", "test_set", "private"),
}
PATH_COLUMNS: Final = ("path", "pth", "file", "filename", "image", "subDirectory_filePath")
LABEL_COLUMNS: Final = ("label", "emotion", "expression", "class")
SPLIT_COLUMNS: Final = ("Usage", "split", "set")
#: A picture with a shorter side shows no face that could be learnt from.
MIN_SIDE: Final = 16
#: A picture's file, in bytes, and a row of a table, in characters: what a zip file unpacks to may be anything.
MAX_BYTES: Final = 50_000_000
MAX_ROW: Final = 1_000_000
_FER_SIDE: Final = 48
_NOT_PICTURES: Final = (".csv", ".txt", ".md", ".json", ".ds_store", ".db", ".ini")


def find_csv(root: Source) -> tuple[str, Source] | None:
    """The table that a data set is described by: ("fer" or "listing", file), or None."""
    if root.is_file():
        if not root.name.lower().endswith(".csv"):
            raise DataError(f"{root.name} is neither a CSV file nor a zip file. Give fer2013.csv or a folder.")
        return _kind(root), root
    for folder in (root, root / "fer2013"):
        for name in ("fer2013.csv", "icml_face_data.csv", "labels.csv"):
            if (folder / name).is_file():
                return _kind(folder / name), folder / name
    return None


def rows_of(file: Source, columns: tuple[str, ...] = ()) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (line number, row) of a CSV file that has at least these columns."""
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.DictReader(_lines(text), skipinitialspace=True)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise DataError(f"{file.name} has no column {', '.join(missing)}; it needs {', '.join(columns)}.")
            for row in reader:
                yield reader.line_num, row
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{file}: not a readable CSV file ({error}).") from error


def _lines(text: IO[str]) -> Iterator[str]:
    while line := text.readline(MAX_ROW):
        if len(line) == MAX_ROW:
            raise csv.Error(f"a row of {MAX_ROW} characters or more")
        yield line


def read_fer_csv(file: Source) -> tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.str_]]:
    """FER-2013's own table: faces uint8 (N, 48, 48, 1), emotion ids, splits."""
    faces, emotion, split = [], [], []
    for line, row in rows_of(file, ("emotion", "pixels", "Usage")):
        where = f"{file.name}, line {line}"
        try:
            values = np.array(row["pixels"].split(), dtype=np.int64)
            label = int(row["emotion"])
        except (ValueError, AttributeError, TypeError, OverflowError):
            raise DataError(f"{where}: emotion and pixels must be whole numbers.") from None
        if values.size != _FER_SIDE**2:
            raise DataError(f"{where}: {values.size} pixels, expected {_FER_SIDE**2} (48 by 48).")
        if values.min() < 0 or values.max() > 255:
            raise DataError(f"{where}: a pixel is outside 0 to 255.")
        if not 0 <= label < len(FER2013):
            raise DataError(f"{where}: emotion {label} is outside 0 to {len(FER2013) - 1}.")
        if row["Usage"] not in USAGES:
            raise DataError(f"{where}: Usage {row['Usage']!r} is none of {', '.join(USAGES)}.")
        faces.append(values.astype(np.uint8).reshape(_FER_SIDE, _FER_SIDE, 1))
        emotion.append(label)
        split.append(USAGES[row["Usage"]])
    if not faces:
        raise DataError(f"{file.name} holds no faces. Check that the download is whole.")
    return np.stack(faces), np.array(emotion), np.array(split)


def read_folders(root: Source, side: int, channels: int) -> Files:
    """Class folders, with or without folders for the splits around them."""
    parts = _split_folders(root)
    while not parts and len(inner := [entry for entry in _entries(root) if entry.is_dir()]) == 1:
        parts = _split_folders(root := inner[0])
    found: list[tuple[Source, str, str]] = []
    for split, folder in (parts or {"": root}).items():
        for entry in _entries(folder):
            if entry.is_dir():
                found += [(file, entry.name, _fer_split(file, split)) for file in _entries(entry) if _may_be_one(file)]
    return _read(found, root.name, side, channels)


def read_listing(file: Source, side: int, channels: int) -> Files:
    """A CSV of paths and labels; the paths are relative to it, and may not lead out of its folder."""
    folder = file.parent
    assert isinstance(folder, Path | zipfile.Path)
    found: list[tuple[Source, str, str]] = []
    for line, row in rows_of(file):
        path, label = (_column(row, names) for names in (PATH_COLUMNS, LABEL_COLUMNS))
        if not path or not label:
            raise DataError(f"{file.name}, line {line}: needs a path and a label.")
        if path.startswith(("/", "\\")) or ".." in path.replace("\\", "/").split("/"):
            raise DataError(f"{file.name}, line {line}: {path!r} leads out of the data's folder.")
        named = _column(row, SPLIT_COLUMNS)
        split = USAGES.get(named) or next((s for s, names in SPLIT_FOLDERS.items() if named.lower() in names), "")
        found.append((folder / path, label, split))
    return _read(found, file.name, side, channels)


def _read(found: list[tuple[Source, str, str]], origin: str, side: int, channels: int) -> Files:
    """Decode (file, class, split) and name the classes; a split that is missing is made by content."""
    labels, index = _name_classes({name for _, name, _ in found})
    if len(labels) < 2:
        raise DataError(f"{origin} has no two folders of classes. Give the folder that holds train/ or the classes.")
    faces, emotion, split, skipped = [], [], [], []
    for file, name, part in found:
        try:
            face = read_picture(file, side, channels)
        except DataError as error:
            skipped.append(str(error))
            continue
        faces.append(face)
        emotion.append(index[name])
        split.append(part)
    if not faces:
        raise DataError(f"{origin} holds no usable pictures. {skipped[0] if skipped else ''}")
    pixels = np.stack(faces)
    return pixels, np.array(emotion), _complete(np.array(split), pixels), labels, tuple(skipped)


def read_picture(file: Source, side: int, channels: int) -> NDArray[np.uint8]:
    """One picture, its middle square, as uint8 (side, side, channels); DataError with its name."""
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise ValueError(f"over {MAX_BYTES // 10**6} MB")
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ValueError(f"over {MAX_PIXELS // 10**6} megapixels")
            upright = ImageOps.exif_transpose(image).convert("L" if channels == 1 else "RGB")
    # Broken pictures make Pillow raise almost anything, and so do broken members of zip files.
    except Exception as error:
        reason = "not a picture" if isinstance(error, UnidentifiedImageError) else str(error)
        raise DataError(f"{file}: not a readable picture ({reason}).") from error
    if min(upright.size) < MIN_SIDE:
        raise DataError(f"{file}: {upright.width}x{upright.height} pixels; a side needs at least {MIN_SIDE}.")
    if upright.size != (side, side):
        upright = ImageOps.fit(upright, (side, side), Image.Resampling.LANCZOS)
    return np.asarray(upright, np.uint8).reshape(side, side, channels)


def _split_folders(root: Source) -> dict[str, Source]:
    """The splits that the folder is divided into; empty when it has no training folder."""
    if (root / "images").is_dir() and not any((root / name).is_dir() for name in SPLIT_FOLDERS["train"]):
        root = root / "images"
    found = {split: root / name for split, names in SPLIT_FOLDERS.items() for name in names if (root / name).is_dir()}
    return found if "train" in found else {}


def _entries(folder: Source) -> list[Source]:
    return sorted(folder.iterdir(), key=lambda entry: entry.name)


def _may_be_one(file: Source) -> bool:
    """Whether a file should be a picture: notes and tables that lie beside them should not."""
    return file.is_file() and not file.name.startswith(".") and not file.name.lower().endswith(_NOT_PICTURES)


def _fer_split(file: Source, split: str) -> str:
    """FER-2013's own split, where the file's name tells it."""
    return USAGES.get(file.name.split("_")[0], split) if split == "private" else split


def _complete(split: NDArray[np.str_], faces: NDArray[np.uint8]) -> NDArray[np.str_]:
    """Give every face a split. By content, so that twins fall on the same side, whatever their names."""
    buckets = np.array([hashlib.sha256(face.tobytes()).digest()[0] % 10 for face in faces])
    whole = split.astype("<U7")
    unknown = whole == ""
    whole[unknown] = np.choose(np.minimum(buckets[unknown], 2), ["private", "public", "train"])
    if not (whole == "public").any():  # a tenth of the training faces, to choose the epoch by
        whole[(whole == "train") & (buckets == 1)] = "public"
    return whole


def _name_classes(names: set[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The labels, and the index of each folder's or column's name among them."""
    if names == {str(number) for number in range(len(AFFECTNET))}:
        words = {str(number): word for number, word in enumerate(AFFECTNET)}
    else:
        words = {name: SYNONYMS.get(name.lower(), name.lower()) for name in names}
    for known in (FER2013, FERPLUS):
        if set(words.values()) == set(known):
            return known, {name: known.index(word) for name, word in words.items()}
    labels = tuple(sorted(names))
    return labels, {name: index for index, name in enumerate(labels)}


def _column(row: dict[str, str], names: tuple[str, ...]) -> str:
    return next((str(row[name]).strip() for name in names if row.get(name)), "")


def _kind(file: Source) -> str:
    with file.open(encoding="utf-8-sig", errors="replace") as text:
        header = [name.strip() for name in text.readline(MAX_ROW).split(",")]
    return "fer" if "pixels" in header or not set(header) & set(PATH_COLUMNS) else "listing"
