"""Sets as their authors hand them out: AffectNet's arrays, RAF-DB's list file, FER+'s folders."""

import io
from typing import Final

import numpy as np

from ..errors import DataError
from ..labels import AFFECTNET, FERPLUS, RAFDB
from ..recognition.origin import OFFICIAL, VOTES, Origin
from ..results import Box
from .folders import child, entries, subfolders
from .pictures import Found, Listed, may_be_one
from .splits import split_of
from .tables import Source, bare_rows

_ARRAY_BYTES: Final = 10_000
_FERPLUS_FOLDERS: Final = {"fer2013train": "train", "fer2013valid": "public", "fer2013test": "private"}


def affectnet_arrays(folder: Source) -> Found | None:
    """``train_set/images/7.jpg`` with ``train_set/annotations/7_exp.npy``, and ``val_set`` alike (Mollahosseini
    et al. 2017, arXiv:1708.03985); None where the folder is not laid out so.
    """
    listed: list[Listed] = []
    absent: list[str] = []
    for part in subfolders(folder):
        images, notes = child(part, "images"), child(part, "annotations")
        split = split_of(part.name)
        if not split or images is None or notes is None or not (images.is_dir() and notes.is_dir()):
            continue
        known = {entry.name: entry for entry in notes.iterdir()}
        for file in entries(images):
            if may_be_one(file):
                note = known.get(f"{file.name.rpartition('.')[0]}_exp.npy")
                label = _expression_of(note) if note else None
                if label is None:
                    absent.append(f"{file}: no expression in annotations/.")
                else:
                    listed.append(Listed(file, label, split))
    return Found(listed, Origin("AffectNet", OFFICIAL), tuple(absent)) if listed else None


def rafdb_list(folder: Source) -> Found | None:
    """``EmoLabel/list_patition_label.txt`` (so spelled) with ``Image/aligned`` or, with boxes, ``Image/original``
    (Li et al. 2017, "Reliable crowdsourcing", CVPR); None where the folder is not laid out so.
    """
    for base in (folder, child(folder, "basic")):
        labels = base and child(base, "EmoLabel")
        table = labels and child(labels, "list_patition_label.txt", "list_partition_label.txt")
        if base and table:
            return _rafdb(base, table)
    return None


def ferplus_folders(folder: Source) -> Found | None:
    """``data/FER2013Train``, ``FER2013Valid`` and ``FER2013Test``, each with its pictures and a ``label.csv`` of
    votes, as Microsoft's repository makes them (Barsoum et al. 2016, arXiv:1608.01041).
    """
    for base in (folder, child(folder, "data")):
        if base is None or not base.is_dir():
            continue
        listed: list[Listed] = []
        for part in subfolders(base):
            split = _FERPLUS_FOLDERS.get(part.name.casefold())
            if split and (table := child(part, "label.csv")):
                listed += _voted(part, table, split)
        if listed:
            return Found(listed, Origin("FER+", OFFICIAL, VOTES))
    return None


def _expression_of(note: Source) -> str | None:
    """What an annotation's array of one number says, 0 to 7; None for anything else."""
    with note.open("rb") as stream:
        content = stream.read(_ARRAY_BYTES)
    try:
        number = int(np.load(io.BytesIO(content), allow_pickle=False).item())
    except (ValueError, TypeError, OSError, EOFError):
        return None
    return AFFECTNET[number] if 0 <= number < len(AFFECTNET) else None


def _rafdb(base: Source, table: Source) -> Found:
    image = child(base, "Image")
    aligned, original = (image and child(image, name) for name in ("aligned", "original"))
    if not aligned and not original:
        raise DataError(f"{table.name} is there, but neither Image/aligned nor Image/original beside EmoLabel.")
    boxes = (note := child(base, "Annotation")) and child(note, "boundingbox")
    listed = []
    for number, line in enumerate(table.read_text(encoding="utf-8-sig").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        if len(words) != 2 or not words[1].isdigit() or not 1 <= int(words[1]) <= len(RAFDB):
            raise DataError(f"{table.name}, line {number}: expected a file's name and 1 to {len(RAFDB)}.")
        stem, _, suffix = words[0].rpartition(".")
        split = split_of(stem.partition("_")[0]) or "train"
        label = RAFDB[int(words[1]) - 1]
        if aligned:
            listed.append(Listed(aligned / f"{stem}_aligned.{suffix}", label, split))
        else:
            assert original is not None
            box = _corners(boxes / f"{stem}_boundingbox.txt") if boxes else None
            listed.append(Listed(original / words[0], label, split, box))
    return Found(listed, Origin("RAF-DB", OFFICIAL))


def _corners(file: Source) -> Box | None:
    """Left, top, right and bottom, in a text of four numbers; None where that is not there."""
    try:
        left, top, right, bottom = (round(float(word)) for word in file.read_text().split()[:4])
        return Box(left, top, right - left, bottom - top)
    except (OSError, ValueError, KeyError):
        return None


def _voted(part: Source, table: Source, split: str) -> list[Listed]:
    listed = []
    for line, cells in bare_rows(table):
        try:
            ballots = tuple(float(cell) for cell in cells[2:])
        except ValueError:
            raise DataError(f"{part.name}/{table.name}, line {line}: votes must be numbers.") from None
        if len(ballots) != len(FERPLUS) + 2 or "/" in cells[0] or "\\" in cells[0]:
            raise DataError(f"{part.name}/{table.name}, line {line}: expected a file's name, a box and ten votes.")
        listed.append(Listed(part / cells[0], "", split, _box_of(cells[1]), ballots))
    return listed


def _box_of(text: str) -> Box | None:
    """``(0, 0, 48, 48)``: left, top, right, bottom."""
    try:
        left, top, right, bottom = (int(word) for word in text.strip("() ").split(","))
        return Box(left, top, right - left, bottom - top)
    except ValueError:
        return None
