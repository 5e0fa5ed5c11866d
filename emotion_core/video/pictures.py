"""What an analysis needs of whoever reads the video."""

from collections.abc import Iterator
from fractions import Fraction
from types import TracebackType
from typing import Protocol, Self

from .picture import Canvas, Picture
from .probe import VideoInfo
from .sound import SoundTrack


class Pictures(Protocol):
    """A video's pictures from start to end; a context manager.

    info: frame_bytes is the memory of a picture as it comes. width, height: even, of the pictures, in pixels.
    time_base: the unit of their ``pts``. frames, seconds, bytes_read: how far it has come, in the video and the file.
    """

    info: VideoInfo
    width: int
    height: int
    time_base: Fraction
    canvas: Canvas
    frames: int
    seconds: float
    bytes_read: int

    def __enter__(self) -> Self:
        """Itself."""

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        """End it."""

    def __iter__(self) -> Iterator[Picture]:
        """Read them, once. Raises VideoError for a video that cannot be used."""

    @property
    def stopped(self) -> bool:
        """Whether ``stop`` was called."""

    def stop(self) -> None:
        """End the iteration soon, from any thread."""

    def notices(self) -> tuple[str, ...]:
        """Problems the user should know about; complete once the iteration has ended."""

    def sound(self) -> SoundTrack:
        """The same file's audio, to be read alongside the pictures; the caller closes it."""
