"""The supported picture formats, and names of others, so that an error can say what the file is."""

from typing import Final

import pillow_heif

#: Supported formats. Those that run an interpreter (EPS) or contain other formats (ICNS) are excluded;
#: multi-picture files (MPO) open as the JPEG they start with, and HEIF is what phones call HEIC.
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "TIFF", "BMP", "AVIF", "HEIF")
#: Their file name endings, for when only names can be checked: among millions of files, and in mixed folders.
ENDINGS: Final = frozenset(
    (".jpg", ".jpeg", ".jpe", ".jfif", ".jif", ".jfi", ".mpo", ".png", ".apng", ".webp", ".gif", ".tif")
) | {".tiff", ".bmp", ".dib", ".avif", ".heic", ".heif", ".hif"}
HELP: Final = "Use a JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF or BMP picture."
#: How many bytes of a file are needed to identify it.
HEAD: Final = 64
#: Offset in the file, signature bytes, and name of the format.
_KINDS: Final = (
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
    (0, b"%PDF", "PDF"),
    (0, b"%!PS", "PostScript"),
    (0, b"8BPS", "Photoshop"),
    (0, b"gimp xcf", "GIMP"),
    (0, b"\x00\x00\x01\x00", "Windows icon"),
    (0, b"icns", "Apple icon"),
    (0, b"FUJIFILMCCD-RAW", "raw camera"),
    (8, b"CR\x02\x00", "raw camera"),
    (4, b"ftypcrx ", "raw camera"),
    (0, b"IIRO", "raw camera"),
    (0, b"IIU\x00", "raw camera"),
    (0, b"v/1\x01", "OpenEXR"),
    (0, b"#?RADIANCE", "Radiance HDR"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"\x1aE\xdf\xa3", "WebM or Matroska video"),
    (8, b"AVI ", "AVI video"),
    (4, b"ftyp", "MP4 or QuickTime video"),
)
#: Text formats, which may start with blanks.
_TEXTS: Final = ((b"<svg", "SVG"), (b"<?xml", "SVG or XML"), (b"<!doctype html", "web page"), (b"<html", "web page"))

pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)


def refusal(head: bytes) -> str:
    """The error message for a file in none of ``FORMATS``. head: its first ``HEAD`` bytes."""
    kind = next((name for place, mark, name in _KINDS if head[place : place + len(mark)] == mark), "")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    kind = kind or next((name for mark, name in _TEXTS if text.startswith(mark)), "")
    if kind.endswith("video"):
        return f"This is {_article(kind)} {kind}, not a picture. Send it to the video analysis."
    if kind:
        return f"This is {_article(kind)} {kind} file, not a picture that can be read: export it as JPEG. {HELP}"
    return f"This is not a picture that can be read. {HELP}"


def _article(kind: str) -> str:
    return "an" if kind[0] in "AO" or kind.startswith(("MP4", "SVG")) else "a"
