"""Answers of the page's own worker in a real Chromium, compared with the core's."""

import base64
import io
import statistics
from collections.abc import Iterable, Sequence
from typing import Any

from PIL import Image

from emotion_core import EmotionRecognizer
from emotion_core.images import RGB
from emotion_core.results import Box, Prediction
from emotion_core.serving.live import DETECTION_SIDE
from emotion_core.tracking.face_search import FaceFollower
from emotion_core.tracking.stream import StreamAnalyzer
from emotion_core.tracking.tracker import FaceTracker

#: Faces that overlap less than this (intersection over union) are different ones.
LEAST_OVERLAP = 0.5
_START = """async (model) => {
  const manifest = await (await fetch("browser/manifest.json")).json();
  const { Device } = await import(new URL(manifest.entry, location.href));
  window.device ??= await Device.start(manifest.device, location.href);
  await window.device.use(model);
}"""
_ANALYZE = """async (address) => {
  const picture = await createImageBitmap(await (await fetch(address)).blob());
  await window.device.call("forget");
  return window.device.frame(picture, 0);
}"""


def analyze(page: Any, model: str, pictures: Iterable[RGB]) -> list[dict[str, Any]]:
    """The browser's answers to pictures, RGB uint8 (H, W, 3), each as a camera's first frame of at most 640 pixels."""
    page.evaluate(_START, model)
    answers = []
    for rgb in pictures:
        file = io.BytesIO()
        Image.fromarray(rgb).save(file, "PNG", compress_level=1)
        address = f"data:image/png;base64,{base64.b64encode(file.getvalue()).decode()}"
        answers.append(page.evaluate(_ANALYZE, address))
    return answers


def parity(recognizer: EmotionRecognizer, pictures: Sequence[RGB], answers: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Compare the browser's answers with the server's webcam answers to the same frames.

    faces, found_by_both: counts. same_label, same_doubts: shares of found_by_both. probability_gap: of a face's worst
    label; box_gap: of the worst edge, in sides of the box; each as 99th percentile and maximum.
    """
    same, alike, gaps, apart = 0, 0, [], []
    faces = {"core": 0, "browser": 0}
    for rgb, answer in zip(pictures, answers, strict=True):
        follower = FaceFollower(recognizer.detector, DETECTION_SIDE)
        frame = StreamAnalyzer(recognizer, FaceTracker(confirm_seconds=0), follower=follower).analyze(rgb, 0)
        expected = [face.smoothed for face in frame.faces]
        faces["core"] += len(expected)
        faces["browser"] += len(answer["faces"])
        for prediction, face in _pairs(expected, answer["faces"]):
            same += prediction.emotion == face["emotion"]
            alike += (prediction.uncertain, list(prediction.doubts)) == (face["uncertain"], face["doubts"])
            shares = dict(zip(prediction.labels, prediction.probabilities, strict=True))
            gaps.append(max(abs(share - face["probabilities"][label]) for label, share in shares.items()))
            box, other = prediction.face.box, Box(**face["box"])
            across = max(abs(box.x - other.x), abs(box.x + box.width - other.x - other.width)) / box.width
            down = max(abs(box.y - other.y), abs(box.y + box.height - other.y - other.height)) / box.height
            apart.append(max(across, down))
    return {
        "photos": len(pictures),
        "faces": faces,
        "found_by_both": len(gaps),
        "same_label": round(same / max(len(gaps), 1), 5),
        "same_doubts": round(alike / max(len(gaps), 1), 5),
        "probability_gap": _worst(gaps),
        "box_gap": _worst(apart),
    }


def _pairs(expected: list[Prediction], faces: list[dict[str, Any]]) -> Iterable[tuple[Prediction, dict[str, Any]]]:
    left = list(faces)
    for prediction in expected:
        overlaps = [prediction.face.box.overlap(Box(**face["box"])) for face in left]
        if overlaps and max(overlaps) >= LEAST_OVERLAP:
            yield prediction, left.pop(overlaps.index(max(overlaps)))


def _worst(values: list[float]) -> dict[str, float]:
    if not values:
        return {}
    p99 = statistics.quantiles(values, n=100)[98] if len(values) > 1 else values[0]
    return {"p99": round(p99, 5), "largest": round(max(values), 5)}
