"""Augmentation: what a camera, a crop and a connection do to a face, drawn from a seed.

A batch is a function of (seed, epoch, step) alone, so a resumed run sees exactly what an
uninterrupted one would have seen. Degradations that precede cropping (too few pixels, darkness,
blur, compression) are applied at the crop's own size; then flip, rotation, zoom, shift and the
network's upscaling are one affine map, sampled once, and nothing is rounded after it.
OpenCV does the pixel work: about 60 microseconds per face, against milliseconds for the network.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Face = NDArray[np.float32]


@dataclass(frozen=True)
class Augmentation:
    """How far a face may be changed, and how often."""

    #: Probability.
    flip: float = 0.5
    #: Degrees, either way.
    rotation: float = 12.0
    #: Degrees, either way, for one face in five.
    roll: float = 25.0
    #: Smallest and largest factor. At least as wide as detectors' boxes vary: about 12% in scale and 5% in position.
    zoom: tuple[float, float] = (0.8, 1.25)
    #: Share of the side, either way.
    shift: float = 0.06
    #: The factor ranges from 1 - c to 1 + c.
    contrast: float = 0.25
    #: Gray levels, either way.
    brightness: float = 25.0
    #: Probability of a gray box (Zhong et al. 2020, arXiv:1708.04896).
    erase: float = 0.25
    #: Share of the picture's area.
    erase_area: tuple[float, float] = (0.02, 0.15)
    #: Probability of each degradation below.
    spoil: float = 0.2
    #: Side of a small face before it was enlarged.
    pixels: tuple[int, int] = (14, 32)
    #: Share of the light that is left; sensor noise is added.
    darkness: tuple[float, float] = (0.15, 0.7)
    #: Standard deviation, in pixels of the crop.
    blur: tuple[float, float] = (0.5, 1.6)
    #: JPEG quality.
    jpeg: tuple[int, int] = (10, 50)
    #: Opacity of a gray veil over the face: haze, a bright window.
    veil: tuple[float, float] = (0.2, 0.6)
    #: Thickness of a bar across the face, in pixels of the crop.
    bars: tuple[int, int] = (2, 6)

    def apply(
        self, rng: np.random.Generator, faces: NDArray[np.uint8], side: int, strength: float = 1.0
    ) -> NDArray[np.float32]:
        """uint8 (N, H, W, C) -> float32 (N, side, side, C), 0 to 255, as the network upscales them.

        ``strength`` 0 to 1 scales all ranges and probabilities except the flip's.
        """
        seen = [self._one(rng, face, side, strength) for face in faces]
        return np.stack(seen).reshape(len(faces), side, side, faces.shape[3])

    def _one(self, rng: np.random.Generator, face: NDArray[np.uint8], side: int, strength: float) -> Face:
        # Draw even what goes unused, so that one setting does not change the random numbers of the others.
        chance, size = rng.random(8), rng.random(8)
        often = self.spoil * strength
        spoilt = self._spoilt(rng, face, chance < often, size) if (chance[:6] < often).any() else face
        rolled = self.roll if chance[6] < often else self.rotation
        warped = cv2.warpAffine(
            spoilt,
            self._map(rng, face.shape[0], side, rolled * strength, strength),
            (side, side),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REPLICATE,
        ).reshape(side, side, -1)
        contrast, light = rng.uniform(-1, 1, 2) * strength
        seen = (warped.astype(np.float32) - 128) * (1 + self.contrast * contrast) + (128 + self.brightness * light)
        self._cover(rng, seen, chance[7] < self.erase * strength)
        return np.asarray(np.clip(seen, 0, 255), np.float32)

    def _map(
        self, rng: np.random.Generator, old: int, side: int, degrees: float, strength: float
    ) -> NDArray[np.float64]:
        """float64 (2, 3): maps a pixel of the result to the point in the crop that it is sampled from."""
        angle = np.deg2rad(rng.uniform(-degrees, degrees))
        zoom = np.exp(rng.uniform(*np.log(self.zoom)) * strength)
        scale = old / side / zoom
        mirror = -1.0 if rng.random() < self.flip else 1.0
        cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
        turn = np.array([[mirror * cos, -sin], [mirror * sin, cos]])
        moved = (old - 1) / 2 + rng.uniform(-self.shift, self.shift, 2) * old * strength
        return np.column_stack([turn, moved - turn @ np.full(2, (side - 1) / 2)])

    def _spoilt(
        self, rng: np.random.Generator, face: NDArray[np.uint8], asked: NDArray[np.bool_], size: NDArray[np.float64]
    ) -> Face:
        """Degrade the picture as it might be before it reaches the network, at the crop's own size."""

        def between(index: int, ends: tuple[float, float]) -> float:
            return float(ends[0] + (ends[1] - ends[0]) * size[index])

        side = face.shape[0]
        x: Any = face.astype(np.float32)
        if asked[0]:
            small = round(between(0, self.pixels))
            x = cv2.resize(cv2.resize(x, (small, small), interpolation=cv2.INTER_AREA), (side, side))
        if asked[1]:
            x = cv2.GaussianBlur(x, (0, 0), between(1, self.blur))
        if asked[2]:
            gray = rng.uniform(60, 255)
            x = x + (gray - x) * between(2, self.veil)
        x = x.reshape(side, side, -1)
        if asked[3]:
            left = between(3, self.darkness)
            x = 255 * (x / 255) ** rng.uniform(0.8, 1.6) * left
            x = x + rng.normal(0, rng.uniform(1, 8), x.shape)
        if asked[4]:
            thick, place = round(between(4, self.bars)), int(rng.integers(0, side))
            x = np.array(x)
            upright = rng.random() < 0.5
            x[(slice(None), slice(place, place + thick)) if upright else slice(place, place + thick)] = rng.uniform(
                0, 255
            )
        x = np.clip(np.round(x), 0, 255)
        if asked[5]:
            _, packed = cv2.imencode(
                ".jpg", x.astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, round(between(5, self.jpeg))]
            )
            x = np.asarray(cv2.imdecode(packed, cv2.IMREAD_UNCHANGED)).reshape(side, side, -1)
        return np.asarray(x, np.float32)

    def _cover(self, rng: np.random.Generator, seen: Face, asked: bool) -> None:
        """Cover part of the picture with a gray box."""
        side = seen.shape[0]
        area, aspect = rng.uniform(*self.erase_area) * side**2, np.exp(rng.uniform(-1, 1))
        height, width = (min(round(float(each)), side) for each in (np.sqrt(area * aspect), np.sqrt(area / aspect)))
        top, left = (int(rng.integers(0, side - each + 1)) for each in (height, width))
        gray = rng.uniform(0, 255)
        if asked:
            seen[top : top + height, left : left + width] = gray
