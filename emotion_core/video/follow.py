"""A video's pictures in order, each with the people in it."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias

from ..recognition.recognizer import EmotionRecognizer
from ..tracking.face_search import FaceFollower
from ..tracking.familiar import FamiliarFaces
from ..tracking.smoother import ProbabilitySmoother
from ..tracking.stream import FoundFaces, StreamAnalyzer, TrackedFrame, between
from ..tracking.tracker import FaceTracker
from .picture import Picture
from .results import VideoOptions
from .slots import Slots

#: Analysed frames whose faces are classified in one call, in three quarters of the time of single calls.
BATCH: Final = 4
#: Faces with which such a call begins at the latest: nothing ends one, and four frames of a crowd took twenty seconds.
_MANY: Final = 64
#: Frames held back for such a call, and as many again until the next analysed one shows where their boxes go.
MAX_WAITING: Final = 16

#: A picture and its faces, or None if it is not analysed.
Sought: TypeAlias = tuple[Picture, FoundFaces | None]


@dataclass(frozen=True, slots=True)
class Followed:
    """A picture with its people; analyzed: False if interpolated between analysed pictures."""

    picture: Picture
    frame: TrackedFrame
    analyzed: bool


def analyzer_of(recognizer: EmotionRecognizer, options: VideoOptions) -> StreamAnalyzer:
    """A new analyzer for one video with these options; it is stateful, so each video needs its own."""
    return StreamAnalyzer(
        recognizer,
        FaceTracker(options.gap_seconds, options.confirm_seconds, FamiliarFaces()),
        ProbabilitySmoother(options.smoothing_seconds, options.gap_seconds),
        FaceFollower(recognizer.detector, options.detection_side, options.min_score, options.search_seconds),
    )


def seek(pictures: Iterable[Picture], analyzer: StreamAnalyzer, rate: float | None) -> Iterator[Sought]:
    """Every picture, in order, with the faces in those that are analysed.

    rate: pictures a second that are; None for all. It may run in a thread beside ``follow``, ahead of it: finding faces
    and naming them share nothing.
    """
    slots = Slots(rate)
    for picture in pictures:
        analyzed = slots.begin(picture.time_seconds)
        yield picture, analyzer.find(picture.rgb, picture.time_seconds) if analyzed else None


def follow(sought: Iterable[Sought], analyzer: StreamAnalyzer, end_seconds: Callable[[], float]) -> Iterator[Followed]:
    """Every picture, in order, with the people in it.

    end_seconds: called after the last picture, returns when it stops being shown. Pictures wait until
    the people in them are decided, and those between two analysed ones until the second is analysed.
    """
    line = _Line()
    found: list[FoundFaces] = []
    for picture, seen in sought:
        line.pictures.append((picture, seen is not None))
        if seen:
            found.append(seen)
        many = sum(len(one.faces) for one in found) >= _MANY
        if found and (len(found) == BATCH or many or len(line.pictures) > MAX_WAITING):
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
    """Pictures waiting for results. pictures: each with whether it is analysed; frames: the results."""

    def __init__(self) -> None:
        self.pictures: deque[tuple[Picture, bool]] = deque()
        self.frames: deque[TrackedFrame] = deque()
        self._before: TrackedFrame | None = None

    def ready(self) -> Iterator[Followed]:
        """Pictures up to the last result; also later ones that exceed the queue's limit."""
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
        """The pictures after the last result."""
        while self._before and self.pictures:
            yield self._held(self._before)

    def _held(self, before: TrackedFrame) -> Followed:
        picture, _ = self.pictures.popleft()
        return Followed(picture, between(before, before, picture.time_seconds), False)
