"""Headers that understate the work: the cost is computed before anything is decoded."""

import io
import time
import tracemalloc

import numpy as np
import pytest
from PIL import Image, ImageOps

from emotion_core import ImageError, ImageLimitError
from emotion_core.images import RGB, load_image, opened
from emotion_core.picture_costs import MAX_MEMORY, count_scans
from support.hostile_pictures import large_canvas, large_tiles, lying_avif, many_scans, saved


class TestScans:
    def test_a_usual_picture_has_ten(self, astronaut: RGB) -> None:
        for progressive, scans in ((True, 10), (False, 1)):
            data = saved(Image.fromarray(astronaut), "JPEG", progressive=progressive)
            assert count_scans(io.BytesIO(data)) == scans
            assert load_image(data).shape == astronaut.shape

    def test_hundreds_are_refused_at_once(self) -> None:
        """126 kB that would take 22 seconds to decode."""
        picture = many_scans(400)
        assert count_scans(io.BytesIO(picture)) == 400
        start = time.monotonic()
        with pytest.raises(ImageLimitError, match="400 scans") as refused:
            load_image(picture)
        assert (refused.value.limit_name, refused.value.measured, refused.value.limit) == ("max_scans", 400, 64)
        assert time.monotonic() - start < 1

    def test_a_scan_in_the_thumbnail_is_none(self) -> None:
        """EXIF's thumbnail is a JPEG within the JPEG: its markers are not the picture's."""
        exif = Image.Exif()
        exif[0x010E] = "\xff\xda" * 300
        data = saved(Image.new("RGB", (64, 64)), "JPEG", progressive=True, exif=exif, comment=b"\xff\xda" * 300)
        assert count_scans(io.BytesIO(data)) == 10

    @pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"\xff\xd8\xff\xda", b"\xff\xd8\xff\xe0\0\0\xff\xda\0\0"])
    def test_the_count_ends(self, data: bytes) -> None:
        assert count_scans(io.BytesIO(data)) <= 1


class TestMemory:
    @pytest.mark.parametrize("tile", [45_056, 4_096])
    def test_tiles_beyond_the_picture(self, tile: int) -> None:
        """Four gigabytes for 100x100 pixels."""
        tracemalloc.start()
        with pytest.raises(ImageError, match=f"tiles of {tile} pixels"):
            load_image(large_tiles(100, tile))
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
        tracemalloc.stop()

    def test_a_tile_may_be_larger_than_a_small_picture(self) -> None:
        with pytest.raises(ImageError, match="damaged"):  # this one has no data
            load_image(large_tiles(100, 256))

    def test_formats_that_need_more(self) -> None:
        for kind, data in (("WEBP", large_canvas(4_700)), ("AVIF", lying_avif(64, 6_500))):
            with pytest.raises(ImageError, match=f"too much memory as {kind}.*baseline JPEG"):
                load_image(data)

    def test_what_is_let_in_stays_under_the_limit(self) -> None:
        for kind in ("PNG", "WEBP", "JPEG"):
            with opened(large_canvas(2_000, kind)) as picture:
                assert 4_000_000 * 7 <= picture.cost.memory < MAX_MEMORY


@pytest.mark.parametrize("kind", ["JPEG", "TIFF", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_turned_strip_by_strip_as_at_once(astronaut: RGB, kind: str, orientation: int) -> None:
    """Rotating a few rows at a time gives the same picture as Pillow on the whole, for all eight orientations."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(Image.fromarray(astronaut[:300, :421]), kind, exif=exif)
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        wanted = np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    with opened(data) as picture:
        assert (picture.height, picture.width) == wanted.shape[:2]
        assert np.array_equal(picture.pixels(), wanted)
