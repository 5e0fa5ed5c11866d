"""Files of every kind: clocks, rotations, sizes, truncated files."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from emotion_core import (
    EmotionRecognizer,
    VideoError,
    VideoLimits,
    VideoOptions,
    analyze_video,
)
from emotion_core.images import RGB
from emotion_core.video.container import open_video, sound_stream
from emotion_core.video.picture import Orientation
from emotion_core.video.probe import probe
from emotion_core.video.reader import VideoReader
from support import clips
from support.walks import FAST, analyzed, frames_of, read, tone


@pytest.mark.parametrize(
    ("name", "codec", "sound", "kept"),
    [
        ("phone.mp4", "libx264", "aac", "aac"),
        ("camera.mov", "libx264", "pcm_s16le", "aac"),
        ("browser.webm", "libvpx-vp9", "libopus", "opus"),
        ("old.avi", "mpeg4", "mp3", "mp3"),
        ("stream.ts", "libx264", "aac", "aac"),
        ("film.mkv", "libx265", "ac3", "aac"),
        ("silent.mp4", "libx264", "", ""),
    ],
)
def test_kinds_of_files(
    tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB], name: str, codec: str, sound: str, kept: str
) -> None:
    options = {"live": "1"} if name == "browser.webm" else None
    clip = clips.encode(tmp_path / name, walk, codec=codec, sound=sound, options=options)
    assert (probe(clip).seconds is None) == (name == "browser.webm")
    summary = analyzed(clip, eyes, FAST)
    found, frames, times = read(summary.files.video)
    assert found.get("audio", "") == kept
    assert len(frames) == summary.frames == 50
    with av.open(str(clip)) as container:
        assert np.diff(times) == pytest.approx(np.diff([frame.time for frame in container.decode(video=0)]), abs=1e-3)
    assert summary.notices == ()
    assert [person.person for person in summary.people] == [1]
    assert np.abs(frames[0][180:].astype(int) - walk[0][180:]).mean() < 4  # colours: below the face, nothing changes
    if kept:
        seconds, frequency = tone(summary.files.video)
        assert seconds == pytest.approx(2, abs=0.1)
        assert frequency == pytest.approx(440, abs=3)
    assert summary.has_sound == bool(kept)


def of_codec(path: Path, codec: str, width: int = 64, height: int = 64, pixels: str = "") -> Path:
    """One frame."""
    with av.open(path, "w") as container:
        stream: Any = container.add_stream(codec, rate=30, width=width, height=height)
        stream.pix_fmt = pixels or stream.codec_context.codec.video_formats[0].name
        frame = av.VideoFrame(width, height, "rgb24").reformat(format=stream.pix_fmt)
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return path


@pytest.mark.parametrize("codec", ["png", "jpeg2000", "targa", "msvideo1", "flashsv", "dpx", "ffv1"])
def test_codecs_that_no_camera_writes_are_not_decoded(tmp_path: Path, codec: str) -> None:
    """One packet of a PNG's texts, half a megabyte of the file, unpacked to a gigabyte."""
    with pytest.raises(VideoError, match=r"codec is not one that is decoded here\. Use an MP4"):
        probe(of_codec(tmp_path / "rare.nut", codec))


def test_ffmpeg_itself_decodes_no_other_codec(tmp_path: Path) -> None:
    """It decodes the first frames as it opens a file, before anything of ours looks at its tracks."""
    av.logging.set_level(av.logging.WARNING)
    with av.logging.Capture() as said, open_video(of_codec(tmp_path / "rare.nut", "png")):
        pass
    av.logging.set_level(None)
    assert any("not on whitelist" in line for _, _, line in said)


@pytest.mark.parametrize(
    ("codec", "pixels", "fits"),
    [("cfhd", "yuv422p10le", True), ("prores_ks", "yuva444p10le", False), ("prores_ks", "yuv422p10le", True)],
)
def test_frames_of_the_largest_size(tmp_path: Path, codec: str, pixels: str, fits: bool) -> None:
    """FFmpeg counts the lines that fill up a block; frames of 66 MB, of which many wait, took a gigabyte."""
    clip = of_codec(tmp_path / "large.mov", codec, 3840, 2160, pixels)
    if fits:
        assert probe(clip).frame_bytes == 3840 * 2160 * 4
    else:
        with pytest.raises(VideoError, match=r"takes 66 MB\. Export it at a smaller size"):
            probe(clip)


def test_frames_that_become_too_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = clips.encode(tmp_path / "clip.mp4", frames_of(0.4))
    info = probe(clip)
    monkeypatch.setattr("emotion_core.video.reader.is_too_large", lambda frame, _: frame.pts > 0)
    with VideoReader(clip, info, VideoLimits(), 640) as reader:
        assert len(list(reader)) == 1
        assert "frames take too much memory" in reader.notices()[0]


def test_the_track_that_can_be_decoded_is_heard(tmp_path: Path) -> None:
    clip = tmp_path / "two.mkv"
    with av.open(clip, "w") as container:
        pictures: Any = container.add_stream("libx264", rate=25, width=64, height=64, pix_fmt="yuv420p")
        sounds: list[Any] = [container.add_stream(codec, rate=48000, layout="mono") for codec in ("wavpack", "aac")]
        container.mux([*pictures.encode(av.VideoFrame(64, 64, "yuv420p")), *pictures.encode(None)])
        for sound in sounds:
            part = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.float32), format="fltp", layout="mono")
            part.sample_rate = 48000
            container.mux([*sound.encode(part), *sound.encode(None)])
    with open_video(clip) as container:
        heard = sound_stream(container)
        assert heard is not None
        assert heard.codec_context.name == "aac"


