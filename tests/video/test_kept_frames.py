"""Videos whose decoder keeps very many frames, which it need not tell before it has them."""

from pathlib import Path

import av
import numpy as np
import pytest

from emotion_core import EmotionRecognizer, VideoError, VideoLimits, VideoOptions, analyze_video
from emotion_core.video import probe as probing
from emotion_core.video.probe import probe
from emotion_core.video.reader import VideoReader
from support import clips
from support.keeping_video import keeping
from support.processes import most_more


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def test_frames_that_wait_before_the_first(tmp_path: Path) -> None:
    """To find the first picture of 34 kB took 300 MB, and to analyse them 800; with 10 bits of 4:2:2 1.7 gigabytes."""
    clip = written(tmp_path / "clip.h264", keeping(3840, 2160))
    with most_more() as memory, pytest.raises(VideoError, match="frames take too much memory"):
        probe(clip)
    assert max(memory) < 150_000_000


def test_frames_that_become_large_in_the_middle(tmp_path: Path, recognizer: EmotionRecognizer) -> None:
    """FFmpeg decodes several of the small ones at a time, and each thread would keep large ones."""
    clip = written(tmp_path / "clip.h264", keeping(64, 64, 30, kept=4, waiting=1) + keeping(3840, 2160))
    with most_more() as memory:
        summary = analyze_video(clip, tmp_path / "out", recognizer, VideoOptions(rate=2)).result()
    assert summary.frames >= 28
    assert "frames take too much memory" in summary.notices[0]
    assert max(memory) < 250_000_000


@pytest.mark.parametrize(("kept", "ends"), [(3, False), (16, True)])
def test_frames_that_later_ones_are_drawn_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: int, ends: bool
) -> None:
    monkeypatch.setattr(probing, "_KEPT_BYTES_OF_A_PIXEL", 30)  # fifteen frames of 8 bits
    clip = written(tmp_path / "clip.h264", keeping(64, 64, 60, kept, waiting=2))
    limits = VideoLimits(max_pixels=64 * 64)
    with VideoReader(clip, probe(clip, limits), limits, 64) as reader:
        assert (sum(1 for _ in reader) == 60) is not ends
        assert any("too much memory" in notice for notice in reader.notices()) is ends


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv422p10le"])
def test_usual_large_frames_wait_small(tmp_path: Path, pixels: str) -> None:
    """Of 3840x2160 pixels 17 of 32 MB waited for the frames between which they are drawn."""

    clip = tmp_path / "clip.mov"
    with av.open(str(clip), "w") as out:
        track = out.add_stream("libx264", rate=25, width=3840, height=2160, options={"preset": "superfast"})
        track.pix_fmt = pixels
        black = av.VideoFrame.from_ndarray(np.zeros((2160, 3840, 3), np.uint8)).reformat(format=pixels)
        for number in range(20):
            black.pts = number
            out.mux(track.encode(black))
        out.mux(track.encode(None))
    with VideoReader(clip, probe(clip), VideoLimits(), 1280) as reader:
        found = list(reader)
        assert len(found) == 20
        assert reader.notices() == ()
        assert all((picture.frame.width, picture.frame.height) == (1280, 720) for picture in found)
        assert found[-1].rgb.shape == (720, 1280, 3)


def test_smaller_frames_have_the_same_colours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    frames = [clips.scene({1: clips.across(40, 60)}, 0, (640, 480))[0]] * 3
    clip = clips.encode(tmp_path / "clip.mp4", frames)
    found = []
    for large in (10_000_000, 100_000):
        monkeypatch.setattr("emotion_core.video.reader._SCALED_FRAME", large)
        with VideoReader(clip, probe(clip), VideoLimits(), 320) as reader:
            picture = next(iter(reader))
            found.append((picture.rgb.astype(int), picture.i420().astype(int)))
    for usual, smaller in zip(*found, strict=True):
        assert usual.shape == smaller.shape
        assert np.abs(usual - smaller).mean() < 2
