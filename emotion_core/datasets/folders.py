"""Class folders, with or without split folders around them."""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from ..errors import DataError
from ..labels import AFFECTNET, RAFDB
from ..recognition.origin import GIVEN, MADE, OFFICIAL, Origin
from .classes import expression
from .pictures import Found, Listed, may_be_one
from .splits import SPLITS, USAGES, split_of
from .tables import Source

#: Folders that accompany data but are not classes.
_BESIDE: Final = frozenset(
    ("__macosx", "docs", "doc", "documentation", "annotations", "annotation", "labels", "metadata", "scripts", "src")
)
#: Folder names that describe the content's type, not a class.
_NO_CLASS: Final = frozenset(
    ("images", "image", "imgs", "img", "pictures", "photos", "faces", "data", "dataset", "jpg")
)
_RAFDB_NAME: Final = re.compile(r"(train|test)_\d+(_aligned)?\.\w+", re.IGNORECASE)
_FER_NAME: Final = re.compile(r"(Training|PublicTest|PrivateTest)_\d+\.\w+")


def entries(folder: Source) -> list[Source]:
    """A folder's entries, sorted by name."""
    return sorted(folder.iterdir(), key=lambda entry: entry.name)


def subfolders(folder: Source) -> list[Source]:
    """The subfolders that may be data: not hidden, and not among those that merely accompany data."""
    return [
        entry
        for entry in entries(folder)
        if entry.is_dir() and not entry.name.startswith(".") and entry.name.casefold() not in _BESIDE
    ]


def child(folder: Source, *names: str) -> Source | None:
    """The entry with one of these names, ignoring case; None if there is none."""
    found = {entry.name.casefold(): entry for entry in folder.iterdir()}
    return next((found[name.casefold()] for name in names if name.casefold() in found), None)


def pictures_in(folder: Source) -> Iterator[Source]:
    """The files below a folder that should be pictures, except in hidden folders."""
    for entry in entries(folder):
        if may_be_one(entry):
            yield entry
        elif entry.is_dir() and not entry.name.startswith(".") and entry.name.casefold() != "__macosx":
            yield from pictures_in(entry)


def split_folders(folder: Source) -> Found | None:
    """``train/<class>/*`` and similar; None if there is no training folder."""
    parts = {split_of(entry.name): entry for entry in reversed(subfolders(folder))}
    parts.pop("", None)
    if "train" not in parts:
        return None
    listed = [
        Listed(file, name, _own_split(file, split))
        for split in SPLITS
        if split in parts
        for name, file in _classes(parts[split])
    ]
    if not listed:
        return None
    return _named(listed, folder.name, GIVEN)


def class_folders(folder: Source) -> Found | None:
    """``<class>/*`` alone; None if no folder has pictures."""
    listed = [Listed(file, name, "") for name, file in _classes(folder)]
    return _named(listed, folder.name, MADE) if listed else None


def has_classes(found: Found) -> bool:
    """Whether there are at least two classes, and all have plausible class names."""
    names = {item.label.casefold() for item in found.listed}
    return len(names) > 1 and not names & _NO_CLASS


def refuse_no_classes(found: Found) -> Found:
    """``found`` unchanged; DataError, saying how to lay out classes, unless it has at least two."""
    if has_classes(found):
        return found
    names = {item.label for item in found.listed}
    inside = sorted(name for name in names if name.casefold() in _NO_CLASS)
    if inside:
        problem = f"{found.origin.name} has pictures in {inside[0]}/, which is no class"
    else:
        problem = f"{found.origin.name} has only one class, {next(iter(names))}"
    raise DataError(
        f"{problem}. Sort them into a folder for each class, two at least (happy/, sad/, ...), give the folder above "
        "these, or a CSV of paths and labels."
    )


def _classes(folder: Source) -> Iterator[tuple[str, Source]]:
    """Yield (class, picture) for folders that directly hold pictures, or are named after an expression."""
    for entry in subfolders(folder):
        if any(may_be_one(file) for file in entry.iterdir()) or expression(entry.name):
            for file in pictures_in(entry):
                yield entry.name, file


def _own_split(file: Source, split: str) -> str:
    """FER-2013's own split, if the file's name gives it."""
    return USAGES.get(file.name.split("_")[0], split) if split == "private" else split


def _named(listed: list[Listed], folder: str, splits: str) -> Found:
    """Recognise known sets: they get their names, and numbered classes their words."""
    names = {item.label for item in listed}
    sample = [item.file.name for item in islice(listed, 0, None, max(len(listed) // 50, 1))]
    if names == {str(number) for number in range(len(AFFECTNET))}:
        return Found(_in_words(listed, AFFECTNET, 0), Origin("AffectNet", OFFICIAL if splits == GIVEN else splits))
    if names == {str(number) for number in range(1, 8)} and all(map(_RAFDB_NAME.fullmatch, sample)):
        return Found(_in_words(listed, RAFDB, 1), Origin("RAF-DB", OFFICIAL if splits == GIVEN else splits))
    if splits == GIVEN and all(map(_FER_NAME.fullmatch, sample)):
        return Found(listed, Origin("FER-2013", OFFICIAL))
    return Found(listed, Origin(folder, splits))


def _in_words(listed: list[Listed], words: tuple[str, ...], first: int) -> list[Listed]:
    return [Listed(item.file, words[int(item.label) - first], item.split) for item in listed]
