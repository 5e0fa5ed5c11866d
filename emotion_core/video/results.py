"""What a video's analysis is asked for and what it answers: options, progress, summary, files."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from typing_extensions import TypedDict

from ..files import fitting
from ..options import frames_a_second, option
from ..tracking.people import Person, PersonDict
from .probe import VideoLimits


@dataclass(frozen=True, slots=True)
class VideoOptions:
    """How a video is analysed. Raises ValueError for values out of their bounds."""

    #: Frames analysed a second, or None for every one; all are written.
    rate: float | None = option(
        None, "analyse N frames a second instead of every one", type=frames_a_second, metavar="N"
    )
    #: The longest side of the annotated video, in pixels; larger videos are scaled down.
    max_side: int = 1280
    #: Time constant of the smoothing; 0 for none.
    smoothing_seconds: float = 0.4
    #: How long a person may be out of sight and keep the number by place alone; later, the face must be the same.
    gap_seconds: float = 1.0
    #: For how long frames must show a face, each until the next one, before it counts, from its first sighting on.
    confirm_seconds: float = 0.12
    #: Longest side of the copy on which faces are sought, in pixels: smaller is faster, and misses small faces.
    detection_side: int = 640
    #: From one search of the whole frame to the next; in between, faces are sought near where they were. 0: always.
    search_seconds: float = 0.3
    #: The least score of a face's detection, 0 to 1, where the detector gives one.
    min_score: float = 0.7
    #: Whether the annotated video is written, too; without it the other answers come much sooner.
    copy: bool = option(True, "write no annotated video: tables and timeline, sooner")
    #: What a video may have at most.
    limits: VideoLimits = field(default_factory=VideoLimits)

    def __post_init__(self) -> None:
        if self.rate is not None and not 0 < self.rate <= 1000:
            raise ValueError(f"The rate is frames a second, above 0, not {self.rate}.")
        if min(self.max_side, self.detection_side) < 64:
            raise ValueError("max_side and detection_side are pixels, at least 64.")
        if not 0 <= self.min_score <= 1:
            raise ValueError(f"min_score is 0 to 1, not {self.min_score}.")
        if min(self.smoothing_seconds, self.gap_seconds, self.confirm_seconds, self.search_seconds) < 0:
            raise ValueError("Times are seconds, 0 or more.")


#: An attribute of ``VideoFiles`` -> what is put after the video's own name.
ENDINGS: Final = {"video": ".annotated.mp4", "csv": ".csv", "json": ".json", "timeline": ".timeline.svg"}


@dataclass(frozen=True, slots=True)
class VideoFiles:
    """Where the answers of a video are."""

    #: The annotated copy; None where none was asked for.
    video: Path | None
    #: A row per face and analysed frame.
    csv: Path
    #: The summary, and every frame.
    json: Path
    #: The chart, as SVG.
    timeline: Path

    @classmethod
    def beside(cls, folder: Path, name: str, copy: bool = True) -> "VideoFiles":
        """The files for a video called ``name``; the whole name is kept, as a.mp4 and a.webm are two."""
        video, *others = (folder / fitting("", name, ending) for ending in ENDINGS.values())
        return cls(video if copy else None, *others)

    def all(self) -> tuple[Path, ...]:
        """Those that there are."""
        return tuple(path for path in (self.video, self.csv, self.json, self.timeline) if path is not None)


class VideoSummaryDict(TypedDict):
    """A ``VideoSummary`` as JSON; times in seconds, sizes in pixels."""

    seconds: float
    frames: int
    analyzed_frames: int
    width: int
    height: int
    has_sound: bool
    model: str
    detector: str
    notices: list[str]
    people: list[PersonDict]


@dataclass(frozen=True, slots=True)
class VideoSummary:
    """What was seen."""

    #: The length of the video.
    seconds: float
    #: All that were read.
    frames: int
    #: Those that were looked at.
    analyzed_frames: int
    #: Of the annotated video, in whose pixels all boxes are.
    width: int
    #: Of the annotated video.
    height: int
    #: Whether the annotated video has sound.
    has_sound: bool
    #: The name of the model that answered.
    model: str
    #: The name of the detector that found the faces.
    detector: str
    #: What a reader should know, such as that the file was cut short.
    notices: tuple[str, ...]
    #: In the order in which they were first seen.
    people: tuple[Person, ...]
    #: Where the answers are.
    files: VideoFiles
    #: Frames a second of the work.
    rate: float
    #: The timeline as SVG, to be put into a page; the file has a background of its own.
    chart: str = field(repr=False)

    def to_dict(self) -> VideoSummaryDict:
        """As JSON's types."""
        return {
            "seconds": round(self.seconds, 3),
            "frames": self.frames,
            "analyzed_frames": self.analyzed_frames,
            "width": self.width,
            "height": self.height,
            "has_sound": self.has_sound,
            "model": self.model,
            "detector": self.detector,
            "notices": list(self.notices),
            "people": [person.to_dict() for person in self.people],
        }


@dataclass(frozen=True, slots=True)
class VideoProgress:
    """How far the work is."""

    #: Done.
    frames: int
    #: Of all, perhaps estimated; None if unknown.
    total: int | None
    #: 0 to 1, of the file where the number of frames is unknown.
    fraction: float
    #: Frames a second.
    rate: float
    #: Until the end; None while that is unknown.
    seconds_left: float | None
