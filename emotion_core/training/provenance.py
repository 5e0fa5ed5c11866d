"""What a card may say of the data: what was recorded when it was read, not what its labels look like."""

from typing import Final

from ..recognition.origin import MADE, Origin, data_name, is_fer

_CITED: Final = {
    "FER-2013": "FER-2013 (Goodfellow et al. 2013)",
    "FER+": "FER-2013 (Goodfellow et al. 2013), FER+ labels",
    "AffectNet": "AffectNet (Mollahosseini et al. 2017)",
    "RAF-DB": "RAF-DB (Li et al. 2017)",
}


def slug(name: str) -> str:
    """The name as an identifier: ``AffectNet`` -> ``affectnet``."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split()) or "data"


def cited(origin: Origin) -> str:
    """The set's name with its source."""
    name = data_name(origin)
    found = " Faces were found in photos." if origin.sought else ""
    return _CITED.get(name, f"Data of its own, `{name}`") + found


def how_divided(origin: Origin) -> str:
    """What PublicTest and PrivateTest are here, and what looked at them."""
    if is_fer(origin):
        return (
            "PublicTest chose the epoch and\nthe calibration; PrivateTest had no part in either. To repeat:\n"
            "`python -m emotion_core evaluate BUNDLE --data fer2013.csv{votes} --split private`"
        )
    made = "were taken from the data by content, a tenth each" if origin.splits == MADE else "came with the data"
    return (
        f"PublicTest, to choose by, and\nPrivateTest, to be measured on, {made}. The latter chose nothing. Repeat:\n"
        "`python -m emotion_core evaluate BUNDLE --data DATA --split private`"
    )


LIMITS_ELSEWHERE: Final = """\
## Limits

- A facial expression is not a feeling. The model names what the people who labelled its training
  data would have named.
- How it does on other people and other cameras than those of its data is unmeasured here, and so are
  differences between groups of people; both must be expected.
- Classes with few faces have figures that single faces move: read them with the number of faces in mind.
"""
