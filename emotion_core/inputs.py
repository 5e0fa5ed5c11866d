"""The files that somebody means: names, patterns such as ``*.jpg``, and folders, with what is passed over in these."""

import fnmatch
import os
import stat
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Final

#: Takes a path and why nothing is made of it.
PassOver = Callable[[str, str], None]
_MAGIC: Final = "*?["
_DEEP: Final = "**"


def files_in(folder: str, endings: Collection[str], pass_over: PassOver, answers: str | None = None) -> Iterator[str]:
    """The files of a folder, to its depth, whose names end so, in an order that is the same every time.

    endings: in small letters, with their points. pass_over: told of each other file, and of each folder
    that is not looked into: hidden, a link, or closed to this user. answers: the real path of a folder in
    which answers are written, which is left alone.
    """
    try:
        with os.scandir(folder) as found:
            entries = sorted(found, key=lambda entry: entry.name)
    except OSError as error:
        pass_over(folder, f"The folder cannot be read: {error.strerror}.")
        return
    folders = [entry for entry in entries if _is_folder(entry)]
    inside = {entry.name for entry in folders}
    for entry in (entry for entry in entries if entry.name not in inside):
        if reason := _why_not(entry, endings):
            pass_over(entry.path, reason)
        else:
            yield entry.path
    for entry in folders:
        if entry.name.startswith("."):
            pass_over(entry.path, "A hidden folder is not looked into.")
        elif entry.is_symlink():
            pass_over(entry.path, "A link to a folder is not followed.")
        elif os.path.realpath(entry.path) == answers:
            pass_over(entry.path, "The folder of the answers.")
        else:
            yield from files_in(entry.path, endings, pass_over, answers)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # links that go round
        return False


def _why_not(entry: "os.DirEntry[str]", endings: Collection[str]) -> str:
    if entry.name.startswith("."):
        return "A hidden file."
    ending = Path(entry.name).suffix.lower()
    if ending not in endings:
        named = f"Names in {ending} are" if ending else "A name without an ending is"
        return f"{named} not taken for what is asked for. Name the file itself, and it is looked at."
    try:
        kind = entry.stat().st_mode
    except OSError:  # a link to nothing, or what has just gone: whoever opens it says so
        return ""
    return "" if stat.S_ISREG(kind) else "A device, a pipe or a socket, not a file."


def matches(pattern: str) -> list[str]:
    """What a pattern stands for, sorted: itself where something is called so, else what its ``*``, ``?``, ``[...]``
    and ``**`` (any depth) match, [] where that is nothing.

    A part of the path that exists as it is written is meant as it is written: ``[1]`` is a folder of that name
    before it is a 1. Names that begin with a point are matched by patterns that do.
    """
    written = Path(pattern).expanduser()
    if os.path.lexists(written) or not any(mark in pattern for mark in _MAGIC):
        return [str(written)] if os.path.lexists(written) else []
    places = [Path(written.anchor)]
    parts = written.parts[1:] if written.anchor else written.parts
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        places = [found for place in places for found in _inside(place, part) if last or found.is_dir()]
    return sorted({str(place) for place in places})


def _inside(place: Path, part: str) -> list[Path]:
    """What is called so in a folder, or is matched."""
    if part == _DEEP:
        return [place, *_below(place)]
    if part == os.pardir or os.path.lexists(place / part):
        return [place / part]
    names = [name for name in _names(place) if part.startswith(".") or not name.startswith(".")]
    found = fnmatch.filter(names, part)
    # No such class of characters: the bracket is a letter of the names.
    return [place / name for name in found or fnmatch.filter(names, part.replace("[", "[[]"))]


def _below(place: Path) -> Iterator[Path]:
    for name in _names(place):
        inner = place / name
        if not name.startswith(".") and inner.is_dir() and not inner.is_symlink():
            yield inner
            yield from _below(inner)


def _names(place: Path) -> list[str]:
    try:
        return sorted(path.name for path in place.iterdir())
    except OSError:
        return []
