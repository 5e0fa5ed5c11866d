"""How many faces of one picture are named, where others wait meanwhile.

Each face takes some milliseconds, and a picture that its header calls light may show thousands of them. Whoever gives
work its turn says here how many it may name: whatever it finds beyond that is left out, the smallest first, or it is
begun anew as longer work. Where nothing is said, as on the command line and in bulk, all are named.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from ..results import Face


class CrowdError(Exception):
    """There are more faces than this work's turn is for. Never shown: it is begun anew as longer work."""


@dataclass(frozen=True, slots=True)
class _Bound:
    most: int
    anew: bool


#: What holds for the work that this thread does at the moment.
_CURRENT: "Final[ContextVar[_Bound | None]]" = ContextVar("crowd_bound", default=None)


@contextmanager
def naming_at_most(most: int, anew: bool = False) -> Iterator[None]:
    """While this is entered, name at most so many faces of a picture, the largest.

    anew: raise CrowdError for more, and name none.
    """
    before = _CURRENT.set(_Bound(most, anew))
    try:
        yield
    finally:
        _CURRENT.reset(before)


def named(faces: Sequence[Face]) -> Sequence[Face]:
    """Those of the faces, largest first, that are named. Raises CrowdError (see ``naming_at_most``)."""
    bound = _CURRENT.get()
    if bound is None or len(faces) <= bound.most:
        return faces
    if bound.anew:
        raise CrowdError
    return faces[: bound.most]


def note_of(count: int, left_out: int) -> tuple[str, ...]:
    """What the user should know of a picture with ``count`` faces named and so many left out; () if none was."""
    return (f"The picture has {count + left_out} faces: the {count} largest are named.",) if left_out else ()
