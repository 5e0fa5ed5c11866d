"""Truncated JPEG files: a few missing bytes at the end are accepted, half of the picture missing is not."""

import io
from typing import BinaryIO, Final

import numpy as np
from PIL import Image

#: The note about such a picture.
NOTE: Final = "The very end of the file is missing; at most the last few pixels of the picture are."
_END: Final = b"\xff\xd9"
#: The largest share of the picture that may be missing; the decoder fills it with blocks of one colour.
_MOST_MISSING: Final = 0.02
_BLOCK: Final = 16


def completed(file: BinaryIO) -> Image.Image | None:
    """The decoded picture of a JPEG file that lacks its end; None if too much is missing.

    Raises the same errors of Pillow's decoder as a complete file.
    """
    file.seek(0)
    image = Image.open(io.BytesIO(file.read() + _END), formats=("JPEG",))
    image.load()
    return None if _missing(image) > _MOST_MISSING else image


def _missing(image: Image.Image) -> float:
    """The share of the picture covered by blocks of one colour at its end."""
    gray = np.asarray(image.convert("L"), np.uint8)
    rows, columns = -(-gray.shape[0] // _BLOCK), -(-gray.shape[1] // _BLOCK)
    for number in range(rows * columns - 1, -1, -1):
        y, x = number // columns * _BLOCK, number % columns * _BLOCK
        block = gray[y : y + _BLOCK, x : x + _BLOCK]
        if int(block.max()) - int(block.min()) > 2:
            return float(rows * columns - 1 - number) / float(rows * columns)
    return 1.0
