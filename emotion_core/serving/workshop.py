"""Pictures in, pixels out, for every door of the server: decoded elsewhere, within the one bound on work."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from starlette.types import Scope

from ..errors import ImageError
from ..images import RGB, opened
from ..picture_costs import MAX_MEMORY
from ..settings import Settings
from .addresses import client_address
from .decoding import Decoders, PictureFile
from .places import Places

#: How long a webcam's frame waits for its turn, in seconds: the next one is newer.
_FRAME_PATIENCE: Final = 2.0
#: Bytes a pixel of the simplest decoders; progressive pictures and films of one frame take more, and longer.
_SIMPLE: Final = 4
#: What counts as a light picture: bytes of memory, and work in pixels of a baseline JPEG. A phone's photo of
#: twelve megapixels is one.
LIGHT_MEMORY: Final = 100_000_000
LIGHT_WORK: Final = 40_000_000
#: What is heavy is decoded when nobody else wants the processor.
_NICENESS: Final = 10


class Workshop:
    """Where a server's pictures are decoded and analysed. Safe to share between threads; close it at the end."""

    def __init__(self, settings: Settings) -> None:
        self.places = Places(settings.concurrency, MAX_MEMORY, kept=LIGHT_MEMORY)
        self._decoders, self._heavy_decoders = Decoders(), Decoders(niceness=_NICENESS)
        self._proxies = settings.trusted_proxies

    @contextmanager
    def picture(self, source: PictureFile, address: str = "") -> Iterator[RGB]:
        """The pixels of a stranger's picture, RGB uint8 (H, W, 3); work on them while this is entered.

        address: whose it is. Raises ImageError for what cannot be used, BusyError when its turn does not come.
        """
        with self.places.place(address):
            measure = self._decoders.measure(source)
        heavy = measure.memory > LIGHT_MEMORY or measure.work > LIGHT_WORK
        decoders = self._heavy_decoders if heavy else self._decoders
        # Who waits for much memory holds no place meanwhile: small pictures pass by.
        with self.places.room(measure.memory, address, heavy), self.places.place(address, heavy=heavy):
            yield decoders.decode(source)

    def turn(self, address: str = "") -> AbstractContextManager[None]:
        """A place for work on a webcam's frame; BusyError when it does not come soon."""
        return self.places.place(address, _FRAME_PATIENCE)

    def address_of(self, scope: Scope) -> str:
        """Whose request it is, as limits count."""
        return client_address(scope, self._proxies)

    def warm_up(self) -> None:
        """Start a decoder, so that the first visitor does not wait for it."""
        self._decoders.warm_up()

    def close(self) -> None:
        """End the decoders."""
        self._decoders.close()
        self._heavy_decoders.close()


def small_picture(data: bytes, max_side: int) -> RGB:
    """A webcam's frame, decoded here without a detour: its header must say that it is small and simple."""
    with opened(data) as frame:
        if max(frame.width, frame.height) > max_side:
            raise ImageError(f"The frame is over {max_side} pixels a side. Send a smaller one.")
        if frame.cost.decoder > _SIMPLE * frame.width * frame.height:
            raise ImageError("The frame takes long to decode. Send a baseline JPEG.")
        return frame.pixels()
