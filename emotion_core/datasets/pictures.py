"""One picture of a data set -> the network's input, using serving's own decoder."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ..errors import DataError, ImageError
from ..images import RGB, load_image
from ..recognition.origin import Origin
from ..results import Box
from .splits import complete
from .tables import Source

#: Maximum size of a picture file, in bytes: a zip file may unpack to anything.
MAX_BYTES: Final = 50_000_000
#: Endings of files that often accompany pictures but are not pictures.
NOT_PICTURES: Final = (".csv", ".tsv", ".txt", ".md", ".json", ".xml", ".npy", ".ds_store", ".db", ".ini", ".pdf")


@dataclass(frozen=True, slots=True)
class Listed:
    """A picture listed by a layout. split: ``""`` if still to be assigned. box: its face, if the set gives
    one. ballots: its ten FER+ votes, if the set has them.
    """

    file: Source
    label: str
    split: str
    box: Box | None = None
    ballots: tuple[float, ...] = ()


@dataclass(frozen=True)
class Found:
    """What a layout found: its pictures, in order, and where they came from."""

    listed: list[Listed]
    origin: Origin
    #: Files that the layout lists but that cannot be used, one line each.
    absent: tuple[str, ...] = ()


@dataclass(frozen=True)
class Pictures:
    """Decoded pictures. faces: uint8 (N, side, side, channels); rows: their indices in the list; split: one each."""

    faces: NDArray[np.uint8]
    rows: NDArray[np.int64]
    split: NDArray[np.str_]
    skipped: tuple[str, ...]


def read_all(found: Found, labels: Sequence[str], side: int, channels: int, seek: Any = None) -> Pictures:
    """Decode every picture, and assign a split to those that have none.

    seek: finds and crops the face in a photo, see ``sought.FaceSeeker``; None: pictures are faces
    already. Raises DataError when none can be used, or too few of a class.
    """
    faces, rows, skipped = [], [], list(found.absent)
    for row, item in enumerate(found.listed):
        try:
            faces.append(read_picture(item.file, side, channels, item.box, seek))
            rows.append(row)
        except DataError as error:
            skipped.append(str(error))
    if not faces:
        raise DataError(f"{found.origin.name} holds no usable pictures. {skipped[0] if skipped else ''}".strip())
    pixels, chosen = np.stack(faces), np.array(rows)
    split = np.array([found.listed[row].split for row in rows], "<U7")
    words = np.array([labels[row] for row in rows])
    return Pictures(pixels, chosen, complete(split, pixels, words), tuple(skipped))


def read_picture(file: Source, side: int, channels: int, box: Box | None = None, seek: Any = None) -> NDArray[np.uint8]:
    """A picture's central square as uint8 (side, side, channels); DataError, naming the file.

    box: crop to this part first. seek: as in ``read_all``.
    """
    try:
        with file.open("rb") as stream:
            content = stream.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise DataError(f"over {MAX_BYTES // 10**6} MB")
        rgb = load_image(content)
        if seek is not None:
            return np.asarray(seek(rgb, side, channels), np.uint8)
        return fitted(rgb if box is None else inside(rgb, box), side, channels)
    # Broken members of zip files can raise almost anything.
    except Exception as error:
        reason = error if isinstance(error, ImageError | DataError) else f"{type(error).__name__}: {error}"
        raise DataError(f"{file}: not a usable picture ({reason}).") from error


def inside(rgb: RGB, box: Box) -> RGB:
    """The square around a box, clipped to the picture; DataError if the box is outside it."""
    half = max(box.width, box.height) // 2
    x, y = box.x + box.width // 2, box.y + box.height // 2
    cut = rgb[max(y - half, 0) : max(y + half, 1), max(x - half, 0) : max(x + half, 1)]
    if min(cut.shape[:2]) < 2:
        raise DataError("the face's box lies outside of the picture")
    return cut


def fitted(rgb: RGB, side: int, channels: int) -> NDArray[np.uint8]:
    """The central square of RGB uint8 (H, W, 3), as uint8 (side, side, channels)."""
    image = Image.fromarray(np.ascontiguousarray(rgb)).convert("L" if channels == 1 else "RGB")
    if image.size != (side, side):
        image = ImageOps.fit(image, (side, side), Image.Resampling.LANCZOS)
    return np.asarray(image, np.uint8).reshape(side, side, channels)


def may_be_one(file: Source) -> bool:
    """Whether a file should be a picture, judging by its name: not hidden, no notes or tables."""
    return file.is_file() and not file.name.startswith(".") and not file.name.lower().endswith(NOT_PICTURES)
