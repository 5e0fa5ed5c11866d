"""Videos, one at a time, whichever way they came: the page, the Python client or REST."""

from collections.abc import Generator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from ..errors import OutputError, VideoError
from ..recognition.catalogue import Catalogue
from ..settings import Settings
from ..video.analysis import analyze_video
from ..video.probe import VideoInfo, VideoLimits, probe
from ..video.results import VideoOptions, VideoProgress, VideoSummary
from ..video.work import Work
from .line import Line

#: Frames a second of the fastest films that the limit in seconds is meant for.
_FASTEST: Final = 120
#: How long somebody waits in line until the next word, if nothing moves: who has left is noticed then, in seconds.
_HEARTBEAT: Final = 1.0
#: Seconds of work for a second of the longest video, and the least that any gets: then it ends with what it has.
_SLOWEST: Final = 6
_LEAST_WORK: Final = 60
#: Whoever waits on the page holds one of its server's forty threads: where so many wait already, it takes no more.
_MOST_ON_THE_PAGE: Final = 16


@dataclass(frozen=True, slots=True)
class Waiting:
    """ahead: how many videos come first, the running one included."""

    ahead: int


class VideoDesk:
    """Takes videos in and analyses them one after the other, in the order of their coming.

    A video uses every core there is: two at a time would both be slow, and leave less for photos.
    """

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        seconds = settings.max_video_seconds
        self.limits = VideoLimits(
            max_seconds=seconds,
            max_bytes=settings.max_video_mb * 1_000_000,
            max_frames=seconds * _FASTEST,
            max_work_seconds=max(_LEAST_WORK, _SLOWEST * seconds),
        )
        #: Everyone waits here: who came by the page or the Python client, REST's jobs, an assistant's videos.
        self.line = Line(settings.max_video_jobs)
        self._catalogue = catalogue

    def probe(self, source: Path) -> VideoInfo:
        """What the file says of itself; a VideoError if it cannot be used or is over the limits."""
        return probe(source, self.limits)

    def analyze(
        self, source: Path, folder: Path, model: str | None = None, options: VideoOptions | None = None
    ) -> Work[Waiting | VideoProgress, VideoSummary]:
        """``video.analyze_video`` with the model of that name, when it is this video's turn.

        Refuses at once, with an EmotionError, what cannot be used, and anything at all while every
        place is taken. Closing it ends the work, or the waiting, and lets the next one in.
        """
        self.line.refuse_over(_MOST_ON_THE_PAGE)
        return Work(self._in_turn(self._work(source, folder, model, options or VideoOptions()), folder))

    def run(self, source: Path, folder: Path, copy: bool = True) -> Generator[VideoProgress, None, None]:
        """A ``jobs.Runner``: the work itself, for a job whose turn it is."""
        with self._work(source, folder, None, VideoOptions(copy=copy)) as work:
            yield from work

    def _work(
        self, source: Path, folder: Path, model: str | None, options: VideoOptions
    ) -> Work[VideoProgress, VideoSummary]:
        return analyze_video(source, folder, self._catalogue.get(model), replace(options, limits=self.limits))

    def _in_turn(
        self, work: Work[VideoProgress, VideoSummary], folder: Path
    ) -> Generator[Waiting | VideoProgress, None, VideoSummary]:
        with self.line.take() as place:
            place.stand()
            try:
                while ahead := place.ahead:
                    yield Waiting(ahead)
                    place.wait(ahead, _HEARTBEAT)
                return (yield from work)
            except (OutputError, VideoError) as error:
                # Where things lie on this machine is nobody's business.
                error.args = (str(error).replace(str(folder), "its folder"),)
                raise
