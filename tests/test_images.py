"""Every kind of picture becomes upright RGB; everything else is refused with advice."""

import io
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from emotion_core import EmotionRecognizer, ImageError, ImageLimitError, load_image
from emotion_core.images import MAX_PIXELS, opened
from emotion_core.picture_notes import notes_of


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


@pytest.fixture
def picture() -> Image.Image:
    """A picture of 40x24, left half red, right half blue."""
    pixels = np.zeros((24, 40, 3), np.uint8)
    pixels[:, :20, 0] = 255
    pixels[:, 20:, 2] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF", "MPO"])
def test_formats(picture: Image.Image, kind: str) -> None:
    rgb = load_image(encoded(picture, kind))
    assert rgb.shape == (24, 40, 3)
    assert rgb.dtype == np.uint8
    assert rgb[12, 5, 0] > 200 > 60 > rgb[12, 5, 2]
    assert rgb[12, 35, 2] > 200 > 60 > rgb[12, 35, 0]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "AVIF", "HEIF", "MPO"])
def test_opening_decodes_nothing(picture: Image.Image, kind: str) -> None:
    """Sizes and costs are checked before the pixels are decoded."""
    with opened(encoded(picture, kind)) as found:
        assert (found.width, found.height) == picture.size
        assert found._image._im is None


def chunk(kind: bytes, content: bytes) -> bytes:
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def exif_of(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif.tobytes()[6:]


_XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
_RAW = b"\nexif\n" + b"%8d\n" % (len(exif_of(6)) + 6) + (b"Exif\0\0" + exif_of(6)).hex().encode()


@pytest.mark.parametrize(
    "late",
    [
        chunk(b"eXIf", exif_of(6)),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + _XMP),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(_XMP)),
        chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(_RAW)),
        chunk(b"tEXt", b"Raw profile type exif\0" + _RAW),
    ],
)
def test_a_png_is_turned_by_what_stands_behind_its_pixels(picture: Image.Image, late: bytes) -> None:
    """ImageMagick writes it there; the pixels are not decoded to find it, and decode afterwards."""
    plain = encoded(picture, "PNG")
    turned = plain[:-12] + late + plain[-12:]
    with opened(turned) as found:
        assert (found.width, found.height) == picture.size[::-1]
        assert found._image._im is None
    np.testing.assert_array_equal(load_image(turned), np.rot90(np.asarray(picture), -1))


@pytest.mark.parametrize(
    "late",
    [
        chunk(b"zTXt", b"Raw profile type exif\0\0no zlib"),
        chunk(b"tEXt", b"Raw profile type exif\0\n\n\nno hexadecimal"),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0\xff\xff"),
        chunk(b"iTXt", b"XML:com.adobe.xmp"),
        b"\0",
    ],
)
def test_broken_notes_behind_a_pngs_pixels_turn_nothing(picture: Image.Image, late: bytes) -> None:
    plain = encoded(picture, "PNG")
    with opened(plain[:-12] + late) as found:
        assert (found.width, found.height) == picture.size
        np.testing.assert_array_equal(found.pixels(), np.asarray(picture))


def test_sources_agree(picture: Image.Image, tmp_path: Path) -> None:
    content = encoded(picture, "PNG")
    path = tmp_path / "picture.png"
    path.write_bytes(content)
    wanted = np.asarray(picture)
    for source in (path, str(path), content, bytearray(content), io.BytesIO(content), picture, wanted):
        assert np.array_equal(load_image(source), wanted)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_rotation(picture: Image.Image, orientation: int) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    rgb = load_image(encoded(picture, "PNG", exif=exif))
    assert rgb.shape == ((24, 40, 3) if orientation < 5 else (40, 24, 3))
    # Where the camera's left edge (red) is once the picture is upright.
    red = {1: "left", 2: "right", 3: "right", 4: "left", 5: "top", 6: "top", 7: "bottom", 8: "bottom"}[orientation]
    y, x = {"left": (12, 3), "right": (12, -3), "top": (3, 12), "bottom": (-3, 12)}[red]
    assert rgb[y, x].tolist() == [255, 0, 0]


