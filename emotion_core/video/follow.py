"""The pictures of a video, in order, each with the persons that it shows."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from ..recognition.recognizer import EmotionRecognizer
from ..tracking.face_search import FaceFollower
from ..tracking.familiar import FamiliarFaces
from ..tracking.smoother import ProbabilitySmoother
from ..tracking.stream import FoundFaces, StreamAnalyzer, TrackedFrame, between
from ..tracking.tracker import FaceTracker
from .picture import Picture
from .results import VideoOptions

#: Analysed frames whose faces are named in one call: that takes three quarters of the time of one by one.
BATCH: Final = 4
#: Frames held back for one such call, and as many again until the next analysed one says where their boxes go.
MAX_WAITING: Final = 16


@dataclass(frozen=True, slots=True)
class Followed:
    """A picture with its persons; analyzed: not merely between two that were."""

    picture: Picture
    frame: TrackedFrame
    analyzed: bool


def analyzer_of(recognizer: EmotionRecognizer, options: VideoOptions) -> StreamAnalyzer:
    """What analyses one video as ``options`` say; it has a memory, so another video needs another."""
    return StreamAnalyzer(
        recognizer,
        FaceTracker(options.gap_seconds, options.confirm_seconds, FamiliarFaces()),
        ProbabilitySmoother(options.smoothing_seconds, options.gap_seconds),
        FaceFollower(recognizer.detector, options.detection_side, options.min_score, options.search_seconds),
    )


def follow(
    pictures: Iterable[Picture],
    analyzer: StreamAnalyzer,
    rate: float | None,
    end_seconds: Callable[[], float],
) -> Iterator[Followed]:
    """Every picture, in order, with the persons it shows.

    end_seconds: asked when all have come, when the last one stops to be shown. Pictures wait until
    it is known who is on them, and those between two analysed ones where their boxes are on the way to.
    """
    line = _Line()
    found: list[FoundFaces] = []
    slot = -1
    for picture in pictures:
        # Times fall into slots of 1 / rate; the first frame of each is analysed, and so the first of all.
        now = slot + 1 if rate is None else int(picture.time_seconds * rate + 1e-6)
        line.pictures.append((picture, now != slot))
        if now != slot:
            found.append(analyzer.find(picture.rgb, picture.time_seconds))
        slot = now
        if found and (len(found) == BATCH or len(line.pictures) > MAX_WAITING):
            line.frames.extend(analyzer.answer(found))
            found.clear()
        if not found:
            line.frames.extend(analyzer.pass_time(picture.time_seconds))
        yield from line.ready()
    if found:
        line.frames.extend(analyzer.answer(found))
    line.frames.extend(analyzer.finish(end_seconds()))
    yield from line.ready()
    yield from line.rest()


class _Line:
    """Pictures that wait for what was seen on them. pictures: with whether they are analysed; frames: what was seen."""

    def __init__(self) -> None:
        self.pictures: deque[tuple[Picture, bool]] = deque()
        self.frames: deque[TrackedFrame] = deque()
        self._before: TrackedFrame | None = None

    def ready(self) -> Iterator[Followed]:
        """Those before and with a frame that was seen; of those after the last one what is too much to keep."""
        while self.frames:
            picture, analyzed = self.pictures.popleft()
            after = self.frames[0]
            if analyzed:
                self._before = self.frames.popleft()
                yield Followed(picture, after, True)
            else:
                yield Followed(picture, between(self._before or after, after, picture.time_seconds), False)
        while self._before and len(self.pictures) > MAX_WAITING and not any(seen for _, seen in self.pictures):
            yield self._held(self._before)

    def rest(self) -> Iterator[Followed]:
        """Those after the last frame that was seen."""
        while self._before and self.pictures:
            yield self._held(self._before)

    def _held(self, before: TrackedFrame) -> Followed:
        picture, _ = self.pictures.popleft()
        return Followed(picture, between(before, before, picture.time_seconds), False)
