"""A video's packets: read in order, and passed over where decoding one would take too long, which nothing ends."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.video.stream import VideoStream

#: Scans of a JPEG: a camera's has one, or one for each plane.
_MOST_SCANS: Final = 64
#: Units of a packet: slices and the like. A camera's picture has up to a few dozen, one that is cut for a network some
#: hundreds; each may be decoded as a whole picture, 8 ms of 3840x2160 for 15 bytes.
_MOST_UNITS: Final = 400
#: Start codes of a packet of older codecs, whose slices are no longer than a row of blocks.
_MOST_START_CODES: Final = 4_000
#: Codecs whose packets may hold notes beside the picture (SEI), which FFmpeg keeps with the frame.
_NOTED: Final = ("h264", "hevc", "vvc")
#: Bytes of such a packet beyond its frame's own, which no picture takes.
_MOST_NOTES: Final = 100_000
_START_OF_SCAN: Final = b"\xff\xda"
_START_CODE: Final = b"\0\0\1"
#: Bytes that a container may put before each unit to tell its length (ISO/IEC 14496-15, which has no 3).
_LENGTH_BYTES: Final = (1, 2, 4)


def packets_of(container: InputContainer, *streams: VideoStream | AudioStream) -> Iterator[Any]:
    """The packets of these tracks, in the file's order, and an empty one for each at the end.

    Raises av.FFmpegError where the rest cannot be read.
    """
    with suppress(IndexError):  # PyAV looks for tracks, at the end, that came up after it had opened the file
        yield from container.demux(*streams)


def takes_too_long(codec: str, packet: Any) -> bool:
    """Whether a packet of FFmpeg's codec must not be decoded: 300 kB of JPEG with 20,000 scans take 15 seconds."""
    too_many = _TOO_MANY.get(codec)
    return too_many is not None and too_many(bytes(packet))


def is_mostly_notes(codec: str, packet: Any, frame_bytes: int) -> bool:
    """Whether a packet is larger than its frame: 700 kB of packets that unpack to 9 MB of notes each took 350 MB."""
    return codec in _NOTED and 0 < frame_bytes < packet.size - _MOST_NOTES


def _scans(data: bytes) -> bool:
    return data.count(_START_OF_SCAN) > _MOST_SCANS


def _slices(data: bytes) -> bool:
    return data.count(_START_CODE) > _MOST_START_CODES


def _units(data: bytes) -> bool:
    """Whether NAL units (H.264 and its successors) are too many, whichever way they are told apart.

    FFmpeg changes from one way to the other in the middle of a file that tells it to.
    """
    if data.count(_START_CODE) > _MOST_UNITS:
        return True
    return any(_is_past(_MOST_UNITS, len(data), _step_by_length(data, width)) for width in _LENGTH_BYTES)


def _open_units(data: bytes) -> bool:
    """Whether the units of AV1 (OBUs, section 5.3 of its specification) are too many."""
    return _is_past(_MOST_UNITS, len(data), _step_by_header(data))


def _is_past(most: int, end: int, step: Callable[[int], int]) -> bool:
    """Whether more units than that follow one another, the last of which may be cut short."""
    at = 0
    for _ in range(most + 1):
        if not at < end or (length := step(at)) == 0:
            return False
        at += length
    return True


def _step_by_length(data: bytes, width: int) -> Callable[[int], int]:
    def step(at: int) -> int:
        length = int.from_bytes(data[at : at + width])
        return width + length if 0 < length <= len(data) - at - width else 0

    return step


def _step_by_header(data: bytes) -> Callable[[int], int]:
    def step(at: int) -> int:
        header = data[at]
        has_extension, has_size = header & 4, header & 2
        at += 2 if has_extension else 1
        if not has_size:
            return 0  # it is the last
        length = shift = 0
        for count, byte in enumerate(data[at : at + 8], 1):
            length |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return (2 if has_extension else 1) + count + length
        return 0

    return step


_TOO_MANY: Final[Mapping[str, Callable[[bytes], bool]]] = (
    dict.fromkeys(("mjpeg", "mjpegb"), _scans)
    | dict.fromkeys(("h264", "hevc", "vvc"), _units)
    | dict.fromkeys(("av1", "libdav1d", "libaom-av1"), _open_units)
    | dict.fromkeys(("mpeg1video", "mpeg2video", "mpeg4", "vc1"), _slices)
)
