"""Tables of paths and labels, the format of AffectNet and many others."""

import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

from ..errors import DataError
from ..labels import AFFECTNET
from ..recognition.origin import GIVEN, MADE, OFFICIAL, Origin
from ..results import Box
from .pictures import Found, Listed
from .splits import USAGES, split_of
from .tables import Source, column_names, column_of, rows_of

PATH_COLUMNS: Final = (
    *("path", "pth", "file", "filename", "filepath", "image", "imagepath", "imagename", "img", "imgpath", "picture"),
    *("subDirectory_filePath", "name"),
)
LABEL_COLUMNS: Final = ("label", "emotion", "expression", "class", "category", "target")
SPLIT_COLUMNS: Final = ("Usage", "split", "set", "subset", "partition")
#: The face's box in the picture, as in AffectNet's own table.
BOX_COLUMNS: Final = ("face_x", "face_y", "face_width", "face_height")
#: AffectNet's numbers for labels other than expressions: none, uncertain, no face.
_NO_EXPRESSION: Final = ("8", "9", "10")
_TRIED: Final = 50


def is_listing(header: list[str]) -> bool:
    """Whether a table with these columns lists pictures with their labels."""
    return column_of(header, PATH_COLUMNS) is not None and column_of(header, LABEL_COLUMNS) is not None


def read_listings(tables: list[tuple[Source, str]], root: Source) -> Found:
    """Read tables of paths and labels, each with the split that its name gives or ``""``.

    Paths are relative to the table's folder, or to one next to or below it, and must stay inside
    ``root``. Raises DataError, naming the line.
    """
    listed: list[Listed] = []
    affectnet = False
    for table, split in tables:
        header = column_names(table)
        official = all(column_of(header, (name,)) for name in BOX_COLUMNS[:2]) and "expression" in map(
            str.casefold, header
        )
        affectnet |= official
        listed += list(_rows(table, header, split, root, official))
    if not listed:
        raise DataError(f"{', '.join(table.name for table, _ in tables)}: no row has a path and a label.")
    names = {item.label for item in listed}
    affectnet |= names == {str(number) for number in range(len(AFFECTNET))}
    if affectnet and all(name.isdigit() and int(name) < len(AFFECTNET) for name in names):
        words = [Listed(item.file, AFFECTNET[int(item.label)], item.split, item.box) for item in listed]
        whole = any(split for _, split in tables) or any(item.split for item in listed)
        return Found(words, Origin("AffectNet", OFFICIAL if whole else MADE))
    splits = GIVEN if all(item.split for item in listed) else MADE
    return Found(listed, Origin(root.name if root.is_dir() else tables[0][0].name, splits))


def _rows(table: Source, header: list[str], split: str, root: Source, official: bool) -> Iterator[Listed]:
    path_column, label_column = column_of(header, PATH_COLUMNS), column_of(header, LABEL_COLUMNS)
    assert path_column is not None
    assert label_column is not None
    split_column = column_of(header, SPLIT_COLUMNS)
    boxes = [column_of(header, (name,)) for name in BOX_COLUMNS] if official else []
    base: Source | None = None
    for line, row in rows_of(table):
        path, label = (row.get(name, "").strip().replace("\\", "/") for name in (path_column, label_column))
        if official and label in _NO_EXPRESSION:
            continue
        if not path or not label:
            raise DataError(f"{table.name}, line {line}: needs a path and a label.")
        if path.startswith("/") or path[1:2] == ":" or ".." in path.split("/"):
            raise DataError(f"{table.name}, line {line}: {path!r} leads out of the data's folder.")
        if base is None:
            base = _base(table, path_column, root)
        named = row.get(split_column, "").strip() if split_column else ""
        box = _box([row.get(name or "", "") for name in boxes])
        yield Listed(_joined(base, path), label, USAGES.get(named) or split_of(named) or split, box)


def _base(table: Source, path_column: str, root: Source) -> Source:
    """The folder that most of the first paths are relative to: the table's, one below it, or one next to it."""
    own = table.parent
    assert isinstance(own, Path | zipfile.Path)
    below = [own, *_folders(own)]
    top = [] if root.is_file() or str(own).rstrip("/") == str(root).rstrip("/") else [root, *_folders(root)]
    candidates = [*below, *(deeper for folder in below[1:] for deeper in _folders(folder)), *top]
    paths = [row.get(path_column, "").strip().replace("\\", "/") for _, row in islice(rows_of(table), _TRIED)]
    hits = [sum(_joined(folder, path).exists() for path in paths if path) for folder in candidates]
    return candidates[hits.index(max(hits))]


def _folders(folder: Source) -> list[Source]:
    inner = [entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith((".", "__MACOSX"))]
    return sorted(inner, key=lambda entry: entry.name)[:_TRIED]


def _joined(folder: Source, path: str) -> Source:
    return folder / path


def _box(cells: list[str]) -> Box | None:
    """The face's box; None unless all four numbers are present and valid."""
    try:
        x, y, width, height = (round(float(cell)) for cell in cells)
        return Box(x, y, width, height)
    except ValueError:
        return None