@pytest.mark.parametrize("mode", ["L", "P", "LA", "RGBA", "1", "CMYK"])
def test_modes(picture: Image.Image, mode: str) -> None:
    rgb = load_image(encoded(picture.convert(mode), "TIFF" if mode == "CMYK" else "PNG"))
    assert rgb.shape == (24, 40, 3)


@pytest.mark.parametrize("mode", ["YCbCr", "HSV", "CMYK", "RGBa"])
def test_modes_in_memory(picture: Image.Image, mode: str) -> None:
    converted = picture.convert("RGBA").convert(mode) if mode == "RGBa" else picture.convert(mode)
    assert np.abs(load_image(converted).astype(int) - np.asarray(picture)).max() <= 3


def test_transparency_becomes_white() -> None:
    clear = Image.new("RGBA", (20, 20), (255, 0, 0, 0))
    assert (load_image(encoded(clear, "PNG")) == 255).all()
    palette = Image.new("P", (20, 20), 0)
    assert (load_image(encoded(palette, "PNG", transparency=0)) == 255).all()


def test_16_bit_gray_keeps_its_levels() -> None:
    ramp = np.linspace(0, 65535, 400).astype(np.uint16).reshape(20, 20)
    for kind in ("PNG", "TIFF"):
        rgb = load_image(encoded(Image.fromarray(ramp), kind))
        assert np.abs(rgb[..., 0].astype(int) - np.round(ramp / 257.0)).max() <= 1


def test_float_tiff() -> None:
    rgb = load_image(encoded(Image.fromarray(np.full((20, 20), 0.5, np.float32)), "TIFF"))
    assert abs(int(rgb[0, 0, 0]) - 128) <= 1


def test_first_frame_of_an_animation() -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    rgb = load_image(encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]))
    assert rgb[0, 0].tolist() == [255, 0, 0]


@pytest.mark.parametrize("shape", [(20, 30), (20, 30, 1), (20, 30, 3), (20, 30, 4)])
def test_arrays(shape: tuple[int, ...]) -> None:
    assert load_image(np.full(shape, 255, np.uint8)).shape == (20, 30, 3)


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (b"", "empty"),
        (b"hello, I am no picture", "not a picture"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", "not a picture"),
        (Path("no/such/file.png"), "no file 'file.png'"),
        (Path(), "no file"),
        ("data:image/png;base64," + "A" * 5000, "cannot be opened"),
        ("nul\0byte.png", "no file|cannot be opened"),
        (np.full((20, 20), -5, np.int32), "uint8"),
        (Image.fromarray(np.full((20, 20), -5, np.int32)), "negative"),
        (Image.fromarray(np.full((20, 20), np.nan, np.float32)), "undefined"),
        (Image.fromarray(np.full((20, 20), 70000, np.int32)), "more than 16 bits"),
        (3.14, "not a picture"),
        (None, "not a picture"),
        (np.zeros((20, 20, 3), np.float32), "uint8"),
        (np.zeros((20, 20, 2), np.uint8), "shape"),
        (np.zeros(20, np.uint8), "shape"),
        (np.zeros((15, 20, 3), np.uint8), "at least 16"),
        (Image.new("RGB", (400, 10)), "at least 16"),
    ],
)
def test_refused(source: object, says: str) -> None:
    with pytest.raises(ImageError, match=says):
        load_image(source)  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "GIF"])
@pytest.mark.parametrize("share", [0.3, 0.7, 0.95])
def test_truncated(astronaut: np.ndarray, kind: str, share: float) -> None:
    whole = encoded(Image.fromarray(astronaut), kind)
    with pytest.raises(ImageError):
        load_image(whole[: int(len(whole) * share)])


