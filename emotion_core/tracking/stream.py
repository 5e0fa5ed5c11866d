"""A stateful recognizer for consecutive frames of one camera or video, which tells people apart."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from typing_extensions import TypedDict

from ..images import RGB
from ..recognition.classifier import is_uncertain
from ..recognition.recognizer import EmotionRecognizer
from ..render import caption
from ..results import Box, Face, FaceDict, Prediction
from .face_search import FaceFollower
from .smoother import ProbabilitySmoother
from .track import Track
from .tracker import FaceTracker

#: Frames that may wait until their faces are decided; beyond that they are decided by what is known.
MAX_UNDECIDED: Final = 64


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
    """A person in one frame."""

    #: The number, from 1, kept as long as the person is known.
    person: int
    #: The prediction from this frame alone.
    raw: Prediction
    #: The same, smoothed over time.
    smoothed: Prediction

    def to_dict(self) -> TrackedFaceDict:
        """As JSON's types."""
        raw = dict(zip(self.raw.labels, self.raw.probabilities, strict=True))
        return {"person": self.person, **self.smoothed.to_dict(), "raw_probabilities": raw}


@dataclass(frozen=True, slots=True)
class TrackedFrame:
    """All people in one frame, largest first."""

    #: On the caller's clock.
    time_seconds: float
    #: In pixels.
    width: int
    #: In pixels.
    height: int
    #: One per person.
    faces: tuple[TrackedFace, ...]

    def captions(self) -> list[tuple[Prediction, str]]:
        """What ``render.paint`` draws: the smoothed predictions, captioned with person numbers."""
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
class FoundFaces:
    """A frame with faces found but not yet classified: crops are uint8 (N, h, w, c), rgb uint8 (H, W, 3)."""

    rgb: RGB
    time_seconds: float
    faces: Sequence[Face]
    crops: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class _Sighting:
    """A frame with classified faces, whose tracks may not all be decided yet."""

    time_seconds: float
    width: int
    height: int
    predictions: Sequence[Prediction]
    tracks: Sequence[Track]

    @property
    def decided(self) -> bool:
        return all(track.decided for track in self.tracks)


class StreamAnalyzer:
    """Analyses the frames of one stream in time order. It is stateful: use one per visitor or video
    and do not share it; the recognizer may be shared.

    ``analyze`` returns at once, with the people confirmed by then, as live video needs it.
    ``answer``, ``pass_time`` and ``finish`` return each frame once all its faces are decided, so
    that people appear from their first sighting on. Use only one of the two ways per stream.

    >>> from emotion_core import load_image
    >>> analyzer = StreamAnalyzer(EmotionRecognizer.load(), FaceTracker(confirm_seconds=0))
    >>> frame = analyzer.analyze(load_image("photo.jpg"), time_seconds=0.0)
    >>> [(face.person, face.smoothed.emotion) for face in frame.faces]
    [(1, 'happy')]
    """

    def __init__(
        self,
        recognizer: EmotionRecognizer,
        tracker: FaceTracker | None = None,
        smoother: ProbabilitySmoother | None = None,
        follower: FaceFollower | None = None,
    ) -> None:
        # Smoothing over frames does the same for a stream as the mirror image for a photo, at no cost.
        self.recognizer = EmotionRecognizer(recognizer.classifier.unmirrored(), recognizer.detector, recognizer.origin)
        self.tracker = tracker or FaceTracker()
        self.smoother = smoother or ProbabilitySmoother()
        self.follower = follower or FaceFollower(recognizer.detector)
        self._undecided: deque[_Sighting] = deque()

    def analyze(self, rgb: RGB, time_seconds: float) -> TrackedFrame:
        """Analyse the next frame, RGB uint8 (H, W, 3); ValueError if time runs backwards."""
        [sighting] = self._sightings([self.find(rgb, time_seconds)])
        return self._frame(sighting)

    def find(self, rgb: RGB, time_seconds: float) -> FoundFaces:
        """Find the next frame's faces, for ``answer`` to name; the pixels must not change until then."""
        faces = self.follower.find(rgb, time_seconds)
        return FoundFaces(rgb, time_seconds, faces, self.recognizer.crops(rgb, faces))

    def answer(self, found: Sequence[FoundFaces]) -> list[TrackedFrame]:
        """Classify the faces of several frames in one call of the graph, and track the people through them.

        Returns the frames decided by now, of these and earlier ones, in order.
        """
        self._undecided.extend(self._sightings(found))
        if len(self._undecided) > MAX_UNDECIDED:
            self.tracker.hurry()
        return self._decided()

    def pass_time(self, time_seconds: float) -> list[TrackedFrame]:
        """The frames decided by this time, given that no other frame comes before it."""
        self.tracker.pass_time(time_seconds)
        return self._decided()

    def finish(self, end_seconds: float) -> list[TrackedFrame]:
        """The remaining frames at the end of the stream."""
        self.tracker.finish(end_seconds)
        return self._decided()

    def _sightings(self, found: Sequence[FoundFaces]) -> Iterator[_Sighting]:
        faces = [face for frame in found for face in frame.faces]
        if not found:
            return
        named = iter(self.recognizer.predict(np.concatenate([frame.crops for frame in found]), faces))
        for frame in found:
            predictions = [next(named) for _ in frame.faces]
            tracks = self.tracker.follow(frame.time_seconds, predictions, frame.rgb)
            yield _Sighting(frame.time_seconds, frame.rgb.shape[1], frame.rgb.shape[0], predictions, tracks)

    def _decided(self) -> list[TrackedFrame]:
        frames = []
        while self._undecided and self._undecided[0].decided:
            frames.append(self._frame(self._undecided.popleft()))
        return frames

    def _frame(self, sighting: _Sighting) -> TrackedFrame:
        seen = {
            track.person: raw
            for track, raw in zip(sighting.tracks, sighting.predictions, strict=True)
            if track.person is not None
        }
        smoothed = self.smoother.update(sighting.time_seconds, {who: raw.probabilities for who, raw in seen.items()})
        rule, faces = self.recognizer.config.uncertain, []
        for person, raw in seen.items():
            weak = bool(is_uncertain(np.array([smoothed[person]]), rule)[0]) or bool(raw.doubts)
            faces.append(TrackedFace(person, raw, Prediction(raw.face, raw.labels, smoothed[person], weak, raw.doubts)))
        return TrackedFrame(sighting.time_seconds, sighting.width, sighting.height, tuple(faces))


def between(before: TrackedFrame, after: TrackedFrame, time_seconds: float) -> TrackedFrame:
    """A frame that was not analysed: the people of ``before``, boxes interpolated towards ``after``."""
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
