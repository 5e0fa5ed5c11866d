"""Pictures whose headers understate the work they cause: small, valid enough to be opened, and generated here."""

import base64
import io
import struct
import zlib

from PIL import Image

#: An AVIF of 12000x9000 gray pixels in 1.3 kB, as Pillow saves it with speed 10, which takes ten seconds; its container
#: claims 64x48. Zlib, then base 85.
_LARGE_FRAME = (
    "c-muNV30{GsVqn=%S>Yc0uY^>nP!-qnF!*)%uOvxWPkw0jFg-rD4U@mGr5ET4e%9YmgIt2j6f`xnUkLk;<$kLj1W;qUIqphT_9T{"
    "Gczv@u2u@jNo9ia63Yw>o%3_@!FFY278Df#Y0u1p<a{74l384k3boGxhz%h2R%C)Ta{vjR#4<zYMtK>KfN*ktPElTRP6g0hUIw-X"
    "ppbZGK`zWkKxeTqGBvXR-DH}Zl2{_dz{M^9J@0<c++|EsybeaQIfPk`r803o5n?bue=gX2+1a)18FNGA4&N7vPq2Dg%{k|h%$@_g"
    "x{96&T}b#-Rg>HBgPT*dPQ32a<6J-WiO&vbTnrd=8by8m-lgRI_FS$$TmFc1`oAM0yQVD;%nRS-FzUzQ;l~KFZ1gzL5Utv^AZ5Co"
    "D{r6XJ*FSs5vI={?f6xCLC|>CLhese_Ztj`qRC{1;=HQo8f_J)_9Q=z>D7PeeE84wYs{yPyK?eJDy5Z7+unQg;B5dyBRMJ"
)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def many_scans(scans: int, width: int = 2000, height: int = 1500) -> bytes:
    """A progressive JPEG that repeats its last scan: about 100 bytes each."""
    base = saved(Image.new("RGB", (width, height), (90, 120, 60)), "JPEG", progressive=True)
    last = base.rindex(b"\xff\xda")
    return base[:last] + base[last:-2] * (scans - 9) + base[-2:]


def slow_notes(notes: int, side: int = 64) -> bytes:
    """A PNG of side x side pixels, and behind them so many profiles of a kB, each of which takes a ms or two."""
    content = b"a\0\0" + zlib.compress(bytes(1_000_000), 9)
    chunk = b"iCCP" + content
    profile = struct.pack(">I", len(content)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    picture = saved(Image.new("RGB", (side, side)), "PNG")
    return picture[:-12] + profile * notes + picture[-12:]


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


def large_frame() -> bytes:
    """An AVIF whose container claims 64x48 while its frame has 12000x9000: 160 MB for whoever decodes it."""
    return zlib.decompress(base64.b85decode(_LARGE_FRAME))


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


def exif_bomb(size: int) -> bytes:
    """EXIF data, or a TIFF file, of so many bytes: half of them entries, and each entry names the whole other half."""
    count = min(size // 24, 60_000)
    start = 8 + 2 + 12 * count + 4
    entries = b"".join(struct.pack("<HHII", 1000 + number, 7, size - start, start) for number in range(count))
    return b"II*\0" + struct.pack("<IH", 8, count) + entries + bytes(4) + bytes(size - start)


def with_segments(jpeg: bytes, marker: bytes, *contents: bytes) -> bytes:
    """The JPEG with such segments in place of its first one, which gives a picture its resolution."""
    first = struct.unpack(">H", jpeg[4:6])[0]
    added = b"".join(b"\xff" + marker + struct.pack(">H", len(content) + 2) + content for content in contents)
    return jpeg[:2] + added + jpeg[4 + first :]


def many_places(count: int) -> bytes:
    """A TIFF of 64x64 pixels, in so many pieces as its notes say: two bytes for the place of each."""
    usual = [(256, 4, 64), (257, 4, 64), (258, 3, 8), (259, 3, 1), (262, 3, 1), (277, 3, 1), (278, 4, 1), (279, 4, 64)]
    start = 8 + 2 + 12 * 9 + 4
    tags = sorted([(tag, kind, 1, value) for tag, kind, value in usual] + [(273, 3, count, start)])
    entries = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, 9) + entries + bytes(4) + b"\x34\x12" * count
