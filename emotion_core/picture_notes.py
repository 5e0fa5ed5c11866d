"""What a reader should know of a decoded picture, carried by its pixels through whoever hands them on."""

import numpy as np
from numpy.typing import NDArray


class _Pixels(np.ndarray[tuple[int, ...], np.dtype[np.uint8]]):
    """Pixels that have notes; parts and copies of them have none."""

    notes: tuple[str, ...] = ()


def with_notes(rgb: NDArray[np.uint8], notes: tuple[str, ...]) -> NDArray[np.uint8]:
    """The same pixels, with notes for ``notes_of``."""
    pixels = rgb.view(_Pixels)
    pixels.notes = notes
    return pixels


def notes_of(rgb: NDArray[np.uint8]) -> tuple[str, ...]:
    """What is to be known of a decoded picture; () of most."""
    return rgb.notes if isinstance(rgb, _Pixels) else ()
