"""Pictures as text: base64 and data URIs."""

import base64
import binascii
import io
from typing import Final

from PIL import Image

from .errors import ImageError

#: Characters of base64 that are decoded at a time: between them other threads have their turn.
_PIECE: Final = 1 << 16


def from_base64(text: str) -> bytes:
    """Decode base64 or a data URI; line ends and blanks are ignored. ImageError for anything else."""
    start = text.find(",") + 1 if text.startswith("data:") else 0
    decoded, left = io.BytesIO(), ""
    try:
        for place in range(start, len(text), _PIECE):
            piece = left + "".join(text[place : place + _PIECE].split())
            if piece and decoded.tell() % 3:  # it ended before
                raise binascii.Error
            left = piece[len(piece) - len(piece) % 4 :]
            decoded.write(base64.b64decode(piece[: len(piece) - len(left)], validate=True))
        decoded.write(base64.b64decode(left, validate=True))
    except (binascii.Error, ValueError) as error:  # ValueError: not ASCII
        raise ImageError("This is not base64. Encode the picture's file, not its path.") from error
    return decoded.getvalue()


def data_uri(image: Image.Image, kind: str = "WEBP") -> str:
    """The picture as a data URI for a page: WebP, or another of Pillow's formats."""
    file = io.BytesIO()
    image.save(file, kind, quality=80)
    return f"data:image/{kind.lower()};base64,{base64.b64encode(file.getvalue()).decode()}"
