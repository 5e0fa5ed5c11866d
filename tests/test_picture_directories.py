"""Notes that unpack to far more than the file: counted before Pillow reads them."""

import io
import struct
import time
import tracemalloc

import pytest
from PIL import Image

from emotion_core import ImageLimitError
from emotion_core.images import load_image, opened
from emotion_core.picture_costs import count_scans
from emotion_core.picture_directories import check_before_opening
from support.hostile_pictures import exif_bomb, many_places, many_scans, saved, with_segments

PICTURE = Image.new("RGB", (64, 48), (9, 99, 200))


def files() -> dict[str, bytes]:
    bomb, jpeg = exif_bomb(700_000), saved(PICTURE, "JPEG")
    parts = [b"Exif\0\0" + bomb[at : at + 65_000] for at in range(0, len(bomb), 65_000)]
    return {
        "a JPEG's EXIF in several segments": with_segments(jpeg, b"\xe1", *parts),
        "a WebP's": saved(PICTURE, "WEBP", exif=b"Exif\0\0" + bomb),
        "its mark again and again": saved(PICTURE, "WEBP", exif=b"Exif\0\0" * 100_000),
        "a TIFF file's own": bomb,
        "a TIFF's millions of pieces": many_places(3_000_000),
        "very many segments": with_segments(jpeg, b"\xfe", *[b""] * 200_000),
        "no segments": jpeg[:2] + b"\xff\xfe\0\2" + b"-" * 900_000 + jpeg[2:],
        "fill bytes": jpeg[:2] + b"\xff" * 900_000 + jpeg[2:],
    }


FILES = files()


@pytest.mark.parametrize("kind", list(FILES))
def test_they_are_refused_before_they_are_read(kind: str) -> None:
    """300 kB of EXIF took two gigabytes, also of the server that read it in a webcam's frame."""
    data = FILES[kind]
    start = time.monotonic()
    with pytest.raises(ImageLimitError, match="without them") as refused:
        load_image(data)
    assert time.monotonic() - start < 2
    tracemalloc.start()
    with pytest.raises(ImageLimitError):
        load_image(data)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert refused.value.limit_name == "max_notes"
    assert most < 8 * len(data) + 1_000_000


def test_the_pieces_of_a_large_picture_are_not() -> None:
    check_before_opening(io.BytesIO(many_places(1_500_000)))


def test_a_photos_notes_are_not() -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x0112] = "x" * 20_000, 6
    jpeg = saved(PICTURE, "JPEG", exif=exif)
    for data in (jpeg, with_segments(jpeg, b"\xe2", *[b"ICC_PROFILE\0" + bytes(60_000)] * 50)):
        assert load_image(data).size == 64 * 48 * 3


def test_a_baseline_jpeg_of_many_scans() -> None:
    """The decoder draws it again and again, though only progressive pictures should need that."""
    jpeg = saved(PICTURE, "JPEG", subsampling=0)
    scan = jpeg.index(b"\xff\xda")
    for component in (b"\1\0", b"\2\x11"):
        header = b"\xff\xda\0\x08\1" + component + b"\0\x3f\0"
        with pytest.raises(ImageLimitError, match="2000 scans"):
            load_image(jpeg[:scan] + header * 2_000 + b"\xff\xd9")


def test_scans_behind_a_marker_without_a_length() -> None:
    """01 is one: what looks like its length are the next scan's first bytes."""
    jpeg = many_scans(60)
    at = jpeg.rindex(b"\xff\xda")
    assert count_scans(io.BytesIO(jpeg[:at] + b"\xff\x01" + jpeg[at:])) == 60


def test_scans_of_a_jpeg_with_others_behind_it() -> None:
    """Pillow calls it MPO, as stereo cameras and some phones write it."""
    jpeg = many_scans(400)
    head = b"MPF\0II*\0" + struct.pack("<IH", 8, 3) + struct.pack("<HHI4s", 0xB000, 7, 4, b"0100")
    entries = struct.pack("<HHIIHHII", 0xB001, 4, 1, 2, 0xB002, 7, 32, 50) + bytes(4)
    listed = struct.pack("<IIIHH", 0x030000, len(jpeg) + 102, 0, 0, 0) + bytes(16)
    with pytest.raises(ImageLimitError, match="400 scans"):
        load_image(with_segments(jpeg, b"\xe2", head + entries + listed))


def test_scans_of_a_jpeg_in_a_tiff() -> None:
    picture = Image.new("RGB", (640, 480), (9, 99, 200))
    usual = saved(picture, "TIFF", compression="jpeg")
    with opened(usual) as found:
        assert found.cost.work == 640 * 480
    with pytest.raises(ImageLimitError, match="scans"):
        load_image(usual + b"\xff\xda" * 10_000)
