"""Sound of which a packet is very much, or becomes it when it is converted: left out, and told; very many packets."""

from pathlib import Path

import av
import pytest

from emotion_core import EmotionRecognizer, Settings, VideoLimits, VideoOptions, analyze_video
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.serving.video_queue import VideoDesk
from support.hostile_videos import FLAC, crowded, silent_alac, with_sound
from support.processes import most_more


def of_pcm(rate: int, samples: int) -> bytes:
    return with_sound(b"A_PCM/INT/LIT", rate, bytes(100), bytes(samples))


def of_alac(samples: int) -> bytes:
    (usual, _), (long, settings) = silent_alac(1000, 2), silent_alac(samples, 2)
    return with_sound(b"A_ALAC", 44_100, usual, long, settings=settings, channels=2)


def of_flac(size: int) -> bytes:
    return with_sound(b"A_FLAC", 44_100, bytes(100), bytes(size), settings=FLAC)


def of_aac(size: int) -> bytes:
    return with_sound(b"A_AAC", 44_100, bytes(100), bytes(size), settings=b"\x12\x08")


@pytest.mark.parametrize(
    ("content", "kept"),
    [
        pytest.param(of_flac(1_100_000), False, id="a packet of FLAC with a megabyte of zeros"),
        pytest.param(of_aac(70_000), False, id="a packet of AAC with 70 kB"),
        pytest.param(of_flac(300_000), True, id="FLAC of 16,384 samples of six channels of 24 bits"),
        pytest.param(of_aac(6_144), True, id="AAC of eight channels"),
        pytest.param(of_pcm(10, 100_000), False, id="ten samples a second"),
        pytest.param(of_pcm(7_999, 9_000_000), False, id="a packet of twenty minutes"),
        pytest.param(of_pcm(7_999, 900_000), False, id="a packet of two minutes"),
        pytest.param(of_alac(4096 * 4096), False, id="ALAC of sixteen million samples"),
        pytest.param(of_pcm(5_512, 5_512), True, id="a second as old cameras record it"),
        pytest.param(of_alac(4096), True, id="usual ALAC"),
    ],
)
def test_sound_that_becomes_very_much(
    tmp_path: Path, recognizer: EmotionRecognizer, content: bytes, kept: bool
) -> None:
    """37 kB of ten samples a second became two gigabytes, and 44 kB of ALAC three."""
    source = tmp_path / "clip.mkv"
    source.write_bytes(content)
    with most_more() as memory:
        summary = analyze_video(source, tmp_path / "out", recognizer, VideoOptions(rate=2)).result()
    assert summary.frames == 50
    assert any("sound could not be read" in notice for notice in summary.notices) is not kept
    assert max(memory) < 150_000_000


@pytest.mark.parametrize("at", [1, 28, 29], ids=["at the beginning", "before the last picture", "after it"])
def test_sound_that_comes_between_two_pictures_waits_for_none(
    tmp_path: Path, recognizer: EmotionRecognizer, at: int
) -> None:
    """FFmpeg kept it, to interleave it, until the encoder had given its next picture: two gigabytes of 2 MB."""
    source = tmp_path / "clip.mkv"
    source.write_bytes(crowded(250, 900_000, at))
    with most_more() as memory:
        summary = analyze_video(source, tmp_path / "out", recognizer, VideoOptions(rate=2)).result()
    assert (summary.frames, summary.has_sound, summary.notices) == (30, True, ())
    assert max(memory) < 100_000_000
    assert summary.files.video is not None
    assert summary.files.video.stat().st_size > (200_000_000 if at < 29 else 30_000_000)  # as far as pictures go


@pytest.mark.parametrize("at", [1, 28])
def test_sound_counts_in_the_copys_bytes(tmp_path: Path, recognizer: EmotionRecognizer, at: int) -> None:
    source = tmp_path / "clip.mkv"
    source.write_bytes(crowded(100, 900_000, at))
    options = VideoOptions(rate=2, limits=VideoLimits(max_copy_bytes=50_000_000))
    summary = analyze_video(source, tmp_path / "out", recognizer, options).result()
    assert (summary.frames, summary.has_sound, summary.files.video) == (30, False, None)
    assert summary.notices == ("There is no annotated video: it takes more than the 50 MB that there is room for.",)
    assert {path.suffix for path in (tmp_path / "out").iterdir()} == {".csv", ".json", ".svg"}


def test_what_is_too_much_does_not_reach_the_server(tmp_path: Path, recognizer: EmotionRecognizer) -> None:
    source = tmp_path / "clip.mkv"
    source.write_bytes(crowded(12, 8_000_000))
    desk = VideoDesk(Catalogue(recognizer), Settings())
    with most_more() as memory:
        summary = desk.analyze(source, tmp_path / "out", options=VideoOptions(rate=2)).result()
    assert any("sound could not be read" in notice for notice in summary.notices)
    assert max(memory) < 60_000_000


def test_sound_that_is_converted_is_as_long_as_the_pictures(tmp_path: Path, recognizer: EmotionRecognizer) -> None:
    """Half a million such packets, 25 MB, would be converted for hours, and every other video waits."""
    source = tmp_path / "clip.mkv"
    source.write_bytes(crowded(1000, 27_000, codec=b"A_PCM/INT/LIT", rate=5_512, settings=b""))
    summary = analyze_video(source, tmp_path / "out", recognizer, VideoOptions(rate=2)).result()
    assert any("sound could not be read" in notice for notice in summary.notices)
    with av.open(str(summary.files.video)) as film:
        assert sum(packet.size > 0 for packet in film.demux(audio=0)) < 120 * 48_000 / 1024
