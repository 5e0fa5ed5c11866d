"""Clips of walking people, their analysis, and reading the output back."""

from pathlib import Path
from typing import Any

import av
import numpy as np

from emotion_core import (
    EmotionRecognizer,
    VideoOptions,
    VideoSummary,
    analyze_video,
)
from emotion_core.images import RGB
from support import clips

FAST = VideoOptions(rate=4)


def frames_of(seconds: float, rate: int = 25, size: tuple[int, int] = (clips.WIDTH, clips.HEIGHT)) -> list[RGB]:
    walk = clips.across(40, 60)
    return [clips.scene({1: walk}, index / rate, size)[0] for index in range(round(seconds * rate))]


def analyzed(clip: Path, eyes: EmotionRecognizer, options: VideoOptions | None = None) -> VideoSummary:
    return analyze_video(clip, clip.parent / "out", eyes, options or VideoOptions()).result()


def read(path: Path | None) -> tuple[dict[str, Any], list[RGB], list[float]]:
    """What a player finds: streams, frames and their times; checks that browsers can play the file."""
    assert path is not None
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(path)) as container:
        streams: dict[str, Any] = {stream.type: stream for stream in container.streams}
        video = container.streams.video[0]
        found = {kind: stream.codec_context.name.removesuffix("float") for kind, stream in streams.items()}
        assert (found["video"], video.pix_fmt) == ("h264", "yuv420p")
        assert video.width % 2 == video.height % 2 == 0
        decoded: Any = [(frame.to_ndarray(format="rgb24"), float(frame.time)) for frame in container.decode(video)]
        return found, [frame for frame, _ in decoded], [time for _, time in decoded]


def tone(path: Path | None) -> tuple[float, float]:
    """The sound's duration in seconds, and its loudest frequency in Hz."""
    assert path is not None
    with av.open(str(path)) as container:
        samples = np.concatenate([frame.to_ndarray()[0] for frame in container.decode(audio=0)]).astype(float)
        rate = container.streams.audio[0].rate
    return len(samples) / rate, float(np.abs(np.fft.rfft(samples)).argmax()) * rate / len(samples)
