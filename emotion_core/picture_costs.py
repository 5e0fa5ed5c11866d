"""Estimates the cost of decoding a picture in advance: its size in the header says little about the work.

A TIFF of 100x100 pixels may be stored in one tile of two billion pixels; a JPEG of 100 kB may draw the same
picture four hundred times.
"""

import re
from dataclasses import dataclass
from typing import BinaryIO, Final

from PIL import Image, TiffImagePlugin

from .errors import ImageLimitError

#: Memory for one picture, in bytes: its decoder's plus the decoded pixels.
MAX_MEMORY: Final = 400_000_000
#: Limit on pixels times scans of a JPEG of several, as progressive ones are: a few seconds of work.
MAX_SCANNED_PIXELS: Final = 400_000_000
MAX_SCANS: Final = 64
#: Bytes per pixel while decoding. Pillow stores most pictures in four bytes per pixel; WebP's decoder also
#: keeps two canvases, and AVIF's and HEIF's the planes of a frame.
_BYTES_A_PIXEL: Final = {"WEBP": 16, "AVIF": 12, "HEIF": 12, "TIFF": 8}
_USUAL_BYTES: Final = 4
#: A JPEG of several scans is held as two-byte coefficients of up to three full planes until complete.
_SEVERAL_SCANS_BYTES: Final = _USUAL_BYTES + 6
#: Approximate time per pixel relative to JPEG; each scan of a JPEG counts as one.
_TIMES: Final = {"WEBP": 2, "AVIF": 4, "HEIF": 4, "PNG": 2}
#: The result is RGB, one byte per channel.
_RESULT_BYTES: Final = 3
#: Tiles may be larger than the picture, but only up to this side or twice the picture.
_USUAL_TILE: Final = 1024
#: Ends the coded data of a scan: a marker other than stuffing (00), restart (D0 to D7) or fill (FF). 01 has no length.
_MARKER: Final = re.compile(rb"\xff[^\x00\x01\xd0-\xd7\xff]")
#: MPO is a JPEG with others behind it.
_JPEGS: Final = ("JPEG", "MPO")
_JPEGS_IN_TIFF: Final = ("jpeg", "tiff_jpeg")
_START_OF_SCAN, _END = 0xDA, 0xD9


@dataclass(frozen=True, slots=True)
class Cost:
    """Memory in bytes for the decoder and for the result. work: time, in pixels of a baseline JPEG."""

    decoder: int
    result: int
    work: int = 0

    @property
    def memory(self) -> int:
        """Total bytes."""
        return self.decoder + self.result


def cost_of(image: Image.Image, file: BinaryIO) -> Cost:
    """The cost of decoding an opened picture; the position in ``file`` is restored.

    Raises ImageLimitError if it is more than any legitimate picture needs.
    """
    pixels = image.width * image.height
    each, times = _BYTES_A_PIXEL.get(image.format or "", _USUAL_BYTES), _TIMES.get(image.format or "", 1)
    if (scans := _scans_of(image, file)) > 1 or image.info.get("progressive"):
        if scans > MAX_SCANS or scans * pixels > MAX_SCANNED_PIXELS:
            raise ImageLimitError(
                f"This JPEG has {scans} scans, which would take too long. Save it as a usual baseline JPEG.",
                *("max_scans", scans, min(MAX_SCANS, MAX_SCANNED_PIXELS // pixels)),
            )
        each, times = _SEVERAL_SCANS_BYTES, max(1, scans)
    if isinstance(image, TiffImagePlugin.TiffImageFile):
        _check_tiles(image)
    cost = Cost(pixels * each, pixels * _RESULT_BYTES, pixels * times)
    if cost.memory > MAX_MEMORY:
        raise ImageLimitError(
            f"The picture is {image.width}x{image.height}, which takes too much memory as {image.format}. "
            "Send a smaller copy, or a baseline JPEG.",
            *("max_memory", cost.memory, MAX_MEMORY),
        )
    return cost


def _scans_of(image: Image.Image, file: BinaryIO) -> int:
    """How often a JPEG draws the picture. The decoder takes a baseline one of many scans, too, if no camera writes it.

    In a TIFF file, on average over its tiles or strips.
    """
    if image.format in _JPEGS:
        return count_scans(file)
    if isinstance(image, TiffImagePlugin.TiffImageFile) and image.info.get("compression") in _JPEGS_IN_TIFF:
        place = file.tell()
        file.seek(0)
        scans = file.read().count(bytes((0xFF, _START_OF_SCAN)))
        file.seek(place)
        tags = image.tag_v2
        pieces = tags.get(TiffImagePlugin.TILEOFFSETS) or tags.get(TiffImagePlugin.STRIPOFFSETS) or (0,)
        return -(-scans // len(pieces))
    return 1


def count_scans(file: BinaryIO) -> int:
    """The number of scans in a JPEG, each of which draws all or part of the picture."""
    place = file.tell()
    file.seek(0)
    data = file.read()
    file.seek(place)
    scans, at = 0, 2
    while (found := _MARKER.search(data, at)) is not None:
        marker, at = data[found.end() - 1], found.end()
        if marker == _END:
            break
        scans += marker == _START_OF_SCAN
        at += int.from_bytes(data[at : at + 2], "big")  # a segment's length includes its own two bytes
    return scans


def _check_tiles(image: TiffImagePlugin.TiffImageFile) -> None:
    for tag, side in ((TiffImagePlugin.TILEWIDTH, image.width), (TiffImagePlugin.TILELENGTH, image.height)):
        tile = image.tag_v2.get(tag)
        if isinstance(tile, int) and tile > (most := max(2 * side, _USUAL_TILE)):
            raise ImageLimitError(
                f"The picture is {image.width}x{image.height}, but lies in tiles of {tile} pixels. Export it again.",
                *("max_tile", tile, most),
            )
