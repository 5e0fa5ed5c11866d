"""Where the notebooks' data comes from: a path, the environment, Kaggle, or drawn pictures on request.

The name of the data used is always printed. Nothing is replaced silently: a set that is not available
is an error that says what to do.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from .drawn import drawn_faces, drawn_pets
from .faces import SIDE, FaceData, as_ferplus, load

#: Requests drawn pictures instead of a data set.
DRAWN: Final = "drawn"
FER2013_ON_KAGGLE: Final = "deadskull7/fer2013"
PETS_ON_KAGGLE: Final = "salader/dogs-vs-cats"
VOTES: Final = "fer2013new.csv"
#: The FER+ votes, published by their authors (Barsoum et al. 2016, arXiv:1608.01041), MIT licence.
VOTES_URL: Final = "https://raw.githubusercontent.com/microsoft/FERPlus/master/fer2013new.csv"


def fer2013(source: str = "", faces: int = 0, votes: bool = False, ferplus: bool = False) -> FaceData:
    """FER-2013, joined with the FER+ votes if available.

    source: a path for ``load``; ``"drawn"``; or empty: the folder in ``FER2013_DIR``, or else
    Kaggle's copy, downloaded. faces: keep about this many Training faces and a quarter as many
    of each other split; 0: all. votes: require the votes, downloading them when
    ``fer2013new.csv`` is not next to the data. ferplus: use the votes' eight labels.

    Raises DataError when the data cannot be fetched.
    """
    if source == DRAWN:
        data, name = drawn_faces(max(2 * faces, 200)), "Drawn faces, no data set"
    else:
        path = Path(source or os.environ.get("FER2013_DIR", "") or download(FER2013_ON_KAGGLE))
        ballots = (path if path.is_dir() else path.parent) / VOTES
        if (votes or ferplus) and not ballots.is_file():
            ballots = download_votes()
        data = load(path, ballots if ballots.is_file() else None)
        name = "FER-2013" + ("" if data.votes is None else ", with the FER+ votes")
    return _told(as_ferplus(data) if ferplus else data, faces, name)


def pets(source: str = "", faces: int = 0, side: int = 64) -> FaceData:
    """Dogs vs Cats in RGB, ``side`` by ``side`` pixels; arguments as in ``fer2013``, but no environment variable."""
    if source == DRAWN:
        return _told(drawn_pets(max(2 * faces, 200), side), faces, "Drawn cats and dogs, no data set")
    return _told(load(Path(source or download(PETS_ON_KAGGLE)), side=side, channels=3), faces, "Dogs vs Cats")


def faces_of(source: str, side: int = SIDE, channels: int = 1) -> FaceData:
    """Any folder of classes, including AffectNet's, in the size that a network takes."""
    return _told(load(source, side=side, channels=channels), 0, Path(source).name)


def download(name: str) -> str:
    """Fetch a data set from Kaggle, or find it in the cache; returns its folder.

    On Kaggle itself nothing is downloaded: the set is attached. Raises DataError when Kaggle
    does not answer or requires a login.
    """
    try:
        import kagglehub

        return str(kagglehub.dataset_download(name))
    # kagglehub raises many kinds of errors: network, login, file system.
    except Exception as error:
        raise DataError(
            f"{name} cannot be fetched from Kaggle ({type(error).__name__}). Download it by hand and give its path as "
            f'SOURCE, or set SOURCE = "{DRAWN}" to see the notebook run on drawn pictures.'
        ) from error


def download_votes() -> Path:
    """Fetch the FER+ votes from their authors and cache them; DataError when that fails."""
    import keras

    try:
        return Path(keras.utils.get_file(VOTES, VOTES_URL, cache_subdir="ferplus"))
    except Exception as error:  # as above
        raise DataError(
            f"{VOTES} cannot be downloaded. Fetch it from {VOTES_URL} and put it beside the data."
        ) from error


def fewer(data: FaceData, faces: int, seed: int = 0) -> FaceData:
    """About ``faces`` Training faces and a quarter as many of each other split, keeping class shares.

    At least two faces of every class stay in every split that has them. The origin then tells that it is a part.
    """
    rng = np.random.default_rng(seed)
    chosen: list[NDArray[np.int64]] = []
    for split in np.unique(data.split):
        inside = np.flatnonzero(data.split == split)
        share = min((faces if split == "train" else faces / 4) / len(inside), 1.0)
        for label in range(len(data.labels)):
            members = inside[data.emotion[inside] == label]
            chosen.append(rng.permutation(members)[: max(2, round(share * len(members)))])
    keep = np.zeros(len(data), bool)
    keep[np.concatenate(chosen)] = True
    part = data.only(keep)
    return part if keep.all() else replace(part, origin=replace(part.origin, asked=faces))


def _told(data: FaceData, faces: int, name: str) -> FaceData:
    data = fewer(data, faces) if faces else data
    sizes = ", ".join(f"{(data.split == split).sum()} {split}" for split in dict.fromkeys(data.split.tolist()))
    print(f"{name}: {len(data)} pictures of {'x'.join(map(str, data.faces.shape[1:]))} ({sizes})")
    return data
