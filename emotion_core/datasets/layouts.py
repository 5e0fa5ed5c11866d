"""The layouts in which data sets are handed out, in a folder or a zip file alike.

* ``fer2013.csv`` or ``icml_face_data.csv``: ``emotion,pixels,Usage``, a face a row.
* A table of paths and labels (CSV with commas, semicolons or tabs); several, where their names tell a split.
* ``train/<class>/*`` and ``test/<class>/*``, also ``validation``, ``val`` or ``valid``, in any case; files of
  ``test`` named ``PublicTest_...`` and ``PrivateTest_...`` are told apart.
* ``<class>/*`` alone: split by content, 80 to 10 to 10 in a hundred of every class.
* AffectNet's ``train_set/images`` with ``annotations``, its tables and its numbered folders; RAF-DB's list file;
  FER+ as Microsoft's repository makes it.

All of these may lie some folders down. Hidden folders, ``__MACOSX``, ``docs`` and their like are passed over.
"""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ..errors import DataError
from .fer_csv import is_fer
from .folders import class_folders, entries, has_classes, refuse_no_classes, split_folders, subfolders
from .listing import LABEL_COLUMNS, PATH_COLUMNS, is_listing, read_listings
from .named_sets import affectnet_arrays, ferplus_folders, rafdb_list
from .pictures import Found, may_be_one
from .splits import split_of
from .tables import Source, column_names

_TABLES: Final = (".csv", ".tsv")
_OWN: Final = ("fer2013.csv", "icml_face_data.csv", "labels.csv", "list.csv", "annotations.csv")
_DEEPEST: Final = 5
#: Layouts that cannot be taken for another, so they may lie beside anything.
_STRONG: Final[tuple[Callable[[Source], Found | None], ...]] = (
    *(affectnet_arrays, rafdb_list, ferplus_folders, split_folders),
)


def find_layout(root: Source) -> Source | Found:
    """What a data set is: FER-2013's own table, as its file, or the pictures of another layout.

    Raises DataError, which says what was found and what is wanted, where it is neither.
    """
    if root.is_file():
        return _of_tables([root], _folder_of(root)) or _refuse(root)
    folder, refused = root, None
    for _ in range(_DEEPEST):
        classes = class_folders(folder)
        found = _strong(folder, root) or (classes if classes and has_classes(classes) else None)
        found = found or _inside(folder, root) or _of_tables(_any_tables(folder), root)
        if found is not None:
            return refuse_no_classes(found) if isinstance(found, Found) and not _voted(found) else found
        refused = refused or classes
        inner = subfolders(folder)
        if len(inner) != 1 or refused:
            break
        folder = inner[0]
    if refused is not None:
        return refuse_no_classes(refused)
    bare = any(may_be_one(entry) for entry in entries(folder))
    problem = "holds pictures, but no folders of classes" if bare else "has no two folders of classes"
    raise DataError(
        f"{root.name} {problem}. Give a folder with a folder of pictures for each class (happy/, sad/, ...), with "
        "train/ and test/ around them if you have such, or a CSV of paths and labels."
    )


def _strong(folder: Source, root: Source) -> Source | Found | None:
    names = {entry.name.casefold(): entry for entry in entries(folder) if entry.is_file()}
    if own := _of_tables([names[name] for name in _OWN if name in names][:1], root):
        return own
    if found := next((found for layout in _STRONG if (found := layout(folder))), None):
        return found
    told = _of_tables([entry for name, entry in names.items() if name.endswith(_TABLES) and _told_split(entry)], root)
    # The lists that some sets add to their class folders name files that lie elsewhere.
    return told if not isinstance(told, Found) or any(item.file.exists() for item in told.listed[:50]) else None


def _inside(folder: Source, root: Source) -> Source | Found | None:
    """The layout of the one subfolder that has one; DataError where several have."""
    inside = [(inner, layout) for inner in subfolders(folder) if (layout := _strong(inner, root))]
    if len(inside) > 1:
        names = " and ".join(inner.name for inner, _ in inside)
        raise DataError(f"{root.name} holds several data sets, {names}. Give the folder of one.")
    return inside[0][1] if inside else None


def _any_tables(folder: Source) -> list[Source]:
    """The one table of a folder without classes."""
    found = [e for e in entries(folder) if e.is_file() and e.name.casefold().endswith(_TABLES) and e.name[0] != "."]
    return found if len(found) == 1 else []


def _told_split(table: Source) -> str:
    """``training.csv``, ``train_labels.csv``: the split that a table's name tells; "" for none."""
    stem = table.name.rpartition(".")[0].casefold()
    return split_of(stem) or split_of(stem.partition("_")[0])


def _of_tables(tables: list[Source], root: Source) -> Source | Found | None:
    """FER-2013's table, or what tables list; None where they are neither."""
    listings: list[tuple[Source, str]] = []
    for table in tables:
        header = column_names(table)
        if is_fer(header):
            return table
        if is_listing(header):
            listings.append((table, _told_split(table)))
    if not listings:
        return _refuse(tables[0]) if tables and tables[0].name.casefold() in _OWN else None
    if len(listings) > 1 and "train" not in [split for _, split in listings]:
        return None
    return read_listings(listings, root)


def _refuse(table: Source) -> Found:
    """Raise DataError: the file is not a table of data."""
    if not table.name.casefold().endswith(_TABLES):
        raise DataError(f"{table.name} is neither a CSV file nor a zip file. Give fer2013.csv or a folder.")
    raise DataError(
        f"{table.name} has no columns for paths ({', '.join(PATH_COLUMNS[:5])}, ...) and labels "
        f"({', '.join(LABEL_COLUMNS[:4])}), nor FER-2013's emotion, pixels and Usage. "
        f"It has: {', '.join(column_names(table)[:20]) or 'none'}."
    )


def _folder_of(file: Source) -> Source:
    folder = file.parent
    assert isinstance(folder, Path | zipfile.Path)
    return folder


def _voted(found: Found) -> bool:
    return any(item.ballots for item in found.listed)
