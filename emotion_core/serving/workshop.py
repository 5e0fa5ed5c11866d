"""Pictures in, pixels out, for every entry point of the server: decoded in other processes, within the work limit."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final, TypeVar

from starlette.types import Scope

from ..errors import ImageError
from ..images import RGB, opened
from ..picture_costs import MAX_MEMORY
from ..picture_directories import notes_length
from ..recognition.crowds import CrowdError, naming_at_most
from ..recognition.sized_graphs import free_large_graphs, free_unneeded_graphs
from ..settings import Settings
from .addresses import client_address
from .decoder import CPU_SECONDS
from .decoder_process import Measure, SlowPictureError
from .decoding import Decoders, PictureFile, length_of
from .fork_server import ForkServer
from .places import USUAL_SECONDS, Places

T = TypeVar("T")

#: How long a webcam's frame waits for its turn, in seconds: a newer one follows anyway.
_FRAME_PATIENCE: Final = 2.0
#: Bytes per pixel of the simplest decoders; progressive pictures and one-frame videos take more memory and time.
_SIMPLE: Final = 4
#: Bytes of a frame before its first scan: tables take under 2,000, a small colour profile some hundreds.
_FRAME_NOTES: Final = 16_000
#: Bytes per pixel of a decoded picture.
_RESULT_BYTES: Final = 3
#: Limits of a light picture: bytes of memory, and work in pixels of a baseline JPEG. A phone's twelve-megapixel
#: photo is one.
LIGHT_MEMORY: Final = 100_000_000
LIGHT_WORK: Final = 25_000_000
#: Faces named of a light picture, which takes a quarter of a second; one with more goes on as a heavy one: the first
#: place that comes free must not be far. And of a heavy one: more than a group's photo shows, and three megabytes of
#: the page's answer. And of a webcam's frame.
LIGHT_FACES: Final = 24
MOST_FACES: Final = 500
FRAME_FACES: Final = 50
#: Copies of a picture's file: the server's, read from the disk, and its decoder's.
_COPIES: Final = 2
#: The most that the search for faces in a large picture takes, in bytes, once the picture is decoded; the graphs for
#: its small copies are bounded and counted on their own.
SEARCH_MEMORY: Final = 220_000_000
#: What it takes to read a header, in seconds.
_MEASURING: Final = 0.01
#: Pixels, as of a baseline JPEG, that are decoded and searched for faces in one second; and bytes of a file that
#: are read: a long file of few pixels, as one of notes, takes longer than they let expect.
_PIXELS_A_SECOND: Final = 25_000_000
_BYTES_A_SECOND: Final = 20_000_000
#: What a heavy picture takes at least, so that they come one at a time: each has a decoder's program of its own.
_ALONE: Final = MAX_MEMORY // 2 + 1
#: Decoders and graphs that nothing needed for so long, in seconds, are given up.
_RESTS_AFTER: Final = 15.0
#: As in nice(1): the server's own threads come first, as everybody waits for them; then light pictures.
_LIGHT_NICENESS: Final = 5
_HEAVY_NICENESS: Final = 10


class Workshop:
    """Decodes a server's pictures and schedules work on them. Safe to share between threads; close it at the end."""

    def __init__(self, settings: Settings) -> None:
        self.places = Places(settings.concurrency, MAX_MEMORY, kept=LIGHT_MEMORY)
        self._programs = ForkServer("decoder")
        self._decoders = Decoders(self._programs, niceness=_LIGHT_NICENESS, hurried=True)
        self._heavy_decoders = Decoders(self._programs, niceness=_HEAVY_NICENESS)
        self._proxies = settings.trusted_proxies

    def work_on(self, source: PictureFile, address: str, work: Callable[[RGB], T]) -> T:
        """What ``work`` makes of an untrusted picture's pixels, RGB uint8 (H, W, 3); its faces are named in there.

        Begun anew if a light picture has very many faces, which nobody knows before they are found. address: the
        sender's. Raises ImageError for what cannot be used, BusyError when it gets no turn.
        """
        with suppress(CrowdError):
            return self._done(source, address, work, heavy=False)
        return self._done(source, address, work, heavy=True)

    def crop(self, source: PictureFile, address: str, most_side: int) -> RGB:
        """The pixels of an untrusted picture of at most ``most_side`` pixels a side. Errors and address: as above.

        Larger ones are refused by their header: nothing bounds pixels that are held beyond their turn.
        """
        with self.picture(source, address, most_side=most_side) as rgb:
            return rgb

    @contextmanager
    def picture(
        self, source: PictureFile, address: str = "", heavy: bool = False, most_side: int | None = None
    ) -> Iterator[RGB]:
        """The pixels of an untrusted picture; work on them while this is entered. Errors and address: see ``work_on``.

        heavy: it takes long whatever its header says. Of one that is not heavy the work may raise CrowdError.
        most_side: in pixels; larger ones are refused by their header.
        """
        measure, slow = self._measured(source, address)
        if most_side is not None and max(measure.width, measure.height) > most_side:
            raise ImageError(f"A crop has at most {most_side}x{most_side} pixels. Analyse the photo again.")
        if not (heavy or slow or is_heavy(measure)):
            with self._light(source, address, measure) as rgb:
                if rgb is not None:
                    with naming_at_most(LIGHT_FACES, anew=True):
                        yield rgb
                    return
        with self._heavy(source, address, measure) as rgb, naming_at_most(MOST_FACES):
            yield rgb

    def _done(self, source: PictureFile, address: str, work: Callable[[RGB], T], heavy: bool) -> T:
        # Nothing but this frame holds the pixels: they are gone before the picture is begun anew.
        with self.picture(source, address, heavy) as rgb:
            return work(rgb)

    def _measured(self, source: PictureFile, address: str) -> tuple[Measure, bool]:
        """The picture's size and cost, and whether already its header took long."""
        size = _COPIES * length_of(source)
        try:
            with self.places.room(size, address, heavy=False), self.places.place(address, seconds=_MEASURING):
                return self._decoders.measure(source), False
        except SlowPictureError:
            self.places.charge(address, CPU_SECONDS)
        with self.places.room(size, address), self.places.place(address, heavy=True, seconds=CPU_SECONDS):
            return self._heavy_decoders.measure(source), True

    @contextmanager
    def _light(self, source: PictureFile, address: str, measure: Measure) -> Iterator[RGB | None]:
        """The pixels of a light picture; None if it takes as long as a heavy one, as which it must be begun anew."""
        rgb: RGB | None = None
        place = self.places.place(address, seconds=_seconds(measure))
        try:
            with self.places.room(_memory(measure), address, heavy=False), place:
                rgb = self._decoders.decode(source)
                yield rgb
        except SlowPictureError:
            if rgb is not None:
                raise
            self.places.charge(address, CPU_SECONDS)
        if rgb is None:
            yield None

    @contextmanager
    def _heavy(self, source: PictureFile, address: str, measure: Measure) -> Iterator[RGB]:
        # A picture waiting for much memory holds no place meanwhile, so small ones can overtake it.
        place = self.places.place(address, heavy=True, seconds=_seconds(measure))
        with self.places.room(_room(measure), address), place:
            # Light pictures keep the large graph for the next one; heavy ones need its memory while they are decoded.
            free_large_graphs()
            try:
                yield self._heavy_decoders.decode(source)
            finally:
                free_large_graphs()

    @contextmanager
    def long_turn(self, address: str, seconds: float) -> Iterator[None]:
        """A place, of those for what takes long, for other work than a picture's; BusyError when none comes free.

        seconds: that it is expected to take.
        """
        with self.places.place(address, heavy=True, seconds=seconds):
            yield

    @contextmanager
    def turn(self, address: str = "") -> Iterator[None]:
        """A place for work on a webcam's frame; BusyError when none comes free soon."""
        with self.places.place(address, _FRAME_PATIENCE), naming_at_most(FRAME_FACES):
            yield

    def address_of(self, scope: Scope) -> str:
        """The address that limits count this request under."""
        return client_address(scope, self._proxies)

    def warm_up(self) -> None:
        """Start a decoder, so that the first visitor does not wait for it."""
        self._decoders.warm_up()

    def rest(self) -> None:
        """Give back the memory of what was not needed lately: call it now and then, from any thread."""
        self._decoders.rest(_RESTS_AFTER)
        self._heavy_decoders.rest(_RESTS_AFTER)
        free_unneeded_graphs(_RESTS_AFTER)

    def close(self) -> None:
        """End the decoders."""
        self._decoders.close()
        self._heavy_decoders.close()
        self._programs.close()


