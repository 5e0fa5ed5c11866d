"""Where the time goes: every stage alone, on frames in memory, and the gain from each optimisation."""

import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import cv2
import inputs
import numpy as np
from PIL import Image
from timing import best_seconds, median_milliseconds

from emotion_core import EmotionRecognizer, VideoOptions, analyze_video
from emotion_core.images import RGB, load_image
from emotion_core.recognition.classifier import Classifier, LiteRTNetwork
from emotion_core.recognition.resolve import resolve_bundle
from emotion_core.render import annotate, paint
from emotion_core.tracking.face_search import FaceFollower
from emotion_core.tracking.stream import StreamAnalyzer
from emotion_core.tracking.tracker import FaceTracker
from emotion_core.video import analysis as video
from emotion_core.video import writer as video_write
from emotion_core.video.drawing import paint_i420
from emotion_core.video.follow import Followed
from emotion_core.video.probe import OWN_MACHINE, probe
from emotion_core.video.reader import VideoReader

RATE = 10.0


def jpeg(rgb: RGB) -> bytes:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=90)
    return file.getvalue()


def photo_stages(recognizer: EmotionRecognizer) -> dict[str, float]:
    """Milliseconds per stage for an HD photo with five faces."""
    content = jpeg(inputs.scene(*inputs.SIZES["HD"], 5))
    rgb = load_image(content)
    faces = recognizer.detector.detect(rgb)
    crops = recognizer.crops(rgb, faces)
    result = recognizer.classify(rgb, faces)
    return {
        "decode": median_milliseconds(lambda: load_image(content)),
        "faces": median_milliseconds(lambda: recognizer.detector.detect(rgb)),
        "crops": median_milliseconds(lambda: recognizer.crops(rgb, faces)),
        "graph": median_milliseconds(lambda: recognizer.classifier.probabilities(crops)),
        "drawing": median_milliseconds(lambda: annotate(rgb, result)),
        "whole": median_milliseconds(lambda: annotate(rgb, recognizer.analyze(content))),
    }


def webcam_stages(recognizer: EmotionRecognizer) -> dict[str, float]:
    """Milliseconds per stage for a webcam frame, 640x480 with one face, within a stream."""
    frames = [inputs.scene(640, 480, 1, 4 * number) for number in range(32)]
    contents = {id(frame): jpeg(frame) for frame in frames}
    follower = FaceFollower(recognizer.detector, 480)
    one_look = EmotionRecognizer(recognizer.classifier.unmirrored(), recognizer.detector)
    faces = follower.find(frames[0], 0)
    crops = one_look.crops(frames[0], faces)
    predictions = one_look.classify(frames[0], faces).predictions
    tracker, analyzer = FaceTracker(confirm_seconds=0), StreamAnalyzer(recognizer, FaceTracker(confirm_seconds=0))
    ticks = ticking()
    answer = analyzer.analyze(frames[0], 0)
    return {
        "decode": over(frames, lambda frame: load_image(contents[id(frame)])),
        "faces": over(frames, lambda frame: follower.find(frame, next(ticks))),
        "crops": median_milliseconds(lambda: one_look.crops(frames[0], faces)),
        "graph": median_milliseconds(lambda: one_look.classifier.probabilities(crops)),
        "tracking": median_milliseconds(lambda: tracker.update(next(ticks), predictions, frames[0])),
        "answer": median_milliseconds(answer.to_dict),
        "whole": over(frames, lambda frame: analyzer.analyze(load_image(contents[id(frame)]), next(ticks))),
    }


def ticking() -> Iterator[float]:
    """Timestamps of a camera's frames, in seconds."""
    number = 0
    while True:
        number += 1
        yield number / RATE


def over(frames: list[RGB], work: Callable[[RGB], Any]) -> float:
    """Mean milliseconds per frame over all frames, as they differ in cost."""
    return round(1000 * best_seconds(lambda: [work(frame) for frame in frames]) / len(frames), 3)


def video_stages(recognizer: EmotionRecognizer, clip: Path) -> dict[str, float]:
    """Milliseconds per frame for every stage of a clip, ``RATE`` frames a second analysed; ``whole``: everything."""
    frames = decoded(clip)
    rate = Fraction(len(frames)) / Fraction(inputs.CLIP_SECONDS)
    step = max(round(rate / RATE), 1)
    analyzed = [(number / float(rate), frames[number]) for number in range(0, len(frames), step)]
    one_look = EmotionRecognizer(recognizer.classifier.unmirrored(), recognizer.detector)
    faces = one_look.detector.detect(frames[0])
    crops = one_look.crops(frames[0], faces)
    captions = StreamAnalyzer(recognizer, FaceTracker(confirm_seconds=0)).analyze(frames[0], 0).captions()
    yuv = [np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420), np.uint8) for frame in frames]
    with VideoReader(clip, probe(clip), OWN_MACHINE, VideoOptions().max_side) as reader:
        pictures, canvas = list(islice(reader, 30)), reader.canvas

    def search() -> None:
        follower = FaceFollower(recognizer.detector, VideoOptions().detection_side)
        for time, frame in analyzed:
            follower.find(frame, time)

    def each(seconds: float) -> float:
        return round(1000 * seconds / len(frames), 3)

    stages = {
        "decode": each(best_seconds(lambda: decode_only(clip))),
        "to RGB": round(median_milliseconds(lambda: canvas.rgb(pictures[0].frame)) / step, 3),
        "faces": each(best_seconds(search)),
        "graph": round(median_milliseconds(lambda: one_look.classifier.probabilities(crops)) / step, 3),
        "copy of the planes": median_milliseconds(pictures[0].i420),
        "drawing": median_milliseconds(lambda: paint_i420(yuv[0], captions, canvas.matrix)),
        "encode": each(best_seconds(lambda: encode_only(yuv, rate))),
    }
    stages["whole"] = whole(recognizer, clip)
    floors = sum(stages[name] for name in ("decode", "faces", "graph", "encode"))
    return {**stages, "floors": round(floors, 3), "whole_over_floors": round(stages["whole"] / floors, 3)}


