"""Sound of which a single packet becomes very much when it is converted: it is left out, and told."""

from pathlib import Path

import pytest

from emotion_core import EmotionRecognizer, VideoOptions, analyze_video
from support.hostile_videos import silent_alac, with_sound
from support.processes import most_more


def of_pcm(rate: int, samples: int) -> bytes:
    return with_sound(b"A_PCM/INT/LIT", rate, bytes(100), bytes(samples))


def of_alac(samples: int) -> bytes:
    (usual, _), (long, settings) = silent_alac(1000, 2), silent_alac(samples, 2)
    return with_sound(b"A_ALAC", 44_100, usual, long, settings=settings, channels=2)


@pytest.mark.parametrize(
    ("content", "kept"),
    [
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
