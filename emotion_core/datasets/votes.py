"""FER+: ten people's votes for every face of FER-2013 (Barsoum et al. 2016, arXiv:1608.01041)."""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..labels import FERPLUS
from .splits import USAGES
from .tables import rows_of

#: The file's columns: the emotions in the order of ``FERPLUS``, then the votes for no expression.
COLUMNS: Final = (
    *("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt"),
    *("unknown", "NF"),
)


def read_ballots(path: Path, split: NDArray[np.str_]) -> NDArray[np.float32]:
    """Read ``fer2013new.csv``: float32 (N, 10), votes for each row of ``fer2013.csv``.

    split: of those rows, to check that they match. Raises DataError, naming the line.
    """
    count = len(split)
    ballots = np.zeros((count, len(COLUMNS)), np.float32)
    rows = 0
    for line, row in rows_of(path, ("Usage", *COLUMNS)):
        rows += 1
        if rows > count:
            break
        if USAGES.get(row.get("Usage", "")) != split[rows - 1]:
            raise DataError(
                f"{path.name}, line {line}: Usage differs from the same row of the data. "
                "Use fer2013.csv in its original order."
            )
        try:
            ballots[rows - 1] = [float(row[name]) for name in COLUMNS]
        except (ValueError, KeyError):
            raise DataError(f"{path.name}, line {line}: votes must be numbers.") from None
    if rows != count:
        raise DataError(f"{path.name} does not have the {count} rows of the data it is to be joined with.")
    return ballots


def shares(ballots: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ballots (N, 10) -> the share of each emotion, float32 (N, 8); rows sum to 1 or are zero.

    A face that half of the voters could not name gets zeros, as it teaches nothing about its expression.
    """
    emotions = ballots[:, : len(FERPLUS)]
    total = emotions.sum(axis=1, keepdims=True)
    told = total > ballots.sum(axis=1, keepdims=True) / 2
    return np.asarray(np.where(told, emotions / np.maximum(total, 1e-6), 0), np.float32)


def named(ballots: NDArray[np.float32]) -> NDArray[np.float32]:
    """Ballots (N, 10) -> the share that name an expression at all, float32 (N,)."""
    return np.asarray(ballots[:, : len(FERPLUS)].sum(axis=1) / np.maximum(ballots.sum(axis=1), 1e-6), np.float32)


def majority(ballots: NDArray[np.float32]) -> NDArray[np.int64]:
    """The emotion named by more than half of the votes, int64 (N,); -1 for none, or no face.

    As in the paper, an option with a single vote is treated as a slip and dropped first.
    """
    counted = np.where(ballots > 1, ballots, 0)
    best = counted.argmax(axis=1)
    clear = counted.max(axis=1) > counted.sum(axis=1) / 2
    return np.asarray(np.where(clear & (best < len(FERPLUS)), best, -1), np.int64)
