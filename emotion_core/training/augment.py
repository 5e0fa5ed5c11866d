"""Augmentation: the draws are NumPy, keyed by a seed; the pixels move in Keras operations.

Drawing outside the graph makes a batch a function of (seed, epoch, step) alone, on every
backend, so a resumed run sees exactly what an uninterrupted one would have seen. Each face
is resampled once: flip, rotation, zoom and shift are one affine map.
"""

from dataclasses import dataclass
from typing import Any, Final

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

#: 8 affine coefficients, contrast, brightness, erased box (top, left, bottom, right), its gray,
#: and the face's own share where it is mixed with the one before it in the batch (mixup).
DRAW_SIZE: Final = 16


@dataclass(frozen=True)
class Augmentation:
    """How far a face may be changed. Face detectors' boxes vary by some 12% in scale and 5%
    in place, so zoom and shift are at least that wide."""

    flip: float = 0.5  # probability
    rotation: float = 12.0  # degrees, each way
    zoom: float = 0.12  # share of the side, each way
    shift: float = 0.06  # share of the side, each way
    contrast: float = 0.25  # factor 1 - c to 1 + c
    brightness: float = 25.0  # gray levels, each way
    erase: float = 0.35  # probability of a gray box (Zhong et al. 2020, arXiv:1708.04896)
    erase_area: tuple[float, float] = (0.02, 0.15)  # share of the picture

    def draw(self, rng: np.random.Generator, count: int, side: int, strength: float = 1.0) -> NDArray[np.float32]:
        """Draw for ``count`` faces of ``side`` pixels; ``strength`` 0 to 1 scales the ranges and erasing.

        Returns float32 (count, DRAW_SIZE).
        """

        def spread(width: float) -> NDArray[np.float64]:
            return rng.uniform(-width, width, count) * strength

        angle, scale = np.deg2rad(spread(self.rotation)), 1 / (1 + spread(self.zoom))
        mirror = np.where(rng.random(count) < self.flip, -1.0, 1.0)
        dx, dy = spread(self.shift * side), spread(self.shift * side)
        cos, sin, centre = np.cos(angle) * scale, np.sin(angle) * scale, (side - 1) / 2
        # Maps a pixel of the result to the place it is sampled from, about the centre.
        a0, a1, b0, b1 = mirror * cos, -sin, mirror * sin, cos
        a2 = centre + dx - (a0 + a1) * centre
        b2 = centre + dy - (b0 + b1) * centre
        nil = np.zeros(count)
        area = rng.uniform(*self.erase_area, count) * side**2
        aspect = np.exp(rng.uniform(-1, 1, count))
        height, width = np.sqrt(area * aspect), np.sqrt(area / aspect)
        height *= rng.random(count) < self.erase * strength  # an empty box erases nothing
        top, left = rng.uniform(0, 1, count) * (side - height), rng.uniform(0, 1, count) * (side - width)
        columns = (a0, a1, a2, b0, b1, b2, nil, nil, 1 + spread(self.contrast), spread(self.brightness))
        box = (top, left, top + height, left + width, rng.uniform(0, 255, count))
        return np.stack([*columns, *box, nil + 1], axis=1).astype(np.float32)


def no_change(count: int) -> NDArray[np.float32]:
    """Draws that leave ``count`` faces as they are: float32 (count, DRAW_SIZE)."""
    draws = np.zeros((count, DRAW_SIZE), np.float32)
    draws[:, [0, 4, 8, 15]] = 1
    return draws


@keras.saving.register_keras_serializable("emotion_core")
class Augment(keras.layers.Layer):  # type: ignore[misc]  # Keras has no type information
    """uint8 (N, H, W, C) and draws (N, DRAW_SIZE) -> uint8 (N, H, W, C): what serving would see."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(dtype="float32", **kwargs)  # bfloat16 would round the coordinates

    def call(self, faces: Any, draws: Any) -> Any:
        height, width = faces.shape[1], faces.shape[2]
        x = ops.image.affine_transform(ops.cast(faces, "float32"), draws[:, :8], fill_mode="nearest")
        contrast, brightness, top, left, bottom, right, gray, own = (
            draws[:, index, None, None, None] for index in range(8, DRAW_SIZE)
        )
        x = (x - 128) * contrast + 128 + brightness
        rows = ops.reshape(ops.arange(height, dtype="float32"), (1, height, 1, 1))
        columns = ops.reshape(ops.arange(width, dtype="float32"), (1, 1, width, 1))
        inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
        x = ops.clip(ops.where(inside, gray, x), 0, 255)
        x = own * x + (1 - own) * ops.roll(x, 1, axis=0)
        return ops.cast(ops.round(x), "uint8")

    def compute_output_spec(self, faces: Any, draws: Any) -> Any:  # noqa: ARG002
        return keras.KerasTensor(faces.shape, dtype="uint8")
