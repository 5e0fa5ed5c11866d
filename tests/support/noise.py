"""Pictures without a face, for tests that only need pixels."""

import numpy as np

from emotion_core.datasets.faces import FaceData


def noise(count: int) -> FaceData:
    faces = np.random.default_rng(0).integers(0, 256, (count, 48, 48, 1), dtype=np.uint8)
    return FaceData(faces, np.arange(count) % 7, np.array(["train"] * count))
