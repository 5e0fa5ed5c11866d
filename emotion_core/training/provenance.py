"""What a card may say about the data: what was recorded on loading, not guesses from its labels."""

from pathlib import Path
from typing import Any, Final

from ..recognition.bundle_config import BundleConfig
from ..recognition.hub import HubRef
from ..recognition.origin import MADE, Origin, begun_when_known, data_name, is_fer, origin_of, stages_of
from ..recognition.resolve import PIN

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
    """The data set's name with its source."""
    name = data_name(origin)
    return _CITED.get(name, f"Data of its own, `{name}`")


def remarks(origin: Origin) -> str:
    """What else was done with the data before training, in sentences that begin with a space; else nothing."""
    found = " Faces were found in photos." if origin.sought else ""
    part = (
        f" About {origin.asked:,} of its Training faces were used, and a quarter as many of others."
        if origin.asked
        else ""
    )
    return found + part


def how_divided(config: BundleConfig) -> str:
    """What PublicTest and PrivateTest are here, what they were used for, and the command to measure again."""
    origin, photos = origin_of(config), config.training.get("calibrated_on_photos")
    calibrated = "the calibration" + (f" (with {photos} photos from elsewhere)" if photos else "")
    crossed = "crossed" in config.training  # then the calibration was fitted without PublicTest
    if not is_fer(origin):
        made = "were taken from the data by content, a tenth each" if origin.splits == MADE else "came with the data"
        return (
            f"PublicTest, to choose the epoch{'' if crossed else f' and {calibrated}'} by, and\n"
            f"PrivateTest, to be measured on, {made}. The latter chose nothing. Repeat:\n"
            "`python -m emotion_core evaluate BUNDLE --data DATA --split private`"
        )
    told = "To measure it on all faces:" if origin.asked else "To repeat:"
    again = f"{told}\n`python -m emotion_core evaluate BUNDLE --data fer2013.csv{{votes}} --split private`"
    known = [str(stage) for stage in begun_when_known(config)]
    if not known and crossed:
        return f"PublicTest chose the epoch; PrivateTest had no part in\nthat or in the calibration. {again}"
    if not known:
        return f"PublicTest chose the epoch and\n{calibrated}; PrivateTest had no part in either. {again}"
    stages = "stage " + known[0] if len(known) == 1 else f"stages {', '.join(known[:-1])} and {known[-1]}"
    return (
        f"PublicTest chose the epochs and\n{calibrated}; nothing was fitted to PrivateTest. But the figures on "
        f"PrivateTest of the weights that\n{stages} began from were known by then: expect a little less of new "
        f"faces. {again}"
    )


def cross_validated(config: BundleConfig) -> str:
    """What cross-validation said, on how many faces, where a test has too few to say much; else nothing."""
    crossed: Any = config.training.get("crossed")
    if not crossed:
        return ""
    low, high = crossed["interval"]
    return (
        f"\nSo few faces say little about others. The calibration was fitted by cross-validation in {crossed['folds']} "
        f"parts,\nwhich say more: accuracy {crossed['accuracy']:.4f} (95% interval {low:.4f} to {high:.4f}), "
        f"ECE {crossed['ece']:.4f}, on {crossed['faces']} faces, each\nunseen once.\n"
    )


def learnt_from_votes(config: BundleConfig) -> bool:
    """Whether any stage used the FER+ votes."""
    return any(stage.get("votes_sha256") for stage in stages_of(config))


def from_the_hub(sha256: str | None, pin_file: Path = PIN) -> str | None:
    """The Hub repository that published weights with this SHA-256, if the pin file lists them."""
    pin = HubRef.from_pin(pin_file)
    return pin.repo_id if pin and sha256 and sha256 in pin.sha256.values() else None
