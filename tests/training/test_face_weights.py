"""dlib's face recognition network as a start: the architecture, the reader of its file, the new statistics."""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from emotion_core import BundleError, TrainingError
from emotion_core.cli.main import main
from emotion_core.recognition.architectures import build, enlarged_part, options_of
from emotion_core.recognition.face_resnet import MEAN_RGB, SIDE, names
from emotion_core.training.batch_norm import restate_statistics
from emotion_core.training.face_weights import EMBEDDING, initial_weights, read_dlib, write_npz
from emotion_core.training.initial_weights import load_initial
from support.noise import noise


def number(value: int) -> bytes:
    """As dlib writes it: how many bytes there are, and these, lowest first."""
    digits = value.to_bytes(max((value.bit_length() + 7) // 8, 1), "little")
    return bytes([len(digits)]) + digits


def layer(tag: str, tensor: np.ndarray, counts: tuple[int, ...] = (), rest: bytes = b"\x01\x20" * 6) -> bytes:
    """A layer's tag, the last one's counts, the parameters as one tensor, and numbers that nobody reads."""
    sides = (*tensor.shape, 1, 1, 1)[:4]
    header = b"".join(number(value) for value in (*counts, 2, *sides))
    return number(len(tag)) + tag.encode() + header + tensor.astype("<f4").tobytes() + rest


@pytest.fixture(scope="module")
def weights() -> list[dict[str, np.ndarray]]:
    """For each of the 29 convolutions, in dlib's layout: filters (out, in, rows, columns), bias, scale, offset."""
    network, rng = build("face_resnet", 1, image_size=SIDE), np.random.default_rng(0)
    made = []
    for conv, _ in names():
        rows, columns, inputs, outputs = network.get_layer(conv).kernel.shape
        filters = rng.normal(0, (2 / (rows * columns * inputs)) ** 0.5, (outputs, inputs, rows, columns))
        bias, offset = rng.normal(0, 0.1, (2, outputs))
        made.append({"filters": filters, "bias": bias, "scale": rng.uniform(0.3, 0.6, outputs), "offset": offset})
    return made


@pytest.fixture(scope="module")
def dlib_file(weights: list[dict[str, np.ndarray]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path: Path = tmp_path_factory.mktemp("dlib") / "network.dat"
    with path.open("wb") as file:
        file.write(b"\x01\x01\x01\x0dloss_metric_2\x03\x0a\xd7\xa3\x81\x1c\x01\x15input_rgb_image_sized")
        for given in weights:
            file.write(layer("con_4", np.concatenate([given["filters"].ravel(), given["bias"]])))
            file.write(layer("affine_", np.concatenate([given["scale"], given["offset"]])))
            file.write(number(5) + b"relu_" + b"111")
        file.write(layer("fc_2", np.arange(256 * 128).reshape(256, 128) / 1e4, counts=(128, 256)))
    return path


def assigned(network: Any, arrays: dict[str, Any]) -> Any:
    for variable in network.variables:
        if variable.path in arrays:
            variable.assign(arrays[variable.path])
    return network


def features(network: Any, crops: np.ndarray, training: bool = False) -> np.ndarray:
    inner = keras.Model(network.input, network.get_layer("pool").output)
    return np.asarray(keras.ops.convert_to_numpy(inner(crops, training=training)))


def test_the_last_block_is_kept_where_more_than_one_pixel_remains() -> None:
    small, large = build("face_resnet", 7), build("face_resnet", 7, image_size=SIDE)
    assert small.get_layer("pool").input.shape[1:] == (3, 3, 256)
    assert large.get_layer("pool").input.shape[1:] == (2, 2, 256)
    assert (small.count_params(), large.count_params()) == (4_405_479, 5_587_175)
    assert len(names()) == 29
    assert {conv for conv, _ in names()} == {
        each.name for each in large.layers if isinstance(each, keras.layers.Conv2D)
    }
    with pytest.raises(BundleError, match="image_size of at least 64, not 48"):
        build("face_resnet", 7, image_size=48)


def test_options_and_the_enlarged_part() -> None:
    given = {"crop_size": 48, "channels": 1, "image_size": 96, "dropout": 0.1, "classes": 7}
    assert options_of("face_resnet", given) == {"crop_size": 48, "channels": 1, "image_size": 96}
    network, crops = build("face_resnet", 7, image_size=96), noise(2).faces
    trainer = enlarged_part(network)
    assert trainer.input_shape == (None, 96, 96, 1)
    large = keras.ops.image.resize(crops.astype(np.float32), (96, 96))
    assert not np.asarray(network(crops, training=False)).any()  # a new head begins without an opinion
    network.get_layer("logits").kernel.assign(np.random.default_rng(0).normal(size=(256, 7)))
    assert np.allclose(trainer(large, training=False), network(crops, training=False), atol=1e-3)


def test_the_mean_colour_is_taken_off_and_the_rest_divided() -> None:
    network = build("face_resnet", 7, crop_size=64, channels=3, image_size=64)
    inner = keras.Model(network.input, network.get_layer("face_mean").output)
    picture = np.full((1, 64, 64, 3), (200, 100, 50), np.uint8)
    assert np.allclose(np.asarray(inner(picture))[0, 5, 5], (np.array([200, 100, 50]) - MEAN_RGB) / 256, atol=1e-6)


def test_saved_and_loaded_it_answers_the_same(tmp_path: Path) -> None:
    network, crops = build("face_resnet", 7, image_size=64), noise(2).faces
    network.get_layer("logits").kernel.assign(np.random.default_rng(0).normal(size=(256, 7)))
    network.save(tmp_path / "network.keras")
    again = keras.saving.load_model(tmp_path / "network.keras", compile=False, safe_mode=True)
    assert np.allclose(again(crops, training=False), network(crops, training=False), atol=1e-5)


def test_every_number_of_the_file_arrives(weights: list[dict[str, np.ndarray]], dlib_file: Path) -> None:
    arrays = read_dlib(dlib_file)
    assert len(arrays) == 29 * 5 + 1
    assert np.allclose(arrays[EMBEDDING], np.arange(256 * 128).reshape(256, 128) / 1e4)
    network = assigned(build("face_resnet", 1, image_size=SIDE), arrays)
    for (conv, norm), given in zip(names(), weights, strict=True):
        # A single bright pixel in a single input channel, seen through the layer pair, against dlib's own definition.
        rows, inputs = given["filters"].shape[2], given["filters"].shape[1]
        dot = np.zeros((1, rows, rows, inputs), np.float32)
        dot[0, 0, rows - 1, inputs - 1] = 3
        convolution = network.get_layer(conv)
        seen = network.get_layer(norm)(convolution(dot), training=False)
        middle = rows // 2 if convolution.padding == "same" else 0  # where a kernel lies on all of the map
        told = given["scale"] * (3 * given["filters"][:, -1, 0, rows - 1] + given["bias"]) + given["offset"]
        assert np.allclose(np.asarray(seen)[0, middle, middle], told, atol=1e-5), conv


def test_new_statistics_leave_the_answers_and_make_it_fit_to_be_trained(dlib_file: Path, tmp_path: Path) -> None:
    faces = noise(48).faces
    plain = assigned(build("face_resnet", 7, image_size=64), read_dlib(dlib_file))
    before = features(plain, faces)
    arrays = initial_weights(dlib_file, faces, 64)
    write_npz(arrays, tmp_path / "start.npz")
    network = build("face_resnet", 7, image_size=64)
    assert load_initial(network, tmp_path / "start.npz") == 27 * 5
    after = features(network, faces)
    spread = before.std()
    assert np.abs(after - before).max() < 0.05 * spread  # the kernels were rounded to float16
    # Noise of 2x2 and less on the last maps: few values a channel, so only nearly the same.
    assert np.abs(features(network, faces, training=True) - after).mean() < 0.05 * spread
    assert np.abs(features(plain, faces, training=True) - before).mean() > 0.3 * spread


def test_networks_without_normalisation_cost_nothing() -> None:
    assert restate_statistics(build("vgg16", 7), noise(1).faces) == 0


def test_what_is_no_such_file_is_refused(dlib_file: Path, tmp_path: Path) -> None:
    whole = dlib_file.read_bytes()
    for content in (b"", b"no network", whole[: len(whole) // 2], whole[:-131_072], whole.replace(b"fc_2", b"fc_3")):
        (tmp_path / "other.dat").write_bytes(content)
        with pytest.raises(TrainingError, match=r"other\.dat is not dlib_face_recognition"):
            read_dlib(tmp_path / "other.dat")
    with pytest.raises(TrainingError, match="cannot be read"):
        read_dlib(tmp_path / "none.dat")


def test_the_command(dlib_file: Path, tiny_csv: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "start.npz"
    given = ["face-weights", str(dlib_file), "--data", str(tiny_csv), "--image-size", "64", "--out", str(out)]
    assert main(given) == 0
    assert "--arch face_resnet --init" in capsys.readouterr().out
    assert load_initial(build("face_resnet", 7, image_size=64), out) == 27 * 5
    assert main([*given[:1], str(tmp_path / "none.dat"), *given[2:]]) == 1
    assert "cannot be read" in capsys.readouterr().err
