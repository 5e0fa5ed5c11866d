"""Packets that take too long to decode, or come of tracks that were not there before."""

import io
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from emotion_core import EmotionRecognizer, VideoError, VideoOptions, analyze_video
from emotion_core.video import probe as probing
from emotion_core.video.packets import takes_too_long
from emotion_core.video.probe import probe
from support import clips
from support.hostile_videos import beside, with_a_packet
from support.processes import most_more
from support.streams import frames_of, pictures


@pytest.mark.parametrize("codec", ["libx264", "libx265", "libvpx-vp9", "mpeg4", "mpeg2video", "av1"])
def test_usual_packets_are_decoded(tmp_path: Path, codec: str) -> None:
    path = tmp_path / "clip.mkv"
    if codec == "av1":
        with av.open(str(path), "w") as out:
            track = out.add_stream("libsvtav1", rate=25, width=320, height=240, options={"preset": "12"})
            for frame in [*map(av.VideoFrame.from_ndarray, frames_of(10)), None]:
                out.mux(track.encode(frame))
    else:
        clips.encode(path, frames_of(10), codec=codec)
    with av.open(str(path)) as clip:
        video = clip.streams.video[0]
        packets = [packet for packet in clip.demux(video) if packet.size]
        assert len(packets) == 10
        assert not any(takes_too_long(video.codec_context.name, packet) for packet in packets)


@pytest.mark.parametrize(
    ("codec", "unit", "most"),
    [
        ("h264", b"\0\0\1\x41\x9a\x80", 400),
        ("h264", b"\0\0\0\3\x41\x9a\x80", 400),
        ("hevc", b"\0\3\x41\x9a\x80", 400),
        ("vvc", b"\3\x41\x9a\x80", 400),
        ("av1", b"\x32\x03\x41\x9a\x80", 400),
        ("av1", b"\x36\x00\x83\x00\x41\x9a\x80", 400),
        ("mpeg2video", b"\0\0\1\x01\x9a\x80", 4000),
        ("mjpeg", b"\xff\xda\x00\x08", 64),
    ],
)
def test_the_parts_of_a_packet_are_counted(codec: str, unit: bytes, most: int) -> None:
    for count, too_many in ((most, False), (most + 1, True), (100 * most, True)):
        assert takes_too_long(codec, av.Packet(unit * count)) is too_many


def test_a_picture_of_very_many_slices_is_left_out(tmp_path: Path) -> None:
    """A packet of 3 MB that repeats a slice took half an hour, and nothing ended it."""
    clip = clips.encode(tmp_path / "usual.mp4", frames_of(10))
    many = with_a_packet(clip, tmp_path / "clip.mkv", 5, lambda units: [*units, *units[-1:] * 20_000])
    started = time.monotonic()
    reader, found = pictures(many)
    assert time.monotonic() - started < 5
    assert len(found) >= 9
    assert "Damaged frames: 1" in " ".join(reader.notices())


def test_a_picture_with_more_notes_than_pixels_is_left_out(tmp_path: Path) -> None:
    """FFmpeg keeps them with the frame, and dozens of frames wait."""
    clip, size = clips.encode(tmp_path / "usual.mp4", frames_of(10)), 1_000_000
    notes = b"\x06\x05" + b"\xff" * (size // 255) + bytes([size % 255]) + b"\xff" * size + b"\x80"
    many = with_a_packet(clip, tmp_path / "clip.mkv", 5, lambda units: [notes, *units])
    few = with_a_packet(clip, tmp_path / "few.mkv", 5, lambda units: [b"\x06\x05\x40" + b"\xff" * 64 + b"\x80", *units])
    assert "Damaged frames: 1" in " ".join(pictures(many)[0].notices())
    assert pictures(few)[0].notices() == ()


def test_the_first_picture_is_sought_for_some_seconds(tmp_path: Path, monkeypatch: Any) -> None:
    """Thousands of pictures that are decoded for half a second each, and are none, held a place for an hour."""
    written = io.BytesIO()
    Image.new("RGB", (1600, 1600)).save(written, "JPEG", progressive=True)
    broken = written.getvalue()[:-2] + b"\xff\xc4\x00\x05\x00\xff\xff\xff\xd9"  # a table that cannot be
    with av.open(str(tmp_path / "clip.mkv"), "w") as out:
        track = out.add_stream("mjpeg", rate=25, width=1600, height=1600, pix_fmt="yuvj420p")
        for number in range(2000):
            packet = av.Packet(broken)
            packet.stream, packet.pts, packet.dts, packet.time_base = track, number, number, Fraction(1, 25)
            out.mux(packet)
    monkeypatch.setattr(probing, "_FIRST_SECONDS", 0.3)
    started = time.monotonic()
    with pytest.raises(VideoError, match="No picture of this video can be decoded"):
        probe(tmp_path / "clip.mkv")
    assert time.monotonic() - started < 3


def test_what_nobody_needs_is_not_read(tmp_path: Path) -> None:
    """Subtitles that unpack to three gigabytes: the check passes them over, and the first picture lay behind them."""
    clip = tmp_path / "clip.mkv"
    clip.write_bytes(beside(250, 9))
    with most_more() as memory:
        assert (probe(clip).width, probe(clip).height) == (64, 64)
    assert max(memory) < 100_000_000


@pytest.mark.parametrize(("container", "skipped"), [("flv", 13), ("mpegts", 0)])
def test_a_track_that_begins_late(tmp_path: Path, recognizer: EmotionRecognizer, container: str, skipped: int) -> None:
    """As of recorders that are given sound later; FFmpeg finds it as it reads on."""
    silent = clips.encode(tmp_path / "silent", frames_of(200), container=container)
    moments = [8 + index / 25 for index in range(50)]
    later = clips.encode(tmp_path / "later", frames_of(50), moments, container=container, sound="aac")
    both = tmp_path / f"clip.{container}"
    both.write_bytes(silent.read_bytes() + later.read_bytes()[skipped:])
    work = analyze_video(both, tmp_path / "answers", recognizer, VideoOptions(rate=1))
    list(work)
    assert work.result().frames >= 245
