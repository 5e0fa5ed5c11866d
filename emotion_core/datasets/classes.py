"""Class names: synonyms of expressions, in any case, become our words; other names are kept."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from ..labels import FER2013, FERPLUS, SYNONYMS

_NUMBERED: Final = re.compile(r"\d+\s*[-_. ]\s*(.+)")  # "3 - happy", "0_angry"


def expression(name: str) -> str | None:
    """Our word for an expression, ``Happiness`` -> ``happy``; None for any other word."""
    plain = name.strip().casefold()
    word = SYNONYMS.get(plain, plain)
    if word in FERPLUS:
        return word
    numbered = _NUMBERED.fullmatch(plain)
    return expression(numbered[1]) if numbered else None


def name_classes(names: Iterable[str]) -> tuple[tuple[str, ...], dict[str, int]]:
    """The labels, and the index of each folder's or column's name among them.

    Expressions become our words, so that a model that knows them still does, in FER-2013's or FER+'s
    order if there are no other classes. Names that differ only in case are one class.
    """
    written = sorted({name.strip() for name in names})
    spelled: dict[str, str] = {}
    for name in written:
        spelled.setdefault(name.casefold(), name)
    words = {name: expression(name) or spelled[name.casefold()] for name in written}
    labels = _ordered(set(words.values()))
    return labels, {name: labels.index(words[name.strip()]) for name in names}


def _ordered(words: set[str]) -> tuple[str, ...]:
    known: Sequence[str]
    for known in (FER2013, FERPLUS):
        if words <= set(known):
            return tuple(word for word in known if word in words)
    return tuple(sorted(words))
