"""The files passed to a command: by name, by a pattern the shell did not expand, or by folder."""

import os
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import OutputError
from ..inputs import files_in, matches

#: Endings of output files that are pictures or videos themselves.
_ANSWERS: Final = (".annotated.png", ".annotated.mp4")


@dataclass(frozen=True, slots=True)
class Given:
    """A file, and where in ``--out`` its output goes: its name, or its path relative to the given folder."""

    path: Path
    place: Path


def given_files(arguments: Sequence[Path], endings: Collection[str], out: Path | None, kind: str) -> list[Given]:
    """All files meant, in order. From folders, only those with these endings; the others are reported.

    A name or pattern that matches nothing is kept as is, so that opening it reports the error. ``out`` is
    not searched. Raises OutputError if outputs in ``out`` would overwrite each other; kind: what the message
    calls the files.
    """
    files = [given for argument in arguments for given in _meant(argument, endings, out)]
    repeated = Counter(os.path.normcase(given.place) for given in files)
    if out and (names := sorted({str(it.place) for it in files if repeated[os.path.normcase(it.place)] > 1})):
        raise OutputError(f"Several {kind} are called {', '.join(names)}: write them to separate --out.")
    return files


def _meant(argument: Path, endings: Collection[str], out: Path | None) -> Iterator[Given]:
    own = os.path.realpath(out) if out else None
    for found in map(Path, matches(str(argument)) or [str(argument)]):
        if not found.is_dir():
            yield Given(found, Path(found.name))
            continue
        nothing = True
        for path in map(Path, files_in(str(found), endings, _told, own)):
            if not path.name.endswith(_ANSWERS):
                nothing = False
                yield Given(path, path.relative_to(found))
            else:
                _told(str(path), "An answer of this command.")
        if nothing:
            _told(str(found), "There is nothing in this folder to look at.")


def _told(path: str, reason: str) -> None:
    print(f"{path}: passed over. {reason}", file=sys.stderr)