def test_sound_that_no_camera_writes_is_left_out(tmp_path: Path, eyes: EmotionRecognizer) -> None:
    clip = clips.encode(tmp_path / "rare.mkv", frames_of(0.2), sound="wavpack")
    summary = analyzed(clip, eyes, FAST)
    assert any("sound" in notice for notice in summary.notices)


def test_progress_without_a_duration(tmp_path: Path, eyes: EmotionRecognizer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emotion_core.video.analysis.REPORT_SECONDS", 0.005)
    frames = frames_of(2)
    for name, options in (("a.mp4", {}), ("a.webm", {"live": "1"})):
        codec = "libx264" if name == "a.mp4" else "libvpx-vp9"
        clip = clips.encode(tmp_path / name, frames, codec=codec, options=options)
        work = analyze_video(clip, tmp_path / "out", eyes, FAST)
        steps = list(work)
        assert (steps[0].frames, steps[0].fraction, steps[0].seconds_left) == (0, 0, None)
        assert [step.frames for step in steps] == sorted(step.frames for step in steps)
        assert [step.fraction for step in steps] == sorted(step.fraction for step in steps)
        assert all(step.total == (50 if name == "a.mp4" else None) for step in steps[:-1])
        # Frames may be done before any byte counts as read, so the fraction decides, not the frames.
        assert all((step.seconds_left is None) == (step.fraction == 0) for step in steps)
        assert work.result().frames == 50
        assert (steps[-1].total, steps[-1].fraction) == (50, 1)
        assert any(0 < step.fraction < 1 for step in steps)


def test_orientations() -> None:
    rgb = np.arange(6, dtype=np.uint8).reshape(2, 3, 1).repeat(3, axis=2)
    for mirrored, flipped in ((False, False), (True, False), (False, True), (True, True)):
        wanted = rgb[:: -1 if flipped else 1, :: -1 if mirrored else 1]
        assert (Orientation(False, mirrored, flipped).upright(rgb) == wanted).all()
        wanted = rgb.transpose(1, 0, 2)[:: -1 if flipped else 1, :: -1 if mirrored else 1]
        assert (Orientation(True, mirrored, flipped).upright(rgb) == wanted).all()


def test_variable_frame_rate_keeps_every_time(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB]) -> None:
    times = [round(float(time), 3) for time in np.cumsum(np.random.default_rng(0).choice([0.02, 0.033, 0.2], 50))]
    summary = analyzed(clips.encode(tmp_path / "vfr.mp4", walk, times), eyes, FAST)
    _, _, written = read(summary.files.video)
    assert written == pytest.approx([time - times[0] for time in times], abs=1e-3)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_phones_rotation_is_applied(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB], quarters: int) -> None:
    turned = [np.rot90(frame, -quarters) for frame in walk]
    clip = clips.encode(tmp_path / "phone.mov", turned, rotation=90 * quarters)
    info = probe(clip)
    assert (info.width, info.height) == (320, 240)
    summary = analyzed(clip, eyes, FAST)
    _, frames, _ = read(summary.files.video)
    assert np.abs(frames[0][180:].astype(int) - walk[0][180:]).mean() < 4
    assert [person.person for person in summary.people] == [1]


@pytest.mark.parametrize(
    ("size", "max_side", "wanted"), [((321, 241), 1280, (320, 240)), ((320, 241), 200, (200, 150))]
)
def test_odd_and_large_sides(
    tmp_path: Path, eyes: EmotionRecognizer, size: tuple[int, int], max_side: int, wanted: tuple[int, int]
) -> None:
    clip = clips.encode(tmp_path / "odd.webm", frames_of(0.5, size=size), codec="libvpx-vp9")
    summary = analyzed(clip, eyes, VideoOptions(rate=4, max_side=max_side))
    _, [frame, *_], _ = read(summary.files.video)
    assert (summary.width, summary.height) == (frame.shape[1], frame.shape[0]) == wanted


def test_what_can_be_read_of_a_cut_file_is_delivered(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB]) -> None:
    whole = clips.encode(tmp_path / "whole.mp4", walk, options={"movflags": "+faststart"}, sound="aac").read_bytes()
    cut = tmp_path / "cut.mp4"
    cut.write_bytes(whole[: len(whole) * 6 // 10])
    summary = analyzed(cut, eyes, FAST)
    notice, *_ = summary.notices  # a truncated frame may also be reported
    _, frames, _ = read(summary.files.video)
    assert 20 < len(frames) == summary.frames < 45
    assert notice == f"The file is cut short or damaged: {len(frames)} of 50 frames could be read."

    hurt = bytearray(whole)
    hurt[len(whole) // 2 : len(whole) // 2 + 3000] = np.random.default_rng(0).bytes(3000)
    cut.write_bytes(hurt)
    summary = analyzed(cut, eyes, FAST)
    assert summary.notices
    assert len(read(summary.files.video)[1]) == summary.frames > 20
