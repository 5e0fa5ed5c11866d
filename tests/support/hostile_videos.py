"""Videos that tell of far more than they hold, or take far more than their length lets expect, generated here."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image

from .clips import encode


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


def late_samples(clip: Path, samples: int) -> bytes:
    """A fragmented MP4 with one more fragment that tells of so many samples, and an index that is complete.

    FFmpeg reads the tables of the last fragment as it comes to it, not as it opens the file.
    """
    black = [np.zeros((64, 64, 3), np.uint8)] * 10
    whole = encode(clip, black, options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}).read_bytes()
    head, fragments, at = b"", b"", 0
    while at < len(whole):
        length, kind = struct.unpack(">I4s", whole[at : at + 8])
        if kind in (b"ftyp", b"moov"):
            head += whole[at : at + length]
        elif kind in (b"moof", b"mdat"):
            fragments += whole[at : at + length]
        at += length
    start = _box(b"tfhd", 0x020038, 1, 512, 0, 0x01010000) + _box(b"tfdt", 0x01000000, 0, 10 * 512)
    track = _box(b"traf", start, _box(b"trun", 1, samples, 200))
    last = _box(b"moof", _box(b"mfhd", 0, 2), track) + _box(b"mdat", bytes(1000))
    parts = (len(fragments), 5120, 0x90000000, len(last), 5120, 0x90000000)
    return head + _box(b"sidx", 0, 1, 12800, 0, 0, 2, *parts) + fragments + last


def laced(frames: int, megabytes: int) -> bytes:
    """A Matroska file whose last block holds so many frames, each of which zlib unpacks to so many megabytes."""
    packed = _element("6d80", _element("6240", _element("5034", _number("4254", 0))))  # zlib, for all that it holds
    size = _element("e0", _number("b0", 64), _number("ba", 64))
    track = _number("d7", 1), _number("73c5", 1), _number("83", 1), _element("86", b"V_MJPEG"), size, packed
    usual = [
        _element("1f43b675", _number("e7", 40 * number), _element("a3", b"\x81\0\0\x80", zlib.compress(_jpeg())))
        for number in range(100)
    ]
    block = b"\x81\0\0\x84", bytes([frames - 1]), zlib.compress(bytes(megabytes * 1_000_000), 9) * frames
    head = _element("1a45dfa3", _element("4282", b"matroska"))
    info = _element("1549a966", _number("2ad7b1", 1_000_000))
    tracks = _element("1654ae6b", _element("ae", *track))
    last = _element("1f43b675", _number("e7", 4000), _element("a3", *block))
    return head + _element("18538067", info, tracks, *usual, last)


def beside(frames: int, megabytes: int) -> bytes:
    """A Matroska file of seven megabytes of what is no picture, then subtitles as in ``laced``, and one picture."""
    size = _element("e0", _number("b0", 64), _number("ba", 64))
    seen = _number("d7", 1), _number("73c5", 1), _number("83", 1), _element("86", b"V_MJPEG"), size
    packed = _element("6d80", _element("6240", _element("5034", _number("4254", 0))))
    texts = _number("d7", 2), _number("73c5", 2), _number("83", 17), _element("86", b"S_TEXT/UTF8"), packed
    tracks = _element("1654ae6b", _element("ae", *seen), _element("ae", *texts))
    broken = _element("a3", b"\x81\0\0\x80", b"\xff\xd8", bytes(10_000))
    usual = [_element("1f43b675", _number("e7", 40 * number), broken) for number in range(700)]
    block = b"\x82\0\0\x84", bytes([frames - 1]), zlib.compress(bytes(megabytes * 1_000_000), 9) * frames
    picture = _element("a3", b"\x81\0\0\x80", _jpeg())
    last = _element("1f43b675", _number("e7", 28_000), _element("a3", *block), picture)
    head = _element("1a45dfa3", _element("4282", b"matroska"))
    return head + _element("18538067", _element("1549a966", _number("2ad7b1", 1_000_000)), tracks, *usual, last)


def with_sound(codec: bytes, rate: int, *packets: bytes, settings: bytes = b"", channels: int = 1) -> bytes:
    """A Matroska file of two seconds of pictures or more, and a packet of sound, packed by zlib, in each second."""
    size = _element("e0", _number("b0", 64), _number("ba", 64))
    seen = _number("d7", 1), _number("73c5", 1), _number("83", 1), _element("86", b"V_MJPEG"), size
    form = _element("e1", _element("b5", struct.pack(">d", rate)), _number("9f", channels), _number("6264", 8))
    packed = _element("6d80", _element("6240", _element("5034", _number("4254", 0))))
    heard = _number("d7", 2), _number("73c5", 2), _number("83", 2), _element("86", codec), form, packed
    tracks = _element("1654ae6b", _element("ae", *seen), _element("ae", *heard, _element("63a2", settings)))
    blocks = [_element("a3", b"\x82\0\0\x80", zlib.compress(packet, 9)) for packet in packets]
    clusters = [
        _element(
            "1f43b675",
            _number("e7", 40 * number),
            _element("a3", b"\x81\0\0\x80", _jpeg()),
            *([blocks.pop(0)] if blocks and number % 25 == 0 else []),
        )
        for number in range(max(50, 25 * len(packets)))
    ]
    head = _element("1a45dfa3", _element("4282", b"matroska"))
    return head + _element("18538067", _element("1549a966", _number("2ad7b1", 1_000_000)), tracks, *clusters)


#: FLAC's own settings: 44,100 Hz, one channel, 16 bits.
FLAC = (
    b"fLaC\x80\0\0\x22" + struct.pack(">HH", 4096, 4096) + bytes(6) + (44_100 << 44 | 15 << 36).to_bytes(8) + bytes(16)
)


def crowded(
    packets: int, size: int, at: int = 1, codec: bytes = b"A_FLAC", rate: int = 44_100, settings: bytes = FLAC
) -> bytes:
    """A Matroska file of thirty pictures, two seconds apart, with so many packets of sound, 1 ms apart, after one.

    Each is ``size`` zeros, packed by zlib.
    """
    side = _element("e0", _number("b0", 64), _number("ba", 64))
    seen = _number("d7", 1), _number("73c5", 1), _number("83", 1), _element("86", b"V_MJPEG"), side
    form = _element("e1", _element("b5", struct.pack(">d", rate)), _number("9f", 1), _number("6264", 8))
    packed = _element("6d80", _element("6240", _element("5034", _number("4254", 0))))
    heard = _number("d7", 2), _number("73c5", 2), _number("83", 2), _element("86", codec), form, packed
    tracks = _element("1654ae6b", _element("ae", *seen), _element("ae", *heard, _element("63a2", settings)))
    zeros = zlib.compress(bytes(size), 9)
    blocks = [_element("a3", b"\x82" + struct.pack(">h", number) + b"\x80", zeros) for number in range(packets)]
    clusters = [
        _element(
            "1f43b675",
            _number("e7", 2000 * number),
            _element("a3", b"\x81\0\0\x80", _jpeg()),
            *(blocks if number == at else []),
        )
        for number in range(30)
    ]
    head = _element("1a45dfa3", _element("4282", b"matroska"))
    return head + _element("18538067", _element("1549a966", _number("2ad7b1", 1_000_000)), tracks, *clusters)


def silent_alac(samples: int, channels: int = 1) -> tuple[bytes, bytes]:
    """A packet of ALAC of so many samples of each channel, 26 bits for 65,536 of them, and its decoder's settings."""
    settings = struct.pack(">IBBBBBBHIII", max(samples, 4096), 0, 16, 40, 10, 14, channels, 255, 0, 0, 44_100)
    runs, left = "", samples
    while left > 1:
        length = min(65_535, left - 2)
        runs += "0" + "1" * 9 + format(length, "016b")
        left -= 1 + length
    runs += "0" * left
    pairs = [2] * (channels // 2) + [1] * (channels % 2)
    bits = "".join(
        format(pair - 1, "03b")
        + "0" * 16
        + "1000"
        + format(samples, "032b")
        + "0" * 16
        + "0000000100100000" * pair
        + runs * pair
        for pair in pairs
    )
    bits += "111" + "0" * 7
    return int(bits[: len(bits) // 8 * 8], 2).to_bytes(len(bits) // 8), settings


def with_a_packet(source: Path, target: Path, number: int, change: Callable[[list[bytes]], list[bytes]]) -> Path:
    """The same H.264 video, one packet of which has other NAL units."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        track: Any = old.streams.video[0]
        copy = new.add_stream_from_template(track)
        for place, packet in enumerate(old.demux(track)):
            if packet.dts is None:
                continue
            units = _units(bytes(packet))
            data = b"".join(len(unit).to_bytes(4) + unit for unit in (change(units) if place == number else units))
            changed = av.Packet(data)
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.is_keyframe, changed.stream = packet.is_keyframe, copy
            new.mux(changed)
    return target


def _units(data: bytes) -> list[bytes]:
    units, at = [], 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4])
        units.append(data[at + 4 : at + 4 + length])
        at += 4 + length
    return units


def _jpeg() -> bytes:
    written = io.BytesIO()
    Image.new("RGB", (64, 64)).save(written, "JPEG")
    return written.getvalue()


def _element(name: str, *content: bytes) -> bytes:
    """An element of Matroska."""
    inside = b"".join(content)
    return bytes.fromhex(name) + struct.pack(">Q", len(inside) | 1 << 56) + inside


def _number(name: str, value: int) -> bytes:
    return _element(name, value.to_bytes(4))
