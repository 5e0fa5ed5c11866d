"""Pictures whose headers understate the work they cause: small, valid enough to be opened, and generated here."""

import io
import struct
import zlib

from PIL import Image


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def many_scans(scans: int, width: int = 2000, height: int = 1500) -> bytes:
    """A progressive JPEG that repeats its last scan: about 100 bytes each."""
    base = saved(Image.new("RGB", (width, height), (90, 120, 60)), "JPEG", progressive=True)
    last = base.rindex(b"\xff\xda")
    return base[:last] + base[last:-2] * (scans - 9) + base[-2:]


def large_tiles(side: int, tile: int) -> bytes:
    """A TIFF of side x side pixels in one tile of tile x tile, without data."""
    tags = [
        (256, 4, side),  # width
        (257, 4, side),
        (258, 3, 8),  # bits
        (259, 3, 8),  # deflate
        (262, 3, 1),  # black is 0
        (277, 3, 1),  # samples
        (322, 4, tile),
        (323, 4, tile),
        (324, 4, 8),  # the tile's offset
        (325, 4, 8),  # its size in bytes
    ]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return (
        b"II*\0" + struct.pack("<I", 16) + b"\x78\x9c\x63\0\0\0\1\0" + struct.pack("<H", len(tags)) + entries + bytes(4)
    )


def large_canvas(side: int, kind: str = "WEBP") -> bytes:
    """A single-coloured picture in a few hundred bytes."""
    options = {"method": 0} if kind == "WEBP" else {}
    return saved(Image.new("L" if kind == "PNG" else "RGB", (side, side), 40), kind, **options)


def lying_avif(true: int, said: int) -> bytes:
    """An AVIF whose container claims ``said`` pixels per side while its frame has ``true``."""
    return lying("AVIF", true, said)


def lying(kind: str, true: int, said: int) -> bytes:
    """A picture of ``true`` pixels per side whose header claims ``said``; in a GIF the header is the screen's."""
    gray = Image.new("RGB" if kind in ("AVIF", "HEIF") else "L", (true, true), "gray")
    data = saved(gray, kind, **({"speed": 10} if kind == "AVIF" else {}))
    if kind == "PNG":
        header = b"IHDR" + struct.pack(">II", said, said) + data[24:29]
        return data[:12] + header + struct.pack(">I", zlib.crc32(header)) + data[33:]
    # Where sides are, as the format packs them; in a GIF the frame has its own, later.
    packing = {"GIF": "<HH", "JPEG": ">HH", "BMP": "<ii"}.get(kind, ">II")
    before, after = struct.pack(packing, true, true), struct.pack(packing, said, said)
    assert before in data
    return data.replace(before, after, 1)
