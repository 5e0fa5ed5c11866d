"""What a card may say of the data: what was recorded when it was read, not what its labels look like."""

from collections.abc import Mapping
from typing import Any, Final

from ..datasets.origin import MADE, VOTES, Origin
from ..labels import FER2013, FERPLUS
from ..recognition.bundle_config import BundleConfig

_CITED: Final = {
    "FER-2013": "FER-2013 (Goodfellow et al. 2013)",
    "FER+": "FER-2013 (Goodfellow et al. 2013), FER+ labels",
    "AffectNet": "AffectNet (Mollahosseini et al. 2017)",
    "RAF-DB": "RAF-DB (Li et al. 2017)",
}


def origin_of(config: BundleConfig, stage: Mapping[str, Any] | None = None) -> Origin:
    """Where a stage's data came from, by default the last one's. Runs from before this was recorded had FER-2013."""
    stages = config.training.get("stages") or [{}]
    recorded = (stages[-1] if stage is None else stage).get("data")
    if recorded:
        return Origin(**recorded)
    if config.labels in (FER2013, FERPLUS):
        return Origin("FER-2013", "official", VOTES if config.labels == FERPLUS else "labels")
    return Origin()


def data_name(origin: Origin) -> str:
    """The set's name, as figures are headed by; FER-2013 by its votes is FER+."""
    return "FER+" if origin == Origin("FER-2013", "official", VOTES) else origin.name


def slug(name: str) -> str:
    """The name as an identifier: ``AffectNet`` -> ``affectnet``."""
    return "-".join("".join(letter if letter.isalnum() else " " for letter in name.lower()).split()) or "data"


def cited(origin: Origin) -> str:
    """The set's name with its source."""
    name = data_name(origin)
    found = " Faces were found in photos." if origin.sought else ""
    return _CITED.get(name, f"Data of its own, `{name}`") + found


def is_fer(origin: Origin) -> bool:
    """Whether what is known of FER-2013 holds for the data."""
    return data_name(origin) in ("FER-2013", "FER+")


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
