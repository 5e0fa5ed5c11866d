"""How a picture of which only the header was read must be turned, by its EXIF or XMP data."""

import contextlib
import zlib
from typing import Any, BinaryIO, Final

from PIL import Image

from .picture_directories import check_exif

#: EXIF's tag.
ORIENTATION: Final = 0x0112
#: A PNG file has less of it, unless it is an attack.
_MOST_CHUNKS, _MOST_BYTES = 10_000, 1 << 20
#: Keys of Pillow's notes, which for texts are the names of their chunks.
_EXIF, _XMP, _RAW = "exif", "XML:com.adobe.xmp", "Raw profile type exif"


def orientation_of(image: Image.Image, file: BinaryIO | None) -> int:
    """The EXIF orientation, 1 to 8; no pixel is decoded. file: what the picture was opened from, None if in memory.

    Raises ImageLimitError for EXIF data that unpack to far more than a photo's.

    Pillow applies the orientation of TIFF pictures itself, and decodes a whole PNG file to look for what stands behind
    the pixels, where ImageMagick writes it: here the chunks' heads are read in its place.
    """
    if image.format == "TIFF":
        return 1
    if image.format == "PNG" and file is not None:
        if not {_EXIF, _RAW, _XMP} & image.info.keys():
            here = file.tell()
            with contextlib.suppress(ValueError, zlib.error):  # broken notes turn nothing
                _read_late_notes(image.info, file)
            file.seek(here)
        _check(image)
        return int(Image.Image.getexif(image).get(ORIENTATION, 1))
    _check(image)
    return int(image.getexif().get(ORIENTATION, 1))


def _check(image: Image.Image) -> None:
    """Check the EXIF data that ``getexif`` reads; ImageLimitError if they unpack to too much."""
    exif, raw = image.info.get(_EXIF), image.info.get(_RAW)
    if exif is None and isinstance(raw, str):
        exif = bytes.fromhex("".join(raw.split("\n")[3:]))
    if isinstance(exif, bytes):
        check_exif(exif)


def _read_late_notes(notes: dict[Any, Any], file: BinaryIO) -> None:
    """Add what Pillow would find of EXIF and XMP data behind the pixels: one of each kind, however many there are."""
    file.seek(8)
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        size, kind = int.from_bytes(head[:4], "big"), head[4:]
        if len(head) < 8 or kind == b"IEND":
            break
        if kind not in (b"eXIf", b"iTXt", b"zTXt", b"tEXt") or size > _MOST_BYTES:
            file.seek(size + 4, 1)
            continue
        content = file.read(size)
        file.seek(4, 1)
        name, _, rest = content.partition(b"\0")
        key = _EXIF if kind == b"eXIf" else name.decode("latin-1")
        if key in notes:
            continue
        if key == _EXIF and kind == b"eXIf":
            notes[_EXIF] = b"Exif\0\0" + content
        elif key == _XMP and kind == b"iTXt":
            packed, text = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]
            notes[_XMP] = (_unpacked(text) if packed else text).decode()
        elif key == _RAW and kind != b"iTXt":
            text = _unpacked(rest[1:]) if kind == b"zTXt" else rest
            bytes.fromhex("".join(text.decode("latin-1").split("\n")[3:]))  # ValueError before Pillow meets it
            notes[_RAW] = text.decode("latin-1")


def _unpacked(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, _MOST_BYTES)
