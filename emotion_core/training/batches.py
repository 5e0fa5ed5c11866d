"""What each step of an epoch is fed: a function of the seed and the epoch alone."""

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData
from .config import TrainConfig
from .small import filled

#: Strength of the extra augmentation on teachers' views: weak enough that the teacher's answer still holds,
#: strong enough that a few views are not memorised.
ON_VIEWS: Final = 0.25


def batches(
    data: FaceData, side: int, config: TrainConfig, epoch: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]]:
    """Yield (indices, faces, own) of one epoch.

    faces: float32 (N, side, side, C), augmented; with mixup, each is mixed with the previous row,
    and ``own`` (N,) is each row's own share.
    """
    rng = np.random.default_rng((config.seed, epoch))
    strength = config.strength(epoch) * (ON_VIEWS if config.teacher_views else 1)
    order = _drawn(data, config, rng)
    for start in range(0, len(order), config.batch_size):
        chosen = order[start : start + config.batch_size]
        own = np.ones(len(chosen), np.float32)
        if config.mixup:
            own = rng.beta(config.mixup, config.mixup, len(chosen)).astype(np.float32)
        faces = config.augmentation.apply(rng, data.faces[chosen], side, strength)
        yield chosen, mixed(faces, own), own


def order_of(data: FaceData, config: TrainConfig, epoch: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The (indices, own) of all steps of one epoch, each (steps, batch), to be augmented elsewhere."""
    rng = np.random.default_rng((config.seed, epoch))
    order = _drawn(data, config, rng).reshape(-1, min(config.batch_size, len(data)))
    if not config.mixup:
        return order, np.ones(order.shape, np.float32)
    return order, rng.beta(config.mixup, config.mixup, order.shape).astype(np.float32)


def mixed(values: NDArray[np.float32], own: NDArray[np.float32]) -> NDArray[np.float32]:
    """``mixed_rows``, or the values themselves if every row keeps all of its own."""
    return values if (own == 1).all() else np.asarray(mixed_rows(values, own), np.float32)


def mixed_rows(values: Any, own: Any) -> Any:
    """Mix each row of a batch with the previous row; of NumPy or JAX. own: (N,), each row's own share."""
    share = own.reshape(-1, *[1] * (values.ndim - 1))
    return share * values + (1 - share) * values[np.arange(-1, len(values) - 1)]


def _drawn(data: FaceData, config: TrainConfig, rng: np.random.Generator) -> NDArray[np.int64]:
    count = len(data)
    if config.balanced_sampling:
        chance = (1.0 / np.bincount(data.emotion)[data.emotion]) ** config.balanced_sampling
        order = rng.choice(count, count, p=chance / chance.sum())
    else:
        order = rng.permutation(count)
    return np.asarray(filled(order, config.batch_size))  # one batch shape, so that one step is compiled
