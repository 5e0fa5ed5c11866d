"""Unusual clocks, tracks, sizes and colours in files, and how the reader handles them."""

import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from emotion_core import EmotionRecognizer, VideoLimitError, VideoLimits, VideoOptions, analyze_video
from emotion_core.video.picture import planes
from emotion_core.video.probe import probe
from emotion_core.video.reader import VideoReader
from support import clips
from support.hostile_pictures import many_scans, saved
from support.streams import frames_of, of_planes, pictures


@pytest.mark.parametrize("name", ["chunk.webm", "chunk.mkv", "chunk.mp4", "chunk.ts"])
@pytest.mark.parametrize("start", [10, 3600])
def test_a_clock_that_does_not_start_at_0(tmp_path: Path, name: str, start: int) -> None:
    codec = "libvpx" if name.endswith("webm") else "libx264"
    sound = "libopus" if name.endswith("webm") else "aac"
    moments = [start + index / 25 for index in range(50)]
    clip = clips.encode(tmp_path / name, frames_of(50), moments, codec=codec, sound=sound)
    info = probe(clip, VideoLimits(max_seconds=5))
    assert info.seconds == pytest.approx(2, abs=0.1)
    reader, found = pictures(clip)
    assert (len(found), reader.notices()) == (50, ())
    assert reader.seconds == pytest.approx(2, abs=0.01)


def shifted(source: Path, target: Path, seconds: float) -> Path:
    """The same packets, shifted earlier by ``seconds``: an edit list skips what comes before 0."""
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        track: Any = old.streams.video[0]
        copy = new.add_stream_from_template(track)
        for packet in old.demux(track):
            if packet.dts is not None and packet.pts is not None:
                offset = round(seconds / track.time_base)
                packet.dts, packet.pts = packet.dts - offset, packet.pts - offset
                packet.stream = copy
                new.mux(packet)
    return target


def test_a_cut_without_encoding_is_whole(tmp_path: Path) -> None:
    clip = shifted(clips.encode(tmp_path / "whole.mp4", frames_of(50)), tmp_path / "cut.mp4", 0.8)
    reader, found = pictures(clip)
    with av.open(str(clip)) as container:
        assert container.streams.video[0].frames == 50
    assert len(found) == 30
    assert reader.seconds == pytest.approx(1.2)
    assert reader.notices() == ()


def test_of_several_tracks_the_default_one(tmp_path: Path) -> None:
    path = tmp_path / "two.mkv"
    with av.open(str(path), "w") as out:
        tracks: list[Any] = [
            out.add_stream("libx264", rate=25, width=width, height=height) for width, height in ((160, 120), (320, 240))
        ]
        tracks[0].disposition, tracks[1].disposition = Disposition(0), Disposition.default
        for frame in frames_of(10):
            out.mux(tracks[0].encode(av.VideoFrame.from_ndarray(np.zeros((120, 160, 3), np.uint8))))
            out.mux(tracks[1].encode(av.VideoFrame.from_ndarray(frame)))
        for track in tracks:
            out.mux(track.encode(None))
    _, found = pictures(path)
    assert found[0].shape == (240, 320, 3)
    assert found[0].mean() > 50


def test_a_size_that_changes_keeps_the_proportions(tmp_path: Path) -> None:
    first = clips.encode(tmp_path / "1.ts", frames_of(10, (320, 240)), codec="mpeg2video")
    square = [np.full((240, 180, 3), 200, np.uint8)] * 10
    second = clips.encode(tmp_path / "2.ts", square, [1 + index / 25 for index in range(10)], codec="mpeg2video")
    both = tmp_path / "both.ts"
    both.write_bytes(first.read_bytes() + second.read_bytes())
    _, found = pictures(both)
    for last in (found[-1], of_planes(both)[-1]):
        assert last.shape == (240, 320, 3)
        shown = np.flatnonzero(last[120].min(axis=1) > 150)
        assert (shown[0], shown[-1]) == (70, 249)  # 180 in the middle of 320, with black on either side
        assert last[:, :66].max() < 20


@pytest.mark.parametrize("size", [(4096, 2160), (4000, 3000), (7680, 4320)])
def test_ones_own_machine_takes_what_cameras_make(tmp_path: Path, size: tuple[int, int]) -> None:
    clip = clips.encode(tmp_path / "large.mp4", [np.full((size[1], size[0], 3), 90, np.uint8)])
    with pytest.raises(VideoLimitError, match=r"over 8\.3 megapixels a frame"):
        probe(clip)
    reader, [found] = pictures(clip)
    assert max(found.shape[:2]) == 1280
    assert reader.notices() == ()


def standing(path: Path, frames: int) -> Path:
    """A video with this many frames, all at time 0."""
    with av.open(str(path), "w") as out:
        track: Any = out.add_stream("mpeg4", rate=25, width=64, height=48)
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), number % 200, np.uint8))
            for packet in track.encode(frame):
                packet.pts = packet.dts = 0
                out.mux(packet)
    return path


