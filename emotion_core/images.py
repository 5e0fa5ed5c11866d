"""Any picture from a user -> upright RGB uint8 (H, W, 3), or a clear error."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from .errors import ImageError, ImageLimitError
from .picture_colours import Colours
from .picture_costs import Cost, cost_of
from .picture_directories import check_before_opening
from .picture_ends import NOTE, completed
from .picture_exif import orientation_of
from .picture_kinds import FORMATS, HEAD, refusal
from .picture_notes import with_notes

RGB: TypeAlias = NDArray[np.uint8]
#: A path, a file's bytes, an open binary file, a PIL image, or an array.
ImageLike: TypeAlias = str | os.PathLike[str] | bytes | bytearray | BinaryIO | Image.Image | NDArray[np.generic]

#: 50 megapixels as phones count them: 8192x6144.
MAX_PIXELS: Final = 8192 * 6144
MIN_SIDE: Final = 16
#: EXIF orientation: the first value that swaps rows and columns, and the values that start at the far end.
_TURNED: Final = 5
_FROM_THE_END: Final = (3, 4, 7, 8)
_TRANSPOSE: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
#: Rows or columns converted at a time.
_STRIP: Final = 256
#: Pixels of such a group at most: one of a very wide picture has fewer rows.
_STRIP_PIXELS: Final = 1_000_000
_DAMAGED: Final = "The picture is damaged or cut short. Export or send it again."


def load_image(source: ImageLike) -> RGB:
    """Decode a picture to RGB uint8 (H, W, 3).

    EXIF rotation is applied, transparency is put on white, 16-bit gray is scaled to 8 bits, colours with a
    profile are converted to sRGB, and of an animation the first frame is used. Anything the user should know
    about the picture is in the array's ``notes`` (see ``picture_notes``). Arrays must be uint8, gray (H, W) or
    (H, W, 1), RGB (H, W, 3) or RGBA (H, W, 4).

    Raises ImageError for anything that is not a complete picture of at least 16 pixels a side and
    at most 50 megapixels; the size is read from the header, before anything is decoded.

    >>> load_image("photo.jpg").shape
    (512, 512, 3)
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return _from_pil(source)
    with opened(source) as picture:
        return picture.pixels()