def decode_only(clip: Path) -> int:
    with av.open(clip) as container:
        container.streams.video[0].thread_type = "AUTO"
        return sum(1 for _ in container.decode(video=0))


def decoded(clip: Path) -> list[RGB]:
    with av.open(clip) as container:
        container.streams.video[0].thread_type = "AUTO"
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def encode_only(yuv: list[Any], rate: Fraction) -> None:
    with tempfile.TemporaryDirectory() as folder, av.open(f"{folder}/out.mp4", "w") as out:
        height, width = yuv[0].shape[0] * 2 // 3, yuv[0].shape[1]
        stream: Any = out.add_stream("libx264", rate=rate, options=video_write.X264, width=width, height=height)
        stream.thread_type = "AUTO"
        for number, pixels in enumerate(yuv):
            frame = av.VideoFrame.from_ndarray(pixels, format="yuv420p")
            frame.pts, frame.time_base = number, 1 / rate
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


def whole(recognizer: EmotionRecognizer, clip: Path, rate: float | None = RATE, **options: Any) -> float:
    """Milliseconds per frame for the whole analysis, including writing its files."""
    frames = 0

    def work() -> None:
        nonlocal frames
        with (
            tempfile.TemporaryDirectory() as folder,
            closing(analyze_video(clip, folder, recognizer, VideoOptions(rate=rate, **options))) as steps,
        ):
            for step in steps:
                frames = step.frames

    return round(1000 * best_seconds(work) / frames, 3)


class AtOnce:
    """``in_order.Behind`` without its thread."""

    def __init__(self, most: int) -> None: ...

    def __enter__(self) -> "AtOnce":
        return self

    def __exit__(self, *_: object) -> None: ...

    def __call__(self, function: Callable[..., object], *values: object) -> None:
        function(*values)

    def finish(self) -> None: ...


@contextmanager
def without_threads() -> Iterator[None]:
    def as_they_come(items: Iterator[Any], most: int) -> Iterator[Any]:  # noqa: ARG001
        yield from items

    with patch.object(video, "ahead", as_they_come), patch.object(video, "Behind", AtOnce):
        yield


def by_rgb(writer: video_write.VideoWriter, item: Followed) -> None:
    """Convert every frame to RGB, draw on it, and convert it back."""
    paint(item.picture.rgb, item.frame.captions())
    writer.write(item.picture.rgb, item.picture.pts)


def video_steps(recognizer: EmotionRecognizer, clip: Path) -> dict[str, dict[str, float]]:
    """The clip's cost with each optimisation undone alone: milliseconds per frame, and relative to the whole."""
    usual = whole(recognizer, clip)
    taken = {"faces followed between searches of the whole frame": whole(recognizer, clip, search_seconds=0.0)}
    with patch.dict(video_write.X264, {"preset": "veryfast", "x264-params": ""}):
        taken["a cheaper encoder setting, of the same size and quality"] = whole(recognizer, clip)
    with patch.dict(video_write.X264, {"x264-params": "mbtree=1:rc-lookahead=10"}):
        taken["B-frames at fixed places, a shorter look ahead, no search below a pixel"] = whole(recognizer, clip)
    with patch.object(video, "_draw", by_rgb):
        taken["boxes drawn on the planes, RGB for analysed frames alone"] = whole(recognizer, clip)
    with without_threads():
        taken["decoding and encoding in threads of their own"] = whole(recognizer, clip)
    taken["ten frames a second analysed, not every one"] = whole(recognizer, clip, rate=None)
    taken["faces sought on 640 pixels a side, not 1024"] = whole(recognizer, clip, detection_side=1024)
    graph = (resolve_bundle("fer2013-resnet50v2").bundle.folder / "model.tflite").read_bytes()
    one_thread = Classifier(LiteRTNetwork(graph, threads=1), recognizer.config)
    taken["the graph on both cores, not on one"] = whole(EmotionRecognizer(one_thread, recognizer.detector), clip)
    rows = {step: {"without": cost, "ratio": round(cost / usual, 2)} for step, cost in taken.items()}
    return {"all steps": {"without": usual, "ratio": 1.0}, **rows}
