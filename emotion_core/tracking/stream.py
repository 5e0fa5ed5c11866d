"""A recognizer with a memory: consecutive frames of one camera or one video, persons kept apart."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict

import numpy as np
from numpy.typing import NDArray

from ..images import RGB
from ..recognition.classifier import is_uncertain
from ..recognition.recognizer import EmotionRecognizer
from ..render import caption
from ..results import Box, Face, FaceDict, Prediction
from .face_search import FaceFollower
from .smoother import ProbabilitySmoother
from .tracker import FaceTracker


class TrackedFaceDict(FaceDict):
    """A ``TrackedFace`` as JSON: everything is smoothed but ``raw_probabilities``."""

    person: int
    raw_probabilities: dict[str, float]


class TrackedFrameDict(TypedDict):
    """A ``TrackedFrame`` as JSON."""

    time_seconds: float
    width: int
    height: int
    faces: list[TrackedFaceDict]


@dataclass(frozen=True, slots=True)
class TrackedFace:
    """A person in one frame: what the network said of this frame, and the same smoothed over time."""

    person: int
    raw: Prediction
    smoothed: Prediction

    def to_dict(self) -> TrackedFaceDict:
        """As JSON's types."""
        raw = dict(zip(self.raw.labels, self.raw.probabilities, strict=True))
        return {"person": self.person, **self.smoothed.to_dict(), "raw_probabilities": raw}


@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """All persons seen in one frame, largest first; width and height in pixels."""

    time_seconds: float
    width: int
    height: int
    faces: tuple[TrackedFace, ...]

    def captions(self) -> list[tuple[Prediction, str]]:
        """What ``render.paint`` draws: the smoothed predictions, captioned with the persons' numbers."""
        return [(face.smoothed, caption(face.smoothed, face.person)) for face in self.faces]

    def to_dict(self) -> TrackedFrameDict:
        """As JSON's types."""
        return {
            "time_seconds": round(self.time_seconds, 6),
            "width": self.width,
            "height": self.height,
            "faces": [face.to_dict() for face in self.faces],
        }


@dataclass(frozen=True, slots=True)
class Look:
    """A frame whose faces are found and not yet named: RGB uint8 (H, W, 3), and crops uint8 (N, h, w, c)."""

    rgb: RGB
    time_seconds: float
    faces: Sequence[Face]
    crops: NDArray[np.uint8]


class StreamAnalyzer:
    """Analyses the frames of one stream in the order of time. One per visitor or video: it has a
    memory, and is not to be shared; the recognizer may be.

    >>> analyzer = StreamAnalyzer(recognizer, FaceTracker(confirm_seconds=0))
    >>> analyzer.analyze(rgb, time.monotonic()).faces
    """

    def __init__(
        self,
        recognizer: EmotionRecognizer,
        tracker: FaceTracker | None = None,
        smoother: ProbabilitySmoother | None = None,
        follower: FaceFollower | None = None,
    ) -> None:
        # Smoothing over frames does for a stream what the mirror image does for a single photo, for nothing.
        self.recognizer = EmotionRecognizer(recognizer.classifier.one_look(), recognizer.detector, recognizer.origin)
        self.tracker = tracker or FaceTracker()
        self.smoother = smoother or ProbabilitySmoother()
        self.follower = follower or FaceFollower(recognizer.detector)

    def analyze(self, rgb: RGB, time_seconds: float) -> TrackedFrame:
        """Analyse the next frame, RGB uint8 (H, W, 3); ValueError when time runs backwards."""
        [frame] = self.answer([self.look(rgb, time_seconds)])
        return frame

    def look(self, rgb: RGB, time_seconds: float) -> Look:
        """Find the next frame's faces, for ``answer`` to name; the pixels must not change until then."""
        faces = self.follower.find(rgb, time_seconds)
        return Look(rgb, time_seconds, faces, self.recognizer.crops(rgb, faces))

    def answer(self, looks: Sequence[Look]) -> list[TrackedFrame]:
        """Name the expressions of several frames in one call of the graph, and follow the persons through them."""
        faces = [face for look in looks for face in look.faces]
        named = iter(self.recognizer.predict(np.concatenate([look.crops for look in looks]), faces))
        return [self._track(look, [next(named) for _ in look.faces]) for look in looks]

    def _track(self, look: Look, predictions: Sequence[Prediction]) -> TrackedFrame:
        config = self.recognizer.config
        seen = self.tracker.update(look.time_seconds, predictions, look.rgb)
        smoothed = self.smoother.update(look.time_seconds, {who: raw.probabilities for who, raw in seen.items()})
        faces = []
        for person, raw in seen.items():
            weak = bool(is_uncertain(np.array([smoothed[person]]), config.uncertain)[0])
            faces.append(TrackedFace(person, raw, Prediction(raw.face, raw.labels, smoothed[person], weak)))
        return TrackedFrame(look.time_seconds, look.rgb.shape[1], look.rgb.shape[0], tuple(faces))


def between(before: TrackedFrame, after: TrackedFrame, time_seconds: float) -> TrackedFrame:
    """A frame that was not analysed: the persons of ``before``, boxes on their way to ``after``."""
    span = after.time_seconds - before.time_seconds
    share = min(max((time_seconds - before.time_seconds) / span, 0.0), 1.0) if span > 0 else 0.0
    targets = {face.person: face.smoothed.face.box for face in after.faces}
    faces = []
    for face in before.faces:
        moved = face.smoothed
        if face.person in targets:
            box = _on_the_way(moved.face.box, targets[face.person], share)
            moved = replace(moved, face=replace(moved.face, box=box))
        faces.append(replace(face, smoothed=moved))
    return replace(before, time_seconds=time_seconds, faces=tuple(faces))


def _on_the_way(start: Box, end: Box, share: float) -> Box:
    def at(first: int, last: int) -> int:
        return round(first + share * (last - first))

    return Box(at(start.x, end.x), at(start.y, end.y), at(start.width, end.width), at(start.height, end.height))