def test_a_video_that_never_steps_ends(tmp_path: Path) -> None:
    reader, found = pictures(standing(tmp_path / "standing.mkv", 2000))
    assert len(found) == 1
    told, left_out = reader.notices()
    assert "have no time of their own" in told
    assert 250 < int("".join(filter(str.isdigit, left_out))) < 300


@pytest.mark.parametrize("first", [False, True])
def test_a_jpeg_of_thousands_of_scans_is_left_out(tmp_path: Path, first: bool) -> None:
    """One packet of 300 kB took FFmpeg fifteen seconds: one of 200 MB, hours, whatever the limits."""
    path, size = tmp_path / "scans.avi", (640, 480)
    usual = saved(Image.new("RGB", size), "JPEG")
    frames = [usual, usual, many_scans(5_000, *size), usual]
    with av.open(path, "w") as container:
        stream = container.add_stream("mjpeg", rate=10, width=size[0], height=size[1], pix_fmt="yuvj420p")
        for number, content in enumerate(frames[2:] if first else frames):
            packet = av.Packet(content)
            packet.stream, packet.pts, packet.dts, packet.time_base = stream, number, number, Fraction(1, 10)
            container.mux(packet)
    start = time.monotonic()
    info = probe(path)
    with VideoReader(path, info, VideoLimits(), 640) as reader:
        assert len(list(reader)) == (1 if first else 3)
        assert "Damaged frames: 1." in reader.notices()
    assert time.monotonic() - start < 2


def test_frames_count_for_the_limit_whether_or_not_they_can_be_shown(tmp_path: Path) -> None:
    limits = VideoLimits(max_frames=100)
    reader, _ = pictures(standing(tmp_path / "standing.mkv", 200), limits)
    assert "Only the first 100 frames were read" in reader.notices()[0]


def test_work_ends_at_its_limit_and_packets_at_theirs(tmp_path: Path) -> None:
    clip = clips.encode(tmp_path / "long.mkv", [clips.background()] * 100, sound="aac")
    reader, found = pictures(clip, VideoLimits(max_work_seconds=0))
    assert len(found) < 5
    assert "the work took too long" in reader.notices()[0]
    scarce = VideoLimits(max_frames=100)
    assert scarce.max_packets == 3000
    info = probe(clip, scarce)
    with VideoReader(clip, info, VideoLimits(max_frames=2), 320) as reader:
        assert len(list(reader)) == 2


def test_stopping_ends_even_what_gives_no_picture(tmp_path: Path, recognizer: EmotionRecognizer) -> None:
    """Progress is still reported, and closing takes effect at once."""
    clip = clips.encode(tmp_path / "wide.mp4", [np.full((1080, 1920, 3), 90, np.uint8)] * 150)
    work = analyze_video(clip, tmp_path / "out", recognizer, VideoOptions(rate=1))
    assert next(work).frames == 0
    next(work)
    began = time.monotonic()
    work.close()
    assert time.monotonic() - began < 2
    assert list((tmp_path / "out").iterdir()) == []


def test_sound_goes_as_far_as_the_pictures(tmp_path: Path, recognizer: EmotionRecognizer) -> None:
    """A second of pictures with a minute of sound; and sound that starts before the first picture."""
    path = tmp_path / "talk.mkv"
    with av.open(str(path), "w") as out:
        track: Any = out.add_stream("libx264", rate=25, width=320, height=240)
        audio: Any = out.add_stream("aac", rate=48000, layout="mono")
        for number in range(60):
            part = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.float32), format="fltp", layout="mono")
            part.sample_rate, part.pts, part.time_base = 48000, number * 48000, Fraction(1, 48000)
            out.mux(audio.encode(part))
            if number == 1:
                for index, pixels in enumerate(frames_of(25)):
                    frame = av.VideoFrame.from_ndarray(pixels)
                    frame.pts, frame.time_base = 50 + index, Fraction(1, 25)
                    out.mux(track.encode(frame))
        out.mux([*audio.encode(None), *track.encode(None)])
    summary = analyze_video(path, tmp_path / "out", recognizer, VideoOptions(rate=2)).result()
    assert summary.seconds == pytest.approx(1, abs=0.01)
    assert summary.files.video is not None
    with av.open(summary.files.video) as written:
        tracks: Any = written.streams
        lengths = {track.type: float(track.duration * track.time_base) for track in tracks}
    assert lengths == {"video": pytest.approx(1, abs=0.05), "audio": pytest.approx(1, abs=0.2)}


def test_planes_are_views_of_one_frame() -> None:
    pixels = np.arange(6 * 4, dtype=np.uint8).reshape(6, 4)
    y, u, v = planes(pixels)
    assert (y.shape, u.shape, v.shape) == ((4, 4), (2, 2), (2, 2))
    assert u.ravel().tolist() == [16, 17, 18, 19]
    v[:] = 0
    assert pixels[5].tolist() == [0, 0, 0, 0]
