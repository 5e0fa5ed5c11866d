"""Augmentation: what it preserves, what each degradation changes, and by how much."""

from dataclasses import replace

import keras
import numpy as np
import pytest
from PIL import Image

from emotion_core.recognition.architectures import build, enlarged_part
from emotion_core.training.augment import Augmentation
from support.noise import noise

#: No augmentation except what a test turns on.
STILL = Augmentation(flip=0, rotation=0, roll=0, zoom=(1, 1), shift=0, contrast=0, brightness=0, erase=0, spoil=0)


def test_augmentation_keeps_what_it_should() -> None:
    rng = np.random.default_rng(3)
    faces = noise(6).faces
    assert np.array_equal(STILL.apply(rng, faces, 48), faces)
    assert np.array_equal(Augmentation(flip=0).apply(rng, faces, 48, strength=0), faces)
    assert np.array_equal(replace(STILL, flip=1).apply(rng, faces, 48), faces[:, :, ::-1])
    changed = Augmentation().apply(rng, faces, 48)
    assert changed.dtype == np.float32
    assert 0 <= changed.min() <= changed.max() <= 255
    assert not np.array_equal(changed, faces)
    colour = np.repeat(faces, 3, axis=3)
    seen = replace(STILL, spoil=1, roll=0).apply(rng, colour, 64)
    assert seen.shape == (6, 64, 64, 3)


def test_an_unchanged_face_is_what_the_network_makes_of_it() -> None:
    """Sampled once, exactly like the graph's own upscaling: training and serving see the same."""
    faces = noise(3).faces
    enlarged = keras.layers.Resizing(80, 80)(faces.astype(np.float32))
    assert np.abs(np.asarray(enlarged) - STILL.apply(np.random.default_rng(0), faces, 80)).max() < 8
    network = build("resnet50v2", 7, image_size=80)
    inner = enlarged_part(network)
    assert inner.input_shape == (None, 80, 80, 1)
    assert np.allclose(inner(enlarged, training=False), network(faces, training=False), atol=1e-3)


@pytest.mark.parametrize("number", range(6))
def test_each_way_of_spoiling_a_face_changes_it(number: int) -> None:
    face = np.asarray(astronaut_face(), np.float32)
    asked = np.arange(8) == number
    seen = STILL._spoilt(np.random.default_rng(0), face[..., None].astype(np.uint8), asked, np.full(8, 0.3))
    assert seen.shape == (48, 48, 1)
    assert np.abs(seen[..., 0] - face).mean() > 4 or number in (0, 1, 5)
    assert np.abs(seen[..., 0] - face).max() > 4
    assert 0 <= seen.min() <= seen.max() <= 255


def astronaut_face() -> np.ndarray:
    from skimage import data

    return np.asarray(Image.fromarray(data.astronaut()).convert("L").crop((170, 60, 270, 160)).resize((48, 48)))


def test_a_shift_is_as_far_as_it_says() -> None:
    face = np.zeros((1, 48, 48, 1), np.uint8)
    face[0, 20:24, 20:24] = 255
    only_shift = replace(STILL, shift=0.1)
    rng = np.random.default_rng(0)
    for _ in range(20):
        moved = only_shift.apply(rng, face, 48)[0, ..., 0]
        y, x = (np.average(np.arange(48), weights=moved.sum(axis=axis)) for axis in (1, 0))
        assert abs(y - 21.5) <= 4.81
        assert abs(x - 21.5) <= 4.81
