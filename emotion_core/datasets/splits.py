"""Training, validation and test splits, for data sets that do not come divided."""

import hashlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

#: Values of FER-2013's ``Usage`` column, also used in its folders' file names.
USAGES: Final = {"Training": "train", "PublicTest": "public", "PrivateTest": "private"}
SPLITS: Final = tuple(USAGES.values())
#: Folder names and words for the splits, in lower case.
SPLIT_WORDS: Final = {
    "train": ("train", "training", "train_set", "training_set", "fer2013train"),
    "public": ("validation", "val", "valid", "val_set", "validation_set", "valid_set", "public", "publictest", "dev"),
    "private": ("test", "testing", "test_set", "private", "privatetest"),
}
#: Faces per class needed to make splits: one for validation, one for test, three for training.
FEWEST: Final = 5
WANTED: Final = 30
_SHARE: Final = 0.1


def split_of(word: str) -> str:
    """The split that a word means, in any case; "" for none."""
    plain = word.strip().casefold()
    return next((split for split, words in SPLIT_WORDS.items() if plain in words), "")


def complete(split: NDArray[np.str_], faces: NDArray[np.uint8], labels: NDArray[np.str_]) -> NDArray[np.str_]:
    """Assign splits to faces without one: a tenth of every class for validation and a tenth for test.

    split: str (N,), ``""`` where unknown. faces: uint8 (N, H, W, C). labels: str (N,). The assignment is by
    content: twins fall into the same split, whatever their names. If the data has no validation split, a
    tenth of every class of the training faces becomes one. Raises DataError when a class has too few.
    """
    whole = split.astype("<U7")
    digests = np.array([hashlib.sha256(face.tobytes()).hexdigest() for face in faces])
    unknown = whole == ""
    if unknown.any():
        _enough(labels[unknown], digests[unknown])
        _divide(whole, unknown, digests, labels, ("private", "public", "train"))
    if not (whole == "public").any() and (whole == "train").any():
        _divide(whole, whole == "train", digests, labels, ("public", "train"))
        if not (whole == "public").any():
            raise DataError(
                "Too few pictures to learn from: give two of every class at least, or folders of your own for "
                f"{', '.join(('train', 'validation', 'test'))}. {WANTED} or more of each are useful."
            )
    return whole


def _divide(
    whole: NDArray[np.str_],
    among: NDArray[np.bool_],
    digests: NDArray[np.str_],
    labels: NDArray[np.str_],
    parts: tuple[str, ...],
) -> None:
    """Set the splits of the faces in ``among``: ``_SHARE`` of each class, at least one, per part except the last."""
    given: dict[str, str] = {}
    for label in np.unique(labels[among]):
        # Twins with two labels keep the split of the first; sorted hashes are already in random order.
        own = [digest for digest in sorted(set(digests[among & (labels == label)])) if digest not in given]
        size = max(round(_SHARE * len(own)), 1)
        for place, digest in enumerate(own):
            given[digest] = parts[min(place // size, len(parts) - 1)] if len(own) >= len(parts) else parts[-1]
    whole[among] = [given[digest] for digest in digests[among]]


def _enough(labels: NDArray[np.str_], digests: NDArray[np.str_]) -> None:
    counts = {str(label): len(set(digests[labels == label])) for label in np.unique(labels)}
    few = [f"{label} {count}" for label, count in counts.items() if count < FEWEST]
    if few:
        raise DataError(
            f"Too few different pictures for training and testing: {', '.join(few)}. "
            f"Every class needs {FEWEST} at least, and {WANTED} or more to be useful."
        )
