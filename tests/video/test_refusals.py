"""What is refused, and when; limits; and that a stopped analysis leaves nothing behind."""

from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from emotion_core import (
    EmotionRecognizer,
    VideoError,
    VideoLimitError,
    VideoLimits,
    VideoOptions,
    analyze_video,
)
from emotion_core.images import RGB
from support import clips
from support.walks import FAST, analyzed, frames_of


def refusals(folder: Path) -> Sequence[tuple[Path, str]]:
    (folder / "empty.mp4").touch()
    (folder / "garbage.mp4").write_bytes(np.random.default_rng(0).bytes(50_000))
    Image.new("RGB", (64, 64)).save(folder / "photo.png")
    clips.encode(folder / "inside.mp4", frames_of(0.2))
    (folder / "list.m3u8").write_text("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\ninside.mp4\n#EXT-X-ENDLIST\n")
    (folder / "list.ffconcat").write_text("ffconcat version 1.0\nfile inside.mp4\n")
    whole = (folder / "inside.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    clips.encode(folder / "tiny.webm", [clips.background(12, 40)] * 3, codec="libvpx-vp9")
    with av.open(str(folder / "sound.m4a"), "w", format="mp4") as out:
        stream: Any = out.add_stream("aac", rate=48000, layout="mono")
        cover: Any = out.add_stream("mjpeg", rate=1, width=64, height=64, pix_fmt="yuvj420p")
        cover.disposition = Disposition.attached_pic
        out.mux([*cover.encode(av.VideoFrame(64, 64, "yuvj420p")), *cover.encode(None)])
        part = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.float32), format="fltp", layout="mono")
        part.sample_rate = 48000
        out.mux(stream.encode(part))
        out.mux(stream.encode(None))
    return [
        (folder / "absent.mp4", "There is no file 'absent.mp4'. Check the path."),
        (folder, "There is no file"),
        (folder / "nul\0.mp4", "cannot be opened|There is no file"),
        (folder / "empty.mp4", "The file is empty. Send it again."),
        (folder / "garbage.mp4", "not a video that can be read.*Use an MP4"),
        (folder / "photo.png", "not a video that can be read"),
        (folder / "list.m3u8", "not a video that can be read"),
        (folder / "list.ffconcat", "not a video that can be read"),
        (folder / "cut.mp4", "its end is missing"),
        (folder / "sound.m4a", "no video, only sound or data"),
        (folder / "tiny.webm", "12x40; each side needs at least 16 pixels"),
    ]


def test_refusals_come_before_work_and_say_what_to_do(tmp_path: Path, eyes: EmotionRecognizer) -> None:
    for path, message in refusals(tmp_path):
        with pytest.raises(VideoError, match=message):
            analyze_video(path, tmp_path / "out", eyes)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        (VideoLimits(max_seconds=1), "lasts 2 seconds, the limit is 1. Cut it"),
        (VideoLimits(max_frames=20), "has 50 frames, the limit is 20"),
        (VideoLimits(max_bytes=1000), "limit is 0 MB. Shorten or compress"),
        (VideoLimits(max_pixels=1000), "320x240, over 0.0 megapixels a frame"),
    ],
)
def test_limits(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB], limits: VideoLimits, message: str) -> None:
    clip = clips.encode(tmp_path / "walk.mp4", walk)
    with pytest.raises(VideoLimitError, match=message):
        analyze_video(clip, tmp_path / "out", eyes, VideoOptions(limits=limits))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("limits", "frames"), [(VideoLimits(max_seconds=1), 26), (VideoLimits(max_frames=20), 20), (VideoLimits(), 50)]
)
def test_limits_hold_where_the_header_is_silent(
    tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB], limits: VideoLimits, frames: int
) -> None:
    clip = clips.encode(tmp_path / "walk.webm", walk, codec="libvpx-vp9", options={"live": "1"})
    summary = analyzed(clip, eyes, VideoOptions(rate=4, limits=limits))
    assert summary.frames == frames
    assert ["which is the limit" in notice for notice in summary.notices] == [True] * (frames < 50)


#: What this process has open, on Linux.
FILES = Path("/proc/self/fd")


def open_below(folder: Path) -> list[Path]:
    """The files below a folder that this process has open, where the system tells it."""
    names: list[Path] = []
    for file in FILES.iterdir() if FILES.exists() else ():
        with suppress(OSError):  # closed meanwhile: by another thread, or it was this listing's own
            names.append(file.readlink())
    return [name for name in names if name.is_relative_to(folder)]


@pytest.mark.parametrize("ending", ["close", "exception"])
def test_stopping_leaves_nothing(
    tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB], monkeypatch: pytest.MonkeyPatch, ending: str
) -> None:
    monkeypatch.setattr("emotion_core.video.analysis.REPORT_SECONDS", 0.005)
    clip = clips.encode(tmp_path / "walk.mp4", walk, sound="aac")
    steps = analyze_video(clip, tmp_path / "out", eyes, FAST)
    while next(steps).frames < 20 or not list((tmp_path / "out").rglob("*.mp4")):
        pass
    assert not list((tmp_path / "out").glob("*.mp4"))
    assert FILES.exists() == bool(open_below(tmp_path))
    if ending == "close":
        steps.close()
    else:
        with pytest.raises(KeyboardInterrupt):
            steps.throw(KeyboardInterrupt)
    with pytest.raises(RuntimeError, match="ended before it was done"):
        steps.result()
    assert list((tmp_path / "out").iterdir()) == []
    assert open_below(tmp_path) == []


def test_a_folder_that_cannot_be_written(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB]) -> None:
    clip = clips.encode(tmp_path / "walk.mp4", walk)
    with pytest.raises(VideoError, match="Choose another folder"):
        list(analyze_video(clip, clip, eyes))


def test_options_check_themselves() -> None:
    for wrong in ({"rate": 0}, {"max_side": 10}, {"min_score": 2}, {"gap_seconds": -1}):
        with pytest.raises(ValueError, match=r"above 0|at least 64|0 to 1|0 or more"):
            VideoOptions(**wrong)  # type: ignore[arg-type]


def test_closing_before_the_start_is_fine(tmp_path: Path, eyes: EmotionRecognizer, walk: list[RGB]) -> None:
    with closing(analyze_video(clips.encode(tmp_path / "walk.mp4", walk), tmp_path / "out", eyes)):
        pass
    assert not (tmp_path / "out").exists()


def test_a_copy_that_becomes_too_large(tmp_path: Path, eyes: EmotionRecognizer) -> None:
    """23 MB that show sixteen pictures of noise again and again become a copy of twenty gigabytes."""
    noise = list(np.random.default_rng(0).integers(0, 255, (25, 240, 320, 3), np.uint8))
    clip = clips.encode(tmp_path / "noise.mp4", noise)
    few, enough = (VideoLimits(max_copy_bytes=size) for size in (300_000, 5_000_000))
    without = analyzed(clip, eyes, VideoOptions(rate=2, limits=few))
    assert without.notices == ("There is no annotated video: it takes more than the 0 MB that there is room for.",)
    assert (without.frames, without.files.video) == (25, None)
    assert list((tmp_path / "out").glob("*.mp4")) == []
    assert analyzed(clip, eyes, VideoOptions(rate=2, limits=enough)).frames == 25
    assert analyzed(clip, eyes, VideoOptions(rate=2, copy=False, limits=few)).frames == 25
