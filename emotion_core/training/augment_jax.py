"""``augment.Augmentation`` on an accelerator: the same changes in the same ranges, as one JAX function.

Training in ``compiled_epochs`` draws them there, thousands of faces at a time. The random
numbers are JAX's, so a batch differs from OpenCV's of the same seed; what is drawn, and how often, does not.
"""

from collections.abc import Callable
from typing import Any, Final

import cv2
import jax
import jax.numpy as jnp
import numpy as np

from .augment import Augmentation

#: Quantisation of a JPEG picture's brightness at quality 50: table K.1 of ITU-T T.81 (1992).
_BRIGHTNESS: Final = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)


def augmenter(how: Augmentation, crop: int, side: int) -> Callable[[Any, Any, Any], Any]:
    """A function (key, uint8 (N, crop, crop, C), strength) -> float32 (N, side, side, C), 0 to 255.

    It can be compiled; ``strength`` 0 to 1 may change from call to call. A coloured picture's
    channels are compressed one by one, as brightness.
    """
    shrink = jnp.asarray(_shrinking(how, crop))

    def one(key: Any, face: Any, strength: Any) -> Any:
        keys = jax.random.split(key, 6)
        asked = jax.random.uniform(keys[0], (8,))
        often = how.spoil * strength
        spoilt = _spoilt(how, keys[1], face.astype(jnp.float32), asked < often, shrink)
        rolled = jnp.where(asked[6] < often, how.roll, how.rotation)
        seen = _sampled(spoilt, _map(how, keys[2], crop, side, rolled * strength, strength), side)
        contrast, light = jax.random.uniform(keys[3], (2,), minval=-1, maxval=1) * strength
        seen = (seen - 128) * (1 + how.contrast * contrast) + (128 + how.brightness * light)
        return jnp.clip(_covered(how, keys[4], seen, asked[7] < how.erase * strength), 0, 255)

    def apply(key: Any, faces: Any, strength: Any) -> Any:
        return jax.vmap(one, (0, 0, None))(jax.random.split(key, faces.shape[0]), faces, strength)

    return apply


def _shrinking(how: Augmentation, crop: int) -> Any:
    """float32 (sizes, crop, crop): one axis of a face made small and large again, for every size; rows sum to 1."""
    one = np.eye(crop, dtype=np.float32)
    small = range(how.pixels[0], how.pixels[1] + 1)
    return np.stack(
        [
            cv2.resize(cv2.resize(one, (crop, size), interpolation=cv2.INTER_AREA), (crop, crop))
            if size < crop
            else one
            for size in small
        ]
    )


def _spoilt(how: Augmentation, key: Any, x: Any, asked: Any, shrink: Any) -> Any:
    side = x.shape[0]
    keys = jax.random.split(key, 8)
    size = jax.random.uniform(keys[0], (8,))

    def between(index: int, ends: tuple[float, float]) -> Any:
        return ends[0] + (ends[1] - ends[0]) * size[index]

    index = jnp.round(between(0, how.pixels)).astype(int) - how.pixels[0]
    x = jnp.where(asked[0], _both_ways(shrink[index], x), x)
    x = jnp.where(asked[1], _both_ways(_blurring(side, between(1, how.blur)), x), x)
    gray = jax.random.uniform(keys[1], minval=60, maxval=255)
    x = jnp.where(asked[2], x + (gray - x) * between(2, how.veil), x)
    gamma = jax.random.uniform(keys[2], minval=0.8, maxval=1.6)
    noise = jax.random.normal(keys[3], x.shape) * jax.random.uniform(keys[4], minval=1, maxval=8)
    dark = 255 * jnp.clip(x / 255, 1e-6, 1) ** gamma * between(3, how.darkness) + noise
    x = jnp.where(asked[3], dark, x)
    thick, place = jnp.round(between(4, how.bars)), jax.random.randint(keys[5], (), 0, side)
    upright, colour = jax.random.uniform(keys[6], (2,))
    along = jnp.arange(side)
    inside = (along >= place) & (along < place + thick)
    bar = jnp.where(upright < 0.5, inside[None, :], inside[:, None])[..., None]
    x = jnp.where(asked[4] & bar, colour * 255, x)
    # Only what is spoilt has been rounded; a face that is not consists of whole numbers anyway.
    x = jnp.clip(jnp.round(x), 0, 255)
    return jnp.where(asked[5], _compressed(x, jnp.round(between(5, how.jpeg))), x)


def _both_ways(matrix: Any, x: Any) -> Any:
    """Apply a linear map of one axis, (side, side), to rows and columns of (side, side, C)."""
    return jnp.einsum("ij,jkc,lk->ilc", matrix, x, matrix, precision="highest")