class Picture:
    """A picture of which only the header was read. width, height: upright, in pixels.

    cost: the cost of decoding it. notes: what the user should know, set by decoding.
    """

    def __init__(self, image: Image.Image, cost: Cost | None = None, file: BinaryIO | None = None) -> None:
        _check_size(*image.size)
        self.cost = cost or Cost(0, image.width * image.height * 3)
        self.notes: tuple[str, ...] = ()
        self._image, self._file = image, file
        self._orientation = orientation_of(image, file)
        self.width, self.height = image.size if self._orientation < _TURNED else image.size[::-1]

    def pixels(self) -> RGB:
        """The whole picture, (H, W, 3)."""
        rgb = np.empty((self.height, self.width, 3), np.uint8)
        top = 0
        for strip in self.strips():
            rgb[top : top + len(strip)] = strip
            top += len(strip)
        return with_notes(rgb, self.notes) if self.notes else rgb

    def strips(self) -> Iterator[RGB]:
        """The picture from top to bottom, a few rows at a time, without a second full copy in memory."""
        image = self._loaded()
        colours = Colours(image)
        deep = _eight_bits(np.asarray(image)) if image.mode.startswith("I") or image.mode == "F" else None
        if deep is not None:
            image = Image.fromarray(deep)
        rows = max(min(_STRIP, _STRIP_PIXELS // self.width), 1)
        for top in range(0, self.height, rows):
            yield _flat(self._upright(image, top, min(top + rows, self.height)), colours)

    def _loaded(self) -> Image.Image:
        try:
            self._image.load()
        except OSError:
            mended = completed(self._file) if self._file and self._image.format in ("JPEG", "MPO") else None
            if mended is None:
                raise
            self.notes = (NOTE,)
            return mended
        return self._image

    def _upright(self, image: Image.Image, top: int, bottom: int) -> Image.Image:
        """Rows of the upright picture, which are columns of the stored one if rotated."""
        turned = self._orientation >= _TURNED
        if self._orientation in _FROM_THE_END:
            top, bottom = self.height - bottom, self.height - top
        strip = image.crop((top, 0, bottom, image.height) if turned else (0, top, image.width, bottom))
        method = _TRANSPOSE.get(self._orientation)
        return strip if method is None else strip.transpose(method)


@contextlib.contextmanager
def opened(source: str | os.PathLike[str] | bytes | bytearray | BinaryIO) -> Iterator[Picture]:
    """Open a file and read its header; every error inside, including decoding errors, becomes an ImageError."""
    file = _file_of(source)
    try:
        if not file.read(1):
            raise ImageError("The file is empty. Send it again.")
        file.seek(0)
        check_before_opening(file)
        with Image.open(file, formats=FORMATS) as image:
            _check_size(*image.size)
            yield Picture(image, cost_of(image, file), file)
    except UnidentifiedImageError:
        file.seek(0)
        raise ImageError(refusal(file.read(HEAD))) from None
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        message = f"The picture is over {MAX_PIXELS // 10**6} megapixels. Send a smaller copy."
        raise ImageLimitError(message, "max_pixels", limit=MAX_PIXELS) from None
    except ImageError:
        raise
    # Pillow's decoders raise many exception types on broken files, even struct.error.
    except Exception as error:
        raise ImageError(_DAMAGED) from error
    finally:
        if file is not source:
            file.close()


def _file_of(source: str | os.PathLike[str] | bytes | bytearray | BinaryIO) -> BinaryIO:
    if isinstance(source, bytes | bytearray):
        return io.BytesIO(source)
    if isinstance(source, str | os.PathLike):
        path = Path(source)
        name = path.name[:80]
        try:
            if path.is_file():
                return path.open("rb")
        except (OSError, ValueError) as error:  # ValueError: a NUL in the name
            raise ImageError(f"{name!r} cannot be opened. Check the path and its permissions.") from error
        raise ImageError(f"There is no file {name!r}. Check the path.")
    if hasattr(source, "read") and hasattr(source, "seek"):
        return source
    raise ImageError(f"A {type(source).__name__} is not a picture. Give a path, bytes, a PIL image or an array.")


def _from_pil(image: Image.Image) -> RGB:
    try:
        return Picture(image).pixels()
    except ImageError:
        raise
    except (OSError, SyntaxError, ValueError) as error:
        raise ImageError(_DAMAGED) from error


def _flat(image: Image.Image, colours: Colours) -> RGB:
    """Convert to sRGB, with transparency put on white."""
    if colours.mode == "CMYK":
        return np.asarray(colours.to_srgb(image), dtype=np.uint8)
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    image = image.convert("RGB")
    return np.asarray(colours.to_srgb(image) if colours.mode else image, dtype=np.uint8)


def _eight_bits(gray: NDArray[np.generic]) -> NDArray[np.uint8]:
    """16 or 32 bits per pixel to 8: scaled by the type's usual range, not stretched to the contents."""
    low, high = gray.min(), gray.max()
    if not low >= 0 or not np.isfinite(high):  # also catches NaN
        raise ImageError("The picture has negative or undefined pixel values. Export it as an 8-bit picture.")
    if high > 65535:
        raise ImageError("The picture has more than 16 bits a pixel. Export it as an 8-bit picture.")
    # Floating-point pictures usually range up to 1; values up to 255 are 8 bits in a wider type.
    scale = 255 if gray.dtype.kind == "f" and high <= 1 else 1 if high <= 255 and gray.itemsize > 2 else 1 / 257
    eight = np.empty(gray.shape, np.uint8)
    for row, values in zip(eight, gray, strict=True):  # row by row, to avoid a wide copy of a large picture
        row[:] = np.round(values.astype(np.float32) * scale)
    return eight


def _from_array(array: NDArray[np.generic]) -> RGB:
    if array.dtype != np.uint8:
        raise ImageError(f"The array is {array.dtype}; give uint8 values from 0 to 255 (.astype('uint8')).")
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise ImageError(f"The array has shape {array.shape}; give (H, W), (H, W, 1), (H, W, 3) or (H, W, 4).")
    _check_size(array.shape[1], array.shape[0])
    if array.shape[2] == 4:
        return _from_pil(Image.fromarray(array))
    return np.ascontiguousarray(np.broadcast_to(array, (*array.shape[:2], 3)), dtype=np.uint8)


def _check_size(width: int, height: int) -> None:
    if width * height > MAX_PIXELS:
        raise ImageLimitError(
            f"The picture is {width}x{height}, over {MAX_PIXELS // 10**6} megapixels. Send a smaller copy.",
            *("max_pixels", width * height, MAX_PIXELS),
        )
    if min(width, height) < MIN_SIDE:
        raise ImageLimitError(
            f"The picture is {width}x{height}; each side needs at least {MIN_SIDE} pixels.",
            *("min_side", min(width, height), MIN_SIDE),
        )
