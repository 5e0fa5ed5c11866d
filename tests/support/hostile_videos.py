"""Videos whose tables tell of far more than the file holds, generated here."""

import struct


def many_samples(samples: int, tracks: int = 1) -> bytes:
    """An MP4 of 1.6 kB whose one track has so many samples of a byte, in one chunk; with 440 bytes for each more.

    To open one with a thousand tracks takes FFmpeg nine seconds.
    """
    matrix = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    movie = struct.pack(">4IIH", 0, 0, 1000, 1000, 0x10000, 0x100) + bytes(10) + matrix + bytes(24) + b"\0\0\0\2"
    track = struct.pack(">6I", 7, 0, 0, 1, 0, 1000) + bytes(16) + matrix + struct.pack(">II", 64 << 16, 64 << 16)
    sizes = struct.pack(">HHIIIH", 64, 64, 0x480000, 0x480000, 0, 1) + bytes(32) + struct.pack(">Hh", 24, -1)
    tables = b"".join(
        (
            _box(b"stsd", 0, 1, _box(b"mjpg", bytes(6), b"\0\1", bytes(16), sizes)),
            _box(b"stts", 0, 1, samples, 1),
            _box(b"stsc", 0, 1, 1, samples, 1),
            _box(b"stsz", 0, 1, samples),
            _box(b"stco", 0, 1, 40),
        )
    )
    data = _box(b"dinf", _box(b"dref", 0, 1, _box(b"url ", 1)))
    media = _box(b"minf", _box(b"vmhd", 0, 0, 0), data, _box(b"stbl", tables))
    header = _box(b"mdhd", 0, 0, 0, 1000, 1000, 0)
    whole = _box(b"mdia", header, _box(b"hdlr", 0, 0, b"vide", bytes(13)), media)
    moov = _box(b"moov", _box(b"mvhd", 0, movie), _box(b"trak", _box(b"tkhd", track), whole) * tracks)
    return _box(b"ftyp", b"isom\0\0\2\0isom") + _box(b"mdat", bytes(1000)) + moov


def _box(kind: bytes, *content: bytes | int) -> bytes:
    """A box of bytes and 32-bit numbers."""
    inside = b"".join(struct.pack(">I", part) if isinstance(part, int) else part for part in content)
    return struct.pack(">I", len(inside) + 8) + kind + inside
