"""A wider network that starts from a narrower one."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emotion_core import Bundle, BundleError, TrainingError
from emotion_core.recognition.architectures import build
from emotion_core.recognition.bundle import embedded
from emotion_core.recognition.keras_network import load_network
from emotion_core.training.initial_weights import load_initial
from emotion_core.training.weight_average import mean_of
from emotion_core.training.widening import fed_by, widen

FACES = np.random.default_rng(0).integers(0, 256, (8, 48, 48, 1), dtype=np.uint8)


def small() -> Bundle:
    bundle = embedded("fer2013-custom-cnn")
    assert bundle
    return bundle


def test_a_wider_network_answers_as_the_one_that_it_starts_from() -> None:
    bundle, shape = small(), small().config.arch_options
    narrow = load_network(bundle, "model.weights.h5")
    wide = build("custom_cnn", 7, **{**shape, "width": shape["width"] * 3 // 2})
    load_initial(wide, bundle.folder, bundle.config.labels)
    assert wide.count_params() > 2 * narrow.count_params()
    assert np.allclose(wide(FACES), narrow(FACES), atol=1e-3)


def test_copies_differ_in_what_they_feed_so_that_they_learn_different_things() -> None:
    kernel = np.random.default_rng(1).normal(size=(3, 3, 4, 5)).astype(np.float32)
    copied = np.array([0, 1, 2, 3, 1])
    wide = fed_by(kernel, copied, np.random.default_rng(2))
    assert wide.shape == (3, 3, 5, 5)
    assert np.allclose(wide[:, :, 1] + wide[:, :, 4], kernel[:, :, 1], atol=1e-6)
    assert np.allclose(wide[:, :, [0, 2, 3]], kernel[:, :, [0, 2, 3]])
    share = wide[:, :, 4] / kernel[:, :, 1]
    assert share.min() > 0.2
    assert share.max() < 0.8
    assert share.std() > 0.05


def test_what_cannot_be_widened_is_told(tiny_bundle: Bundle) -> None:
    bundle, labels = small(), small().config.labels
    with pytest.raises(TrainingError, match=r"fer2013-custom-cnn is not a custom_cnn of this shape .*only be widened"):
        load_initial(build("custom_cnn", 7, width=16, stride=2), bundle.folder, labels)
    with pytest.raises(TrainingError, match="not a custom_cnn"):
        load_initial(build("custom_cnn", 7, width=64), tiny_bundle.folder, labels)
    first = build("custom_cnn", 7, width=8).layers[:4]
    with pytest.raises(TrainingError, match="no convolution"):
        widen(first[:2], first[:2])
    with pytest.raises(TrainingError, match="is not a wider"):
        widen(build("custom_cnn", 7, width=8, channels=3).layers[:4], first)


def test_a_mean_with_a_narrower_one_widens_it_first(tmp_path: Path) -> None:
    bundle, shape = small(), small().config.arch_options
    config = replace(bundle.config, arch_options={**shape, "width": shape["width"] * 3 // 2}, files={})
    wide = build("custom_cnn", 7, **config.arch_options)
    load_initial(wide, bundle.folder, config.labels)
    started = np.asarray(wide(FACES))
    wide.get_layer("logits").bias.assign_add(np.arange(7.0))
    wide.save_weights(tmp_path / "model.weights.h5")
    (tmp_path / "config.json").write_text(config.to_json())
    for members in ([Bundle.open(tmp_path), bundle], [bundle, Bundle.open(tmp_path)]):
        mean, widest = mean_of(members)
        assert widest.config.arch_options == config.arch_options
        assert np.allclose(mean(FACES), started + np.arange(7) / 2, atol=1e-3)
    with pytest.raises(BundleError, match="differ"):
        mean_of([bundle, replace(bundle, config=replace(bundle.config, arch_options={**shape, "stride": 1}))])
