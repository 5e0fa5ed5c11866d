"""JPEG files whose end is missing: a few bytes do no harm, and half of the picture is not the picture."""

import io
from typing import BinaryIO, Final

import numpy as np
from PIL import Image

#: What a reader is told of such a picture.
NOTE: Final = "The very end of the file is missing; at most the last few pixels of the picture are."
_END: Final = b"\xff\xd9"
#: The decoder fills what is missing with blocks of one colour: so large a share of the picture may be so at its end.
_MOST_MISSING: Final = 0.02
_BLOCK: Final = 16


def completed(file: BinaryIO) -> Image.Image | None:
    """The decoded picture of a JPEG file that lacks its end; None where more is missing than that.

    What raises on a whole file raises here, too: the errors of Pillow's decoder.
    """
    file.seek(0)
    image = Image.open(io.BytesIO(file.read() + _END), formats=("JPEG",))
    image.load()
    return None if _missing(image) > _MOST_MISSING else image


def _missing(image: Image.Image) -> float:
    """The share of the picture that is blocks of one colour, counted from its end."""
    gray = np.asarray(image.convert("L"), np.uint8)
    rows, columns = -(-gray.shape[0] // _BLOCK), -(-gray.shape[1] // _BLOCK)
    for number in range(rows * columns - 1, -1, -1):
        y, x = number // columns * _BLOCK, number % columns * _BLOCK
        block = gray[y : y + _BLOCK, x : x + _BLOCK]
        if int(block.max()) - int(block.min()) > 2:
            return float(rows * columns - 1 - number) / float(rows * columns)
    return 1.0
