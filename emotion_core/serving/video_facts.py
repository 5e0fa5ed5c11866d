"""What the server and the processes that read a video tell one another of it, as JSON: they trust nothing else."""

from dataclasses import asdict
from fractions import Fraction
from typing import Any

from ..video.picture import Orientation
from ..video.probe import VideoInfo, VideoLimits


def facts_of(info: VideoInfo) -> dict[str, Any]:
    """As JSON's types."""
    return {**asdict(info), "rate": str(info.rate), "start": str(info.start)}


def info_of(facts: dict[str, Any]) -> VideoInfo:
    """The inverse."""
    rate, start = Fraction(facts["rate"]), Fraction(facts["start"])
    return VideoInfo(**{**facts, "rate": rate, "start": start, "orientation": Orientation(**facts["orientation"])})


def limits_of(facts: dict[str, Any]) -> VideoLimits:
    """The inverse of ``dataclasses.asdict``."""
    return VideoLimits(**facts)