def is_heavy(measure: Measure) -> bool:
    """Whether a picture takes long, or much memory, as far as its header says.

    Its file counts once here: twice, a good phone's photo of twelve megapixels would be heavy.
    """
    return measure.memory + measure.file > LIGHT_MEMORY or measure.work > LIGHT_WORK


def _memory(measure: Measure) -> int:
    """Bytes that decoding takes at most, with the file."""
    return measure.memory + _COPIES * measure.file


def _seconds(measure: Measure) -> float:
    """How long a picture takes, about, if it has few faces."""
    return USUAL_SECONDS + measure.work / _PIXELS_A_SECOND + measure.file / _BYTES_A_SECOND


def _room(measure: Measure) -> int:
    """Bytes that a heavy picture takes at most: while it is decoded, or afterwards with the search for faces.

    Light ones share one graph, and wait for it, not for its memory.
    """
    return max(_memory(measure), _RESULT_BYTES * measure.width * measure.height + SEARCH_MEMORY, _ALONE)


def small_picture(data: bytes, max_side: int) -> RGB:
    """A webcam's frame, decoded in this process: its header must say that it is small and simple.

    Only JPEG, as the page sends it, with hardly any notes: to open a file of another kind may already take much.
    """
    if not data.startswith(b"\xff\xd8\xff"):
        raise ImageError("The frame is no JPEG. Send a baseline JPEG.")
    if notes_length(data) > _FRAME_NOTES:
        raise ImageError("The frame has notes, such as EXIF. Send a baseline JPEG without them.")
    with opened(data) as frame:
        if max(frame.width, frame.height) > max_side:
            raise ImageError(f"The frame is over {max_side} pixels a side. Send a smaller one.")
        if frame.cost.decoder > _SIMPLE * frame.width * frame.height:
            raise ImageError("The frame takes long to decode. Send a baseline JPEG.")
        return frame.pixels()
