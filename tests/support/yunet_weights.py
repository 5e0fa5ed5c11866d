"""Weights in the shapes of YuNet's, for tests that need its graph and not its faces."""

import numpy as np

from emotion_core.recognition.yunet_graph import BODY, HEADS, Arrays


def like_yunet(rng: np.random.Generator) -> list[Arrays]:
    """Random weights in the shapes of YuNet's, strong enough that distant pixels matter."""
    found: list[Arrays] = []
    channels = [*BODY, *(count for count in HEADS.values() for _ in range(6))]
    for number, count in enumerate(channels):
        before = 3 if number == 0 else 64 if number >= len(BODY) else channels[number - 1]
        shape = (count, 3, 3, 3) if number == 0 else (count, before, 1, 1) if number % 2 else (count, 1, 3, 3)
        kernel = rng.normal(scale=(2 / np.prod(shape[1:])) ** 0.5, size=shape) / (100 if number == 0 else 1)
        found.append((kernel.astype(np.float32), np.zeros(count, np.float32)))
    return found