@pytest.mark.parametrize("side", [7_200, 20_000])
def test_too_many_pixels_is_decided_from_the_header(side: int) -> None:
    """A picture without any pixel data; the larger one is already refused by Pillow."""
    header = encoded(Image.new("1", (20, 20)), "PNG")
    ihdr = header[:16] + side.to_bytes(4, "big") * 2 + header[24:29]
    huge = ihdr + zlib.crc32(ihdr[12:29]).to_bytes(4, "big") + header[33:]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        with pytest.raises(ImageLimitError, match="megapixels") as refused:
            load_image(huge)
    error = refused.value
    assert (error.limit_name, error.measured, error.limit) == ("max_pixels", side**2 if side < 9_000 else 0, MAX_PIXELS)


def test_a_limit_error_knows_its_limit() -> None:
    with pytest.raises(ImageLimitError) as refused:
        load_image(np.zeros((15, 20, 3), np.uint8))
    assert (refused.value.limit_name, refused.value.measured, refused.value.limit) == ("min_side", 15, 16)


def test_an_error_is_also_the_built_in_one() -> None:
    with pytest.raises(ValueError, match="empty"):
        load_image(b"")


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (b"\xff\x0a" + bytes(40), "a JPEG XL file.* export it as JPEG"),
        (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL file"),
        (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 file"),
        (b"%PDF-1.7", "a PDF file"),
        (b"8BPS\x00\x01", "a Photoshop file"),
        (b"\x00\x00\x01\x00\x01\x00", "a Windows icon file"),
        (b"\x00\x00\x00\x18ftypcrx ", "a raw camera file"),
        (b"\x00\x00\x00\x18ftypisom", "an MP4 or QuickTime video, not a picture"),
        (b"\x1aE\xdf\xa3", "a WebM or Matroska video"),
        (b"RIFF\x00\x00\x00\x00AVI LIST", "an AVI video"),
        (b"PK\x03\x04", "a zip file"),
        (b"\n <svg xmlns='http://www.w3.org/2000/svg'/>", "an SVG file"),
        (b"<!DOCTYPE html><html>", "a web page file"),
    ],
)
def test_what_cannot_be_read_is_named(head: bytes, says: str) -> None:
    with pytest.raises(ImageError, match=says):
        load_image(head)


def test_a_phones_50_megapixels_pass() -> None:
    for size in ((8160, 6144), (8192, 6144)):
        assert load_image(encoded(Image.new("L", size, 99), "JPEG")).shape == (size[1], size[0], 3)


def test_a_missing_end_is_noted(astronaut: np.ndarray, recognizer: EmotionRecognizer) -> None:
    """A missing end of two or ten bytes is noted, though the picture is nearly intact."""
    whole = encoded(Image.fromarray(astronaut), "JPEG", quality=90)
    assert notes_of(load_image(whole)) == ()
    for missing in (2, 10):
        cut = load_image(whole[:-missing])
        assert "very end of the file is missing" in notes_of(cut)[0]
        assert np.abs(cut.astype(int) - load_image(whole)).mean() < 0.1
    result = recognizer.analyze(whole[:-2])
    assert len(result.predictions) == 1
    assert result.to_dict()["notes"] == list(notes_of(cut))


def test_colour_profiles_become_srgb() -> None:
    """A profile whose red and green are swapped: what it calls red is sRGB's green."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    profile = bytearray(bytes(profile).replace("sRGB".encode("utf-16-be"), "Ours".encode("utf-16-be")))
    picture = Image.new("RGB", (40, 24), (230, 20, 20))
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF", "HEIF"):
        rgb = load_image(encoded(picture, kind, icc_profile=bytes(profile)))
        assert rgb[12, 20, 1] > 180 > 80 > rgb[12, 20, 0], kind
    clear = Image.new("RGBA", (40, 24), (230, 20, 20, 0))
    assert (load_image(encoded(clear, "PNG", icc_profile=bytes(profile))) == 255).all()
    broken = load_image(encoded(picture, "PNG", icc_profile=b"no profile"))
    assert broken[12, 20].tolist() == [230, 20, 20]
