"""Inputs and outputs of a video analysis: options, progress, summary, files."""

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
    """How a video is analysed. Raises ValueError for values out of bounds."""

    #: Frames analysed per second, or None for every frame; all are written.
    rate: float | None = option(
        None, "analyse N frames a second instead of every one", type=frames_a_second, metavar="N"
    )
    #: The longest side of the annotated video, in pixels; larger videos are scaled down.
    max_side: int = 1280
    #: Time constant of the smoothing; 0 for none.
    smoothing_seconds: float = 0.4
    #: How long a person may be out of sight and keep the number by position alone; after that the face must match.
    gap_seconds: float = 1.0
    #: How long frames must show a face, each until the next one, for it to count, then from its first sighting on.
    confirm_seconds: float = 0.12
    #: Longest side of the copy searched for faces, in pixels: smaller is faster, but misses small faces.
    detection_side: int = 640
    #: Interval between full-frame searches; in between, only areas around known faces are searched. 0: always full.
    search_seconds: float = 0.3
    #: Minimum detection score of a face, 0 to 1, if the detector gives one.
    min_score: float = 0.7
    #: Whether to write the annotated video, too; without it the other results come much sooner.
    copy: bool = option(True, "write no annotated video: tables and timeline, sooner")
    #: Upper limits for the video.
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


#: Attribute of ``VideoFiles`` -> suffix after the video's own name.
ENDINGS: Final = {"video": ".annotated.mp4", "csv": ".csv", "json": ".json", "timeline": ".timeline.svg"}


@dataclass(frozen=True, slots=True)
class VideoFiles:
    """Paths of a video's result files."""

    #: The annotated copy; None if none was requested.
    video: Path | None
    #: One row per face and analysed frame.
    csv: Path
    #: The summary, and all analysed frames.
    json: Path
    #: The timeline chart as SVG.
    timeline: Path

    @classmethod
    def beside(cls, folder: Path, name: str, copy: bool = True) -> "VideoFiles":
        """The files for a video called ``name``; the whole name is kept, as a.mp4 and a.webm may both exist."""
        video, *others = (folder / fitting("", name, ending) for ending in ENDINGS.values())
        return cls(video if copy else None, *others)

    def all(self) -> tuple[Path, ...]:
        """All files that are written."""
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
    """The result of a video analysis."""

    #: The length of the video.
    seconds: float
    #: Frames read.
    frames: int
    #: Frames analysed.
    analyzed_frames: int
    #: Width of the annotated video; all boxes are in its pixels.
    width: int
    #: Height of the annotated video.
    height: int
    #: Whether the annotated video has sound.
    has_sound: bool
    #: Name of the model.
    model: str
    #: Name of the face detector.
    detector: str
    #: What the user should know, for example that the file was truncated.
    notices: tuple[str, ...]
    #: The people, in the order they were first seen.
    people: tuple[Person, ...]
    #: The result files.
    files: VideoFiles
    #: Processing speed, in frames per second.
    rate: float
    #: The timeline as SVG for embedding in a page; the file also has a background.
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
    """How far the work has got."""

    #: Frames done.
    frames: int
    #: Total frames, possibly an estimate; None if unknown.
    total: int | None
    #: 0 to 1; the share of the file read if the number of frames is unknown.
    fraction: float
    #: Frames per second.
    rate: float
    #: Remaining time; None while unknown.
    seconds_left: float | None
