"""Notes for the user about a decoded picture, carried along with its pixels."""

import numpy as np
from numpy.typing import NDArray


class _Pixels(np.ndarray[tuple[int, ...], np.dtype[np.uint8]]):
    """Pixels with notes; slices and copies have none."""

    notes: tuple[str, ...] = ()


def with_notes(rgb: NDArray[np.uint8], notes: tuple[str, ...]) -> NDArray[np.uint8]:
    """The same pixels, with notes for ``notes_of``."""
    pixels = rgb.view(_Pixels)
    pixels.notes = notes
    return pixels


def notes_of(rgb: NDArray[np.uint8]) -> tuple[str, ...]:
    """The notes of a decoded picture; usually ()."""
    return rgb.notes if isinstance(rgb, _Pixels) else ()
