"""A wider network that answers exactly as a trained, narrower one.

Net2WiderNet (Chen et al. 2016, arXiv:1511.05641): some channels are doubled, and what follows divides
their contribution. Training then goes on from the narrow network's accuracy, instead of from nothing.
"""

from collections.abc import Sequence
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from ..errors import TrainingError

#: A copy's part of each outgoing weight lies between these before the parts are made to add up to 1. Equal parts
#: would get equal gradients, and the copies would stay copies.
_PARTS: Final = (0.5, 1.5)


def widen(wide: Sequence[Any], narrow: Sequence[Any], seed: int = 0) -> NDArray[np.intp]:
    """Set the weights of a chain of layers so that it computes what a narrower chain does.

    Takes convolutions without bias, batch normalisations, and layers without weights, each fed by the one before it
    alone. Returns, for each channel of the last, the narrow chain's channel that it copies. Raises TrainingError
    where the chains differ in more than width, or where the second is wider.
    """
    rng = np.random.default_rng(seed)
    copied: NDArray[np.intp] | None = None
    for layer, other in zip(wide, narrow, strict=True):
        new, old = layer.get_weights(), other.get_weights()
        if isinstance(layer, keras.layers.Conv2D) and len(new) == len(old) == 1:
            kernel = old[0] if copied is None else fed_by(old[0], copied, rng)
            copied = _copied(kernel.shape[-1], layer.filters, rng)
            old = [kernel[..., copied]]
        elif copied is not None:
            old = [each[copied] for each in old]
        if [each.shape for each in new] != [each.shape for each in old]:
            raise TrainingError(f"{layer.name} is not a wider {other.name}.")
        layer.set_weights(old)
    if copied is None:
        raise TrainingError("There is no convolution to widen.")
    return copied


def fed_by(kernel: NDArray[np.float32], copied: NDArray[np.intp], rng: np.random.Generator) -> NDArray[np.float32]:
    """A kernel (..., in, out) for the channels that ``copied`` lists: the parts of copies add up to the given one."""
    parts = rng.uniform(*_PARTS, (*kernel.shape[:-2], len(copied), kernel.shape[-1]))
    total = np.zeros(kernel.shape)
    for place, channel in enumerate(copied):
        total[..., channel, :] += parts[..., place, :]
    return np.asarray(kernel[..., copied, :] * parts / total[..., copied, :], np.float32)


def _copied(old: int, new: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Every old channel once, then as many again, drawn evenly, as are wanted."""
    if new < old:
        raise TrainingError(f"{old} channels cannot be made {new}: a network can only be widened.")
    again = [rng.permutation(old) for _ in range(new // old)]
    return np.concatenate([np.arange(old), *again])[:new]