def _blurring(side: int, sigma: Any) -> Any:
    """One axis of a Gaussian blur, mirrored at the edges as OpenCV's is."""
    reach = side - 1
    out = np.arange(-reach, side + reach)
    inside = np.where(out < 0, -out, np.where(out >= side, 2 * (side - 1) - out, out))
    fold = jnp.asarray(np.eye(side, dtype=np.float32)[inside])
    weights = jnp.exp(-((jnp.arange(side)[:, None] - jnp.asarray(out)[None, :]) ** 2) / (2 * sigma**2))
    return jnp.matmul(weights / weights.sum(axis=1, keepdims=True), fold, precision="highest")


def _compressed(x: Any, quality: Any) -> Any:
    """What JPEG leaves of a picture (side, side, C): 8x8 cosine transforms, rounded by the table of its quality."""
    side, _, channels = x.shape
    whole = -(-side // 8) * 8
    padded = jnp.pad(x, ((0, whole - side), (0, whole - side), (0, 0)), mode="edge") - 128
    scale = jnp.where(quality < 50, 5000 / quality, 200 - 2 * quality)
    table = jnp.clip(jnp.floor((jnp.asarray(_BRIGHTNESS) * scale + 50) / 100), 1, 255)
    frequency, place = np.arange(8)[:, None], np.arange(8)[None, :]
    cosine = np.cos((2 * place + 1) * frequency * np.pi / 16) * np.where(frequency, np.sqrt(2 / 8), np.sqrt(1 / 8))
    cosine = jnp.asarray(cosine, jnp.float32)
    blocks = padded.reshape(whole // 8, 8, whole // 8, 8, channels)
    found = jnp.einsum("uy,aybxc,vx->aubvc", cosine, blocks, cosine, precision="highest")
    steps = table[None, :, None, :, None]
    found = jnp.round(found / steps) * steps
    back = jnp.einsum("uy,aubvc,vx->aybxc", cosine, found, cosine, precision="highest")
    return jnp.clip(jnp.round(back.reshape(whole, whole, channels)[:side, :side] + 128), 0, 255)


def _map(how: Augmentation, key: Any, old: int, side: int, degrees: Any, strength: Any) -> tuple[Any, Any]:
    """A pixel p of the result is sampled at turn (2, 2) @ p + moved (2,) of the crop."""
    keys = jax.random.split(key, 4)
    angle = jnp.deg2rad(jax.random.uniform(keys[0], minval=-1, maxval=1) * degrees)
    low, high = np.log(how.zoom)
    scale = old / side / jnp.exp(jax.random.uniform(keys[1], minval=low, maxval=high) * strength)
    mirror = jnp.where(jax.random.uniform(keys[2]) < how.flip, -1.0, 1.0)
    cos, sin = jnp.cos(angle) * scale, jnp.sin(angle) * scale
    turn = jnp.array([[mirror * cos, -sin], [mirror * sin, cos]])
    moved = (old - 1) / 2 + jax.random.uniform(keys[3], (2,), minval=-1, maxval=1) * how.shift * old * strength
    return turn, moved - turn @ jnp.full(2, (side - 1) / 2)


def _sampled(face: Any, where: tuple[Any, Any], side: int) -> Any:
    """(crop, crop, C) -> (side, side, C), bilinear; outside, the edge goes on."""
    turn, moved = where
    down, across = jnp.meshgrid(jnp.arange(side), jnp.arange(side), indexing="ij")
    x, y = jnp.tensordot(turn, jnp.stack([across, down]).astype(jnp.float32), 1) + moved[:, None, None]
    corner = jnp.stack([y, x])

    def channel(plane: Any) -> Any:
        return jax.scipy.ndimage.map_coordinates(plane, list(corner), order=1, mode="nearest")

    return jax.vmap(channel, 2, 2)(face)


def _covered(how: Augmentation, key: Any, seen: Any, asked: Any) -> Any:
    """A gray box over a part of the picture."""
    side = seen.shape[0]
    area, aspect, top, left, gray = jax.random.uniform(key, (5,))
    low, high = how.erase_area
    pixels, ratio = (low + (high - low) * area) * side**2, jnp.exp(2 * aspect - 1)
    height = jnp.minimum(jnp.round(jnp.sqrt(pixels * ratio)), side)
    width = jnp.minimum(jnp.round(jnp.sqrt(pixels / ratio)), side)
    first, start = jnp.floor(top * (side - height + 1)), jnp.floor(left * (side - width + 1))
    along = jnp.arange(side)
    rows, columns = (along >= first) & (along < first + height), (along >= start) & (along < start + width)
    return jnp.where(asked & (rows[:, None] & columns[None, :])[..., None], gray * 255, seen)
