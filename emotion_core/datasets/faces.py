"""Faces as arrays, with their labels and splits, whatever their layout.

``load`` reads FER-2013 as distributed on Kaggle, AffectNet, RAF-DB, FER+, or any folder of classes, zipped
or not; see ``layouts``. FER+ votes are joined to FER-2013 by row.
"""

import hashlib
import zipfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..labels import FER2013, FERPLUS
from ..recognition.origin import OFFICIAL, VOTES, Origin
from .classes import name_classes
from .fer_csv import read_fer_csv
from .layouts import find_layout
from .pictures import Found, read_all
from .splits import SPLITS
from .tables import Source
from .votes import majority, named, read_ballots, shares

__all__ = ["SPLITS", "FaceData", "Origin", "as_ferplus", "load"]

SIDE: Final = 48


@dataclass(frozen=True, eq=False)
class FaceData:
    """Faces of one or more splits."""

    #: uint8 (N, H, W, C), gray or RGB.
    faces: NDArray[np.uint8]
    #: int64 (N,), index into ``labels``.
    emotion: NDArray[np.int64]
    #: str (N,), one of ``train``, ``public`` (validation), ``private`` (test).
    split: NDArray[np.str_]
    #: The names of the classes.
    labels: tuple[str, ...] = FER2013
    #: float32 (N, 8), the share of FER+ votes in the order of ``FERPLUS``; a row of zeros if the voters saw no face
    #: or could not tell; None when not loaded.
    votes: NDArray[np.float32] | None = None
    #: int64 (N,), the FER+ majority, -1 if there is none; None when not loaded.
    voted: NDArray[np.int64] | None = None
    #: float32 (N,), the share of all ballots that name an expression; None when not loaded.
    named: NDArray[np.float32] | None = None
    #: Files of a folder that could not be used, one line each.
    skipped: tuple[str, ...] = ()
    #: Where the data came from.
    origin: Origin = field(default_factory=Origin)

    def __len__(self) -> int:
        return len(self.faces)

    def only(self, mask: NDArray[np.bool_]) -> "FaceData":
        """The faces for which the mask, bool (N,), is true."""
        return replace(
            self,
            faces=self.faces[mask],
            emotion=self.emotion[mask],
            split=self.split[mask],
            votes=None if self.votes is None else self.votes[mask],
            voted=None if self.voted is None else self.voted[mask],
            named=None if self.named is None else self.named[mask],
        )

    def of(self, split: str) -> "FaceData":
        """The faces of one split; DataError if it has none."""
        if split not in SPLITS:
            raise DataError(f"Unknown split {split!r}: use one of {', '.join(SPLITS)}.")
        part = self.only(self.split == split)
        if not len(part):
            raise DataError(f"The data has no {split} faces. Check that the download is whole.")
        return part

    def hashes(self) -> list[str]:
        """A SHA-256 of each face's pixels: equal for byte-identical twins."""
        return [hashlib.sha256(face.tobytes()).hexdigest() for face in self.faces]

    def digest(self) -> str:
        """One SHA-256 over all pixels, labels and splits, which identifies a run's data."""
        whole = hashlib.sha256()
        for array in (self.faces, self.emotion, np.char.encode(self.split, "ascii")):
            whole.update(np.ascontiguousarray(array).tobytes())
        return whole.hexdigest()

    def votes_digest(self) -> str | None:
        """The same over the votes; None when there are none."""
        return None if self.votes is None else hashlib.sha256(self.votes.tobytes()).hexdigest()


