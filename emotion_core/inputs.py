"""Resolves input files: names, patterns such as ``*.jpg``, and folders, reporting what is skipped in these."""

import fnmatch
import itertools
import os
import stat
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import Final

#: Receives a skipped path and the reason.
PassOver = Callable[[str, str], None]
#: So many entries of a folder are sorted by name.
SORTED: Final = 100_000
_MAGIC: Final = "*?["
_DEEP: Final = "**"


def files_in(folder: str, endings: Collection[str], pass_over: PassOver, answers: str | None = None) -> Iterator[str]:
    """The files with these endings in a folder and its subfolders, by name; beyond the first ``SORTED`` entries of one
    folder, as the file system gives them, so that no folder is too large for the memory.

    endings: in lower case, with their dots. pass_over: called for every other file, and for every folder
    that is skipped because it is hidden, a link or unreadable. answers: the real path of the folder for
    results, which is skipped.
    """
    folders = []
    try:
        with os.scandir(folder) as found:
            first = sorted(itertools.islice(found, SORTED), key=lambda entry: entry.name)
            for entry in itertools.chain(first, found):
                if _is_folder(entry):
                    folders.append(entry)
                elif reason := _why_not(entry, endings):
                    pass_over(entry.path, reason)
                else:
                    yield entry.path
    except OSError as error:
        pass_over(folder, f"The folder cannot be read: {error.strerror}.")
        return
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
    except OSError:  # a loop of links
        return False


def why_not(name: str, endings: Collection[str]) -> str:
    """Why a file of that name in a folder is skipped; "" if it is not."""
    if name.startswith("."):
        return "A hidden file."
    ending = os.path.splitext(name)[1].lower()  # noqa: PTH122  (a Path for each of millions takes minutes)
    if ending in endings:
        return ""
    named = f"Names in {ending} are" if ending else "A name without an ending is"
    return f"{named} not taken for what is asked for. Name the file itself, and it is looked at."


def _why_not(entry: "os.DirEntry[str]", endings: Collection[str]) -> str:
    if reason := why_not(entry.name, endings):
        return reason
    try:
        kind = entry.stat().st_mode
    except OSError:  # a broken link or just deleted: opening it will report that
        return ""
    return "" if stat.S_ISREG(kind) else "A device, a pipe or a socket, not a file."


def matches(pattern: str) -> list[str]:
    """The paths that a pattern matches, sorted: itself if that path exists, else the matches of its ``*``, ``?``,
    ``[...]`` and ``**`` (any depth); [] if there are none.

    Path components that exist literally are taken literally: ``[1]`` is a folder of that name rather than
    a 1. Names that start with a dot are only matched by patterns that do.
    """
    return sorted(set(each_match(pattern)))


def each_match(pattern: str) -> Iterator[str]:
    """The same one by one, folder by folder; a path that several ``**`` lead to comes several times."""
    written = Path(pattern).expanduser()
    if os.path.lexists(written):
        yield str(written)
    elif any(mark in pattern for mark in _MAGIC):
        parts = written.parts[1:] if written.anchor else written.parts
        yield from map(str, _matching(Path(written.anchor), parts))


def _matching(place: Path, parts: Sequence[str]) -> Iterator[Path]:
    part, rest = parts[0], parts[1:]
    for found in _inside(place, part):
        if not rest:
            yield found
        elif found.is_dir():
            yield from _matching(found, rest)


def _inside(place: Path, part: str) -> Iterator[Path]:
    """The entries of a folder with that name, or matching it."""
    if part == _DEEP:
        return itertools.chain([place], _below(place))
    if part == os.pardir or os.path.lexists(place / part):
        return iter([place / part])
    names = [name for name in _names(place) if part.startswith(".") or not name.startswith(".")]
    found = fnmatch.filter(names, part)
    # No match as a character class: take the bracket literally.
    return (place / name for name in found or fnmatch.filter(names, part.replace("[", "[[]")))


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
