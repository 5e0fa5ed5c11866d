"""Videos, one at a time, whether from the page, the Python client or REST."""

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from ..errors import OutputError, VideoError
from ..picture_costs import MAX_MEMORY
from ..recognition.catalogue import Catalogue
from ..recognition.recognizer import EmotionRecognizer
from ..settings import Settings
from ..video.analysis import work_on
from ..video.probe import VideoInfo, VideoLimits
from ..video.results import VideoOptions, VideoProgress, VideoSummary
from ..video.work import Work
from .checked_videos import probed, probed_at_once
from .line import Line, Place
from .places import Places
from .results_room import ResultsRoom
from .video_pictures import VideoPictures

#: The highest frame rate that the limit in seconds is meant for.
_FASTEST: Final = 120
#: Seconds between updates to a waiting visitor if nothing moves; that is when one who has left is noticed.
_HEARTBEAT: Final = 1.0
#: Seconds of work per second of the longest video, and the least any video gets; then it ends with what it has.
_SLOWEST: Final = 6
_LEAST_WORK: Final = 60
#: Each visitor waiting on the page holds one of its server's forty threads, so no more than this many may wait.
MOST_ON_THE_PAGE: Final = 16


@dataclass(frozen=True, slots=True)
class Waiting:
    """ahead: how many videos come first, the one being processed included."""

    ahead: int


class VideoDesk:
    """Accepts videos and analyses them one after another, in the order of arrival.

    A video uses every core: two at once would both be slow, and leave less for photos.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        settings: Settings,
        places: Places | None = None,
        room: ResultsRoom | None = None,
    ) -> None:
        """places: of pictures, whose memory large videos take. room: for annotated copies; None for no limit."""
        seconds = settings.max_video_seconds
        self.limits = VideoLimits(
            max_seconds=seconds,
            max_bytes=settings.max_video_mb * 1_000_000,
            max_frames=seconds * _FASTEST,
            max_work_seconds=max(_LEAST_WORK, _SLOWEST * seconds),
        )
        #: All videos wait here: from the page, the Python client, REST's jobs and assistants.
        self.line = Line(settings.max_video_jobs)
        self._catalogue, self._room = catalogue, room
        self._places = places or Places(1, MAX_MEMORY)

    def probe(self, source: Path, address: str = "") -> VideoInfo:
        """What the file from this address says about itself; VideoError if it cannot be used or is over the limits.

        Raises BusyError if too many others wait to be told.
        """
        return probed(source, self.limits, self._places, address)

    def analyze(
        self,
        source: Path,
        folder: Path,
        model: str | None = None,
        options: VideoOptions | None = None,
        address: str = "",
    ) -> Work[Waiting | VideoProgress, VideoSummary]:
        """As ``video.analyze_video`` with the named model, when it is the turn of this video from this address.

        The file is read by processes that can be ended.

        Raises an EmotionError at once for what cannot be used, and for anything while every place is
        taken, or the address has its share. Closing it ends the work or the wait, and lets the next one in.
        """
        place = self.line.take(address, MOST_ON_THE_PAGE)  # first: to check a video takes a thread for seconds
        try:
            check = partial(probed, places=self._places, address=address)
            work = self._work(source, folder, model, options or VideoOptions(), check)
        except BaseException:
            place.leave()
            raise
        steps = self._in_turn(place, work, folder)
        next(steps)  # from here on the place is given back by whatever ends it
        return Work(steps)

    def run(self, source: Path, folder: Path, copy: bool = True) -> Generator[VideoProgress, None, None]:
        """A ``jobs.Runner``: does the work of a job whose turn it is."""
        check = partial(probed_at_once, places=self._places)
        with self._work(source, folder, None, VideoOptions(copy=copy), check) as work:
            yield from work

    def _work(
        self,
        source: Path,
        folder: Path,
        model: str | None,
        options: VideoOptions,
        check: Callable[[Path, VideoLimits], VideoInfo],
    ) -> Work[VideoProgress, VideoSummary]:
        recognizer = self._catalogue.get(model)
        options = replace(options, limits=self.limits)
        info = check(source, self.limits)
        return Work(self._steps(source, folder, recognizer, options, info))

    def _steps(
        self, source: Path, folder: Path, recognizer: EmotionRecognizer, options: VideoOptions, info: VideoInfo
    ) -> Generator[VideoProgress, None, VideoSummary]:
        """Begins when it is its turn: by then others' copies may lie there."""
        if options.copy and self._room is not None:
            most = min(self.limits.max_copy_bytes, self._room.left(folder))
            options = replace(options, limits=replace(self.limits, max_copy_bytes=most))
        pictures = partial(VideoPictures, source, info, options, places=self._places)
        return (yield from work_on(source, folder, recognizer, options, info.frames, pictures))

    def _in_turn(
        self, place: Place, work: Work[VideoProgress, VideoSummary], folder: Path
    ) -> Generator[Waiting | VideoProgress, None, VideoSummary]:
        with place:
            place.stand()
            yield Waiting(place.ahead)
            try:
                while ahead := place.ahead:
                    yield Waiting(ahead)
                    place.wait(ahead, _HEARTBEAT)
                return (yield from work)
            except (OutputError, VideoError) as error:
                # Visitors must not see server paths.
                error.args = (str(error).replace(str(folder), "its folder"),)
                raise