def load(
    path: str | Path, votes: str | Path | None = None, side: int = SIDE, channels: int = 1, seek: Any = None
) -> FaceData:
    """Read a data set; its pictures are converted to ``side`` and ``channels``.

    seek: finds and crops the face in each photo (see ``sought``); None: pictures are faces already.
    Unusable pictures are listed in ``skipped``. Raises DataError, naming the row or file, when the
    data as a whole cannot be used.
    """
    path = Path(path).expanduser()
    if not zipfile.is_zipfile(path):
        return _load(path, path, votes, side, channels, seek)
    try:
        with zipfile.ZipFile(path) as archive:
            # zipfile.Path lists a nameless member as its own folder, which would be searched forever.
            if not all(name.strip("/") for name in archive.namelist()):
                raise DataError(f"{path.name} contains a file without a name. Download it again.")
        return _load(zipfile.Path(path), path, votes, side, channels, seek)
    except DataError:
        raise
    # A broken archive can fail at any read, with BadZipFile, zlib.error, EOFError, OSError, RuntimeError and others.
    except Exception as error:
        raise DataError(f"{path.name} is a damaged or locked zip file ({error}). Download it again.") from error


def _load(root: Source, path: Path, votes: str | Path | None, side: int, channels: int, seek: Any) -> FaceData:
    if not path.exists():
        raise DataError(f"No data at {path}. Give fer2013.csv, a folder of classes, or a zip file of either.")
    found = find_layout(root)
    if isinstance(found, Found):
        if votes is not None:
            raise DataError("FER+ votes are matched to fer2013.csv by row: give that file as the data.")
        return _from_pictures(found, side, channels, seek)
    if seek is not None:
        raise DataError(f"{found.name} holds faces that are already cropped: leave out --detect.")
    faces, emotion, split = read_fer_csv(found)
    if (side, channels) != (SIDE, 1):
        raise DataError(f"{found.name} holds 48x48 gray faces: train a network that takes them (crop_size 48, gray).")
    data = FaceData(faces, emotion, split, origin=Origin("FER-2013", OFFICIAL))
    if votes is None:
        return data
    ballots = read_ballots(Path(votes), split)
    return replace(data, votes=shares(ballots), voted=majority(ballots), named=named(ballots))


def as_ferplus(data: FaceData) -> FaceData:
    """FER-2013 with the eight labels of FER+: the votes are the truth.

    Test faces must have a majority, as in the paper (Barsoum et al. 2016); training faces need
    voters who saw an expression, and get the most voted one as their label. Raises DataError when
    the votes were not loaded.
    """
    if data.votes is None or data.voted is None:
        raise DataError("The eight labels of FER+ come from its votes: give fer2013new.csv with --votes.")
    usable = np.where(data.split == "train", data.votes.any(axis=1), data.voted >= 0)
    emotion = np.where(data.voted >= 0, data.voted, data.votes.argmax(axis=1))
    told = replace(data, emotion=emotion, labels=FERPLUS, origin=replace(data.origin, truth=VOTES))
    return told.only(np.asarray(usable, bool))


def _from_pictures(found: Found, side: int, channels: int, seek: Any) -> FaceData:
    """Decode the pictures that a layout found; if the set has votes, they are the truth."""
    voted: NDArray[np.int64] | None = None
    share: NDArray[np.float32] | None = None
    if any(item.ballots for item in found.listed):
        ballots = np.array([item.ballots for item in found.listed], np.float32)
        labels: tuple[str, ...] = FERPLUS
        voted, share = majority(ballots), shares(ballots)
        emotion = np.where(voted >= 0, voted, share.argmax(axis=1))
    else:
        labels, index = name_classes({item.label for item in found.listed})
        emotion = np.array([index[item.label] for item in found.listed])
    read = read_all(found, [labels[label] for label in emotion], side, channels, seek)
    if read.skipped:
        print(f"Skipped files: {len(read.skipped)}, the first: {read.skipped[0]}")
    data = FaceData(
        read.faces,
        emotion[read.rows],
        read.split,
        labels,
        votes=None if share is None else share[read.rows],
        voted=None if voted is None else voted[read.rows],
        skipped=read.skipped,
        origin=replace(found.origin, sought=seek is not None),
    )
    return data if voted is None else as_ferplus(data)
