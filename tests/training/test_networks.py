"""The networks: their inputs, sizes, frozen layers and initial weights."""

import subprocess
import sys
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emotion_core import Bundle, BundleError, TrainingError
from emotion_core.datasets.faces import load
from emotion_core.recognition.architectures import BUILDERS, IMAGENET_MEAN_BGR, build, enlarged_part
from emotion_core.training.initial_weights import freeze_before, load_initial
from emotion_core.training.loop import train
from support import tiny
from support.noise import noise
from support.processes import importing


def test_resnet50v2() -> None:
    network = build("resnet50v2", 7)
    assert network.input_shape == (None, 48, 48, 1)
    assert network.count_params() == 23_579_143
    with pytest.raises(BundleError, match="resnet50v2"):
        build("resnet51", 7)


def test_every_network_takes_raw_crops_and_gives_logits() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 1), dtype=np.uint8)
    for arch in sorted(set(BUILDERS) - {"tiny"}):
        network = build(arch, 7)
        assert np.asarray(network(crops)).shape == (2, 7), arch
        trainer = enlarged_part(network)
        side, channels = trainer.input_shape[2:]
        assert np.asarray(trainer(np.zeros((2, side, side, channels), np.float32))).shape == (2, 7), arch
        assert network.layers[-1].name == "logits"
        assert network.input_shape == (None, 48, 48, 1)
    colour = build("mobilenetv2", 3, crop_size=64, channels=3, image_size=64)
    assert colour.input_shape == (None, 64, 64, 3)
    with pytest.raises(BundleError, match="takes no option depth"):
        build("custom_cnn", 7, depth=9)


#: Every network and what is trained of it, on the backend that KERAS_BACKEND names.
BUILD = """
import numpy as np
from emotion_core.recognition.architectures import BUILDERS, build, enlarged_part
from emotion_core.training.torch_speed import no_gradients, quicken

crops = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 1), dtype=np.uint8)
for arch in BUILDERS:
    network = build(arch, 7, crop_size=32, **({} if arch == "custom_cnn" else {"image_size": 64}))
    quicken(network)
    trainer = enlarged_part(network)
    with no_gradients():
        assert tuple(network(crops).shape) == (2, 7), arch
        side, channels = trainer.input_shape[2:]
        assert tuple(trainer(np.zeros((2, side, side, channels), np.float32)).shape) == (2, 7), arch
"""


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is not installed: it is no requirement")
def test_every_network_runs_on_pytorch_too() -> None:
    subprocess.run([sys.executable, "-c", BUILD], env=importing(KERAS_BACKEND="torch"), check=True, timeout=300)


def test_residual_cnn_has_the_parameters_of_its_design() -> None:
    network = build("residual_cnn", 8, crop_size=96, channels=3)
    trainable = sum(int(np.prod(variable.shape)) for variable in network.trainable_variables)
    assert network.count_params() == 1_979_080
    assert trainable == 1_976_072
    assert network.count_params() - trainable == 3_008


def test_imagenet_mean_is_taken_off_blue_green_red() -> None:
    network = build("vgg16", 7, crop_size=32, channels=3, image_size=32)
    from keras import Model

    inner = Model(network.input, network.get_layer("imagenet_mean").output)
    red = np.zeros((1, 32, 32, 3), np.uint8)
    red[..., 0] = 255
    assert np.allclose(np.asarray(inner(red))[0, 0, 0], np.array([0, 0, 255]) - IMAGENET_MEAN_BGR, atol=1e-3)


def test_freezing() -> None:
    network = build("mobilenetv2", 7)
    freeze_before(network, "logits")
    assert len(network.trainable_variables) == 2
    network = build("mobilenetv2", 7)
    freeze_before(network, "block_16_expand")
    names = {variable.path.split("/")[0] for variable in network.trainable_variables}
    assert "block_16_expand" in names
    assert "block_15_project" not in names
    with pytest.raises(TrainingError, match="no layer 'block_99'"):
        freeze_before(network, "block_99")


def test_frozen_layers_keep_their_weights(tiny_bundle: Bundle, tiny_csv: Path, tmp_path: Path) -> None:
    best = tiny_bundle.folder / "run" / "best.weights.h5"
    before = build("tiny", 7)
    before.load_weights(best)
    config = replace(tiny.settings(1), init=str(best), train_from="logits")
    after = train(load(tiny_csv), config, tmp_path)
    *body, head = before.layers
    for layer, other in zip(body, after.layers, strict=False):
        for left, right in zip(layer.get_weights(), other.get_weights(), strict=True):
            assert np.array_equal(left, right), layer.name
    assert not np.array_equal(head.get_weights()[0], after.layers[-1].get_weights()[0])


def test_initial_weights(tmp_path: Path) -> None:
    tiny.register()
    network = build("tiny", 7)
    bias = next(variable for variable in network.variables if variable.path == "logits/bias")
    arrays: dict[str, Any] = {"logits|bias": np.arange(7, dtype=np.float16), "logits|kernel": np.zeros(3)}
    np.savez(tmp_path / "init.npz", allow_pickle=True, **arrays)
    assert load_initial(network, tmp_path / "init.npz") == 1
    assert np.array_equal(bias.numpy(), np.arange(7))
    np.savez(tmp_path / "other.npz", allow_pickle=True, **{"elsewhere|bias": np.zeros(7)})
    with pytest.raises(TrainingError, match="another architecture"):
        load_initial(network, tmp_path / "other.npz")
    for content in (b"no archive", (tmp_path / "init.npz").read_bytes()[:200]):
        (tmp_path / "broken.npz").write_bytes(content)
        with pytest.raises(TrainingError, match=r"broken\.npz"):
            load_initial(network, tmp_path / "broken.npz")


def test_the_light_network_takes_the_plain_ones_weights() -> None:
    plain, light = build("custom_cnn", 7), build("custom_cnn", 7, stride=2)
    light.set_weights(plain.get_weights())
    crops = noise(2).faces
    assert np.asarray(light(crops)).shape == (2, 7)
    assert not np.allclose(light(crops), plain(crops))
