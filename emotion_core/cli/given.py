"""The files that a command was given: by name, by a pattern that no shell expanded, or by their folder."""

import os
import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ..errors import OutputError
from ..inputs import files_in, matches

#: How the names of answers end that are pictures and videos themselves.
_ANSWERS: Final = (".annotated.png", ".annotated.mp4")


@dataclass(frozen=True, slots=True)
class Given:
    """A file, and where in ``--out`` its answers go: its name, or its place in the folder that was given."""

    path: Path
    place: Path


def given_files(arguments: Sequence[Path], endings: Collection[str], out: Path | None, kind: str) -> list[Given]:
    """Every file that is meant, in order; of folders those whose names end so, and each other one is told.

    A name or a pattern that nothing has is kept as it is, for whoever opens it to say so. ``out`` is not
    looked into. Raises OutputError where answers in ``out`` would overwrite each other; kind: what the
    files are called there.
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
