"""Notes in a picture that unpack to much: TIFF's directories, which EXIF data are, too, name the place of each value.

Thousands of entries may all name the same place. Pillow reads each of them: 300 kB of EXIF data took two gigabytes,
and it does so while it opens a JPEG or TIFF file, before anything about the picture can be asked.
"""

import io
import struct
from collections.abc import Iterator
from typing import BinaryIO, Final, Literal

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from .errors import ImageLimitError

#: Of EXIF data in a JPEG file: one segment, and more than any camera writes in several.
_MOST_EXIF: Final = 1 << 20
#: Segments before a JPEG's first scan; depth maps and profiles lie in some hundreds.
_MOST_SEGMENTS: Final = 5000
#: Bytes between such segments that belong to none, with two of each segment's.
_MOST_BETWEEN: Final = 1 << 16
_MOST_ENTRIES: Final = 0xFFFF
#: Bytes that a directory's entries may name, or twice what there is: broken notes of a real photo name some, too.
_MOST_NAMED: Final = 32 << 20
#: Bytes of all numbers among them: Pillow makes an object of each, of up to forty times the size. The places of a
#: picture's tiles of 16x16 pixels are three million.
_MOST_NUMBERS: Final = 4 << 20
#: Types that stay bytes: BYTE, ASCII and UNDEFINED.
_NO_NUMBERS: Final = (1, 2, 7)
#: Bytes of a value by its type's number, as in Pillow.
_UNITS: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8}
_EXIF: Final = b"Exif\0\0"
_SEVERAL: Final = b"MPF\0"
#: How TIFF files begin, as Pillow takes them.
_TIFF: Final = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+", b"MM*\0", b"II\0*")
_START_OF_SCAN, _END = 0xDA, 0xD9


def check_before_opening(file: BinaryIO) -> None:
    """Check what Pillow reads as it opens a JPEG or TIFF picture; the position in ``file`` is restored.

    Raises ImageLimitError for notes that are no photo's: entries that together name several times the file.
    """
    place = file.tell()
    head = file.read(4)
    file.seek(place)
    if head.startswith(b"\xff\xd8\xff"):
        _check_segments(file)
    elif head in _TIFF:
        check_directory(file)
    file.seek(place)


def _check_segments(file: BinaryIO) -> None:
    exif = bytearray()
    for content in segments(file, b"\xe1\xe2"):
        if content.startswith(_EXIF):  # Pillow joins them
            exif += content[len(_EXIF) :] if exif else content
        elif content.startswith(_SEVERAL):
            check_directory(io.BytesIO(content[len(_SEVERAL) :]))
        if len(exif) > _MOST_EXIF:
            raise _too_much(len(exif), _MOST_EXIF)
    check_exif(bytes(exif))


def segments(file: BinaryIO, marked: bytes) -> Iterator[bytes]:
    """The content of a JPEG file's segments before its first scan that have these markers, and b"" for each other one.

    Ends at what is no segment. Raises ImageLimitError when there are very many.
    """
    file.seek(2, 1)
    between = 0
    for _ in range(_MOST_SEGMENTS):
        byte, marks = file.read(1), False
        while byte and not (marks and byte != b"\xff"):  # Pillow passes over what is no marker, byte by byte
            marks, byte = byte == b"\xff", file.read(1)
            between += 1
            if between > _MOST_BETWEEN:
                raise _too_much(between, _MOST_BETWEEN)
        if not byte or byte[0] in (_START_OF_SCAN, _END):
            return
        if byte[0] in (0, 1) or 0xD0 <= byte[0] <= 0xD8:  # they have no length
            continue
        size = max(int.from_bytes(file.read(2), "big") - 2, 0)
        if byte in marked:
            yield file.read(size)
        else:
            file.seek(size, 1)
            yield b""
    raise _too_much(_MOST_SEGMENTS, _MOST_SEGMENTS)


def notes_length(jpeg: bytes) -> int:
    """The bytes of a JPEG before its first scan: tables and notes. Raises ImageLimitError as ``segments``."""
    file = io.BytesIO(jpeg)
    for _ in segments(file, b""):
        pass
    return file.tell()


def check_exif(exif: bytes) -> None:
    """Check EXIF data, with or without its mark. Raises ImageLimitError as above."""
    if exif.startswith(_EXIF * 2):  # Pillow takes off one after the other, and copies the rest each time
        raise _too_much(len(exif), len(_EXIF))
    check_directory(io.BytesIO(exif.removeprefix(_EXIF)))


def check_directory(file: BinaryIO) -> None:
    """Check the first directory of a TIFF file, or of EXIF data. Raises ImageLimitError as above."""
    length = file.seek(0, 2)
    file.seek(0)
    head = file.read(16)
    large = head[2:3] == b"+"
    try:
        directory = ImageFileDirectory_v2(head if large else head[:8])
    except (SyntaxError, struct.error, IndexError):  # it is none, which Pillow says itself
        return
    order: Literal["little", "big"] = "little" if head.startswith(b"II") else "big"
    long, most = 8 if large else 4, max(2 * length, _MOST_NAMED)
    file.seek(min(directory.next, length))
    count = int.from_bytes(file.read(8 if large else 2), order)
    if count > _MOST_ENTRIES:
        raise _too_much(count, _MOST_ENTRIES)
    named, numbers, width = 0, 0, 4 + 2 * long
    entries = file.read(count * width)
    for at in range(0, len(entries) - width + 1, width):
        kind = int.from_bytes(entries[at + 2 : at + 4], order)
        size = _UNITS.get(kind, 0) * int.from_bytes(entries[at + 4 : at + 4 + long], order)
        named += min(size, length) if size > long else 0
        numbers += min(size, length) if kind not in _NO_NUMBERS else 0
    if named > most or numbers > _MOST_NUMBERS:
        raise _too_much(*((named, most) if named > most else (numbers, _MOST_NUMBERS)))


def _too_much(measured: int, most: int) -> ImageLimitError:
    return ImageLimitError(
        "The notes in the picture's file, such as EXIF, unpack to far more than a photo's. Export it without them.",
        *("max_notes", measured, most),
    )
