"""Initial weights of ``face_resnet``: read from the file of dlib's face recognition network, which is in the public
domain (``dlib_face_recognition_resnet_model_v1.dat``, in the package ``face_recognition_models``), and re-normalised.

What dlib writes is as simple as this, for each layer from the input on: a tag such as ``con_4`` or ``affine_`` behind
its length, for the last layer two counts, then all parameters as one tensor: the number 2, its four sides, float32
values, little-endian. A number is a byte with how many bytes follow, and these, lowest first.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..errors import TrainingError
from ..files import unfinished
from ..recognition.architectures import build
from ..recognition.face_resnet import SIDE, names
from .batch_norm import restate_statistics

Floats = NDArray[np.float32]

_TAGGED: Final = re.compile(rb"\x01(?:\x05con_4|\x07affine_|\x04fc_2)")
#: Numbers between the tag and the tensor's own.
_COUNTS: Final = {"fc_2": 2}
#: The embedding's layer, which a classifier has no use for; its array is ignored where it does not fit.
EMBEDDING: Final = "embedding/kernel"


def read_dlib(path: str | Path) -> dict[str, Floats]:
    """The weights by variable path, as for a ``face_resnet`` of 150 pixels, and ``EMBEDDING``, (256, 128).

    The running means are 0, the variances such that each normalisation is dlib's scale and offset: the answers are
    dlib's, but the network cannot be trained on before ``restate_statistics``. Raises TrainingError for another file.
    """
    path = Path(path)
    try:
        read = list(_tensors(path.read_bytes()))
        return _by_path(read)
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror}).") from error
    except (ValueError, IndexError) as error:
        raise TrainingError(f"{path} is not dlib_face_recognition_resnet_model_v1.dat, or not all of it.") from error


def initial_weights(path: str | Path, faces: NDArray[np.uint8], image_size: int = 112) -> dict[str, Floats]:
    """The weights by variable path for a ``face_resnet`` of this size that is trained on such faces.

    faces: uint8 (N, H, W, C), of the Training split. The answers on them are dlib's, and nearly the same while batch
    normalisation uses each batch's own statistics. Raises TrainingError as ``read_dlib`` does.
    """
    arrays = read_dlib(path)
    network = build("face_resnet", 1, crop_size=faces.shape[1], channels=faces.shape[3], image_size=image_size)
    variables = {variable.path: variable for variable in network.variables}
    fitting = {name: variables[name] for name in arrays if name in variables}
    for name, variable in fitting.items():
        variable.assign(arrays[name])
    restate_statistics(network, faces)
    kept = {name: np.asarray(variable.numpy(), np.float32) for name, variable in fitting.items()}
    return kept | {EMBEDDING: arrays[EMBEDDING]}


def write_npz(arrays: dict[str, Floats], path: Path) -> None:
    """Write an ``.npz`` for ``load_initial``: kernels as float16, the rest as float32."""
    small: dict[str, Any] = {
        name.replace("/", "|"): array.astype(np.float16) if array.ndim > 1 else array for name, array in arrays.items()
    }
    with unfinished(path) as part, part.open("wb") as file:
        np.savez_compressed(file, allow_pickle=False, **small)


def _tensors(content: bytes) -> Iterator[tuple[str, Floats]]:
    """The layers with parameters, in the order of the file: tag, flat values. ValueError where one is cut short."""
    at = 0
    while found := _TAGGED.search(content, at):
        tag, at = found[0][2:].decode(), found.end()
        numbers = []
        for _ in range(_COUNTS.get(tag, 0) + 5):
            size = content[at]
            numbers.append(int.from_bytes(content[at + 1 : at + 1 + size], "little"))
            at += 1 + size
        version, *sides = numbers[-5:]
        if version != 2:
            raise ValueError(f"a tensor of version {version}")
        length = int(np.prod(sides, dtype=object))
        yield tag, np.frombuffer(content, "<f4", length, at).astype(np.float32)
        at += 4 * length


def _by_path(read: list[tuple[str, Floats]]) -> dict[str, Floats]:
    """Keras's layout: kernels (rows, columns, in, out), and normalisations for scales and offsets."""
    network = build("face_resnet", 1, image_size=SIDE)
    tags = [tag for tag, _ in read]
    if tags != ["con_4", "affine_"] * len(names()) + ["fc_2"]:
        raise ValueError(f"{len(tags)} layers with parameters")
    arrays: dict[str, Floats] = {EMBEDDING: read[-1][1].reshape(-1, 128)}
    pairs = zip(read[:-1:2], read[1::2], names(), strict=True)
    for (_, convolution), (_, affine), (conv_name, norm_name) in pairs:
        rows, columns, inputs, outputs = network.get_layer(conv_name).kernel.shape
        kernel, bias = np.split(convolution, [rows * columns * inputs * outputs])
        scale, offset = affine.reshape(2, outputs)
        arrays[f"{conv_name}/kernel"] = kernel.reshape(outputs, inputs, rows, columns).transpose(2, 3, 1, 0)
        arrays[f"{norm_name}/gamma"] = scale
        arrays[f"{norm_name}/beta"] = offset + scale * bias.reshape(outputs)
        arrays[f"{norm_name}/moving_mean"] = np.zeros_like(scale)
        arrays[f"{norm_name}/moving_variance"] = np.full_like(scale, 1 - network.get_layer(norm_name).epsilon)
    return arrays
