"""The body of dlib's face recognition network, a residual network of 29 layers.

Davis King 2017, "High Quality Face Recognition with Deep Metric Learning", of dlib (King 2009, "Dlib-ml: A Machine
Learning Toolkit", JMLR 10); a residual network (He et al. 2016, arXiv:1512.03385) with half of ResNet-34's filters
and fewer blocks. Its weights are in the public domain; ``emotion_core.training.face_weights`` reads them.
"""

from typing import Any, Final

from keras import layers, ops

from ..errors import BundleError

#: Red, green, blue, from 0 to 255: taken off the pictures that dlib's network was trained on, before a division by 256.
MEAN_RGB: Final = (122.782, 117.001, 104.298)
#: The side of those pictures. Smaller ones need no other weights, only leave smaller maps.
SIDE: Final = 150
#: From this side on, every convolution that the network keeps sees at least its own size.
SMALLEST: Final = 64
#: Filters of each block, and whether it halves the map.
BLOCKS: Final = (
    *((32, False),) * 3,
    *((64, True), *((64, False),) * 3),
    *((128, True), *((128, False),) * 2),
    *((256, True), *((256, False),) * 2),
    (256, True),
)
STEM: Final = "stem"
#: Of dlib's own batch normalisation. (Its published weights hold a scale and an offset instead.)
_EPSILON: Final = 1e-4
_MOMENTUM: Final = 0.99


def names() -> list[tuple[str, str]]:
    """The names of every convolution and of the normalisation after it, from the input on; all 29 there are."""
    steps = [STEM, *(f"block{number}_{step}" for number in range(1, len(BLOCKS) + 1) for step in "ab")]
    return [(f"{step}_conv", f"{step}_norm") for step in steps]


def face_features(x: Any) -> Any:
    """float (N, S, S, 3) RGB, 0 to 255 over 256 -> (N, 256), of a picture with sides of at least ``SMALLEST``.

    The last block halves the map again. It is left out where 1x1 would remain, which holds for sides under 135 or so:
    a mean over 3x3 tells more of an expression. Raises BundleError for smaller pictures.
    """
    if min(x.shape[1:3]) < SMALLEST:
        raise BundleError(f"face_resnet needs an image_size of at least {SMALLEST}, not {min(x.shape[1:3])}.")
    mean = [value / 256 for value in MEAN_RGB]
    x = layers.Normalization(mean=mean, variance=[1.0] * 3, dtype="float32", name="face_mean")(x)
    x = layers.ReLU(name="stem_relu")(_conv_norm(x, STEM, 32, size=7, stride=2))
    x = layers.MaxPooling2D(3, strides=2, name="stem_pool")(x)
    for number, (width, halves) in enumerate(BLOCKS, 1):
        if number == len(BLOCKS) and x.shape[1] < 4:
            break
        x = _block(x, f"block{number}", width, halves)
    return layers.GlobalAveragePooling2D(name="pool")(x)


def _block(x: Any, name: str, width: int, halves: bool) -> Any:
    """Two convolutions around a shortcut; where the map is halved, the shortcut is its mean over 2x2."""
    y = layers.ReLU(name=f"{name}_a_relu")(_conv_norm(x, f"{name}_a", width, stride=2 if halves else 1))
    y = _conv_norm(y, f"{name}_b", width)
    shortcut = layers.AveragePooling2D(2, name=f"{name}_mean")(x) if halves else x
    # As in dlib, what is smaller is filled up with zeros: the shortcut's channels, and the last row and column of the
    # convolutions' map, which has one less than the shortcut where the map before had an even side.
    rows, columns = (shortcut.shape[axis] - y.shape[axis] for axis in (1, 2))
    if rows or columns:
        y = ops.pad(y, ((0, 0), (0, rows), (0, columns), (0, 0)))
    if width > shortcut.shape[-1]:
        shortcut = ops.pad(shortcut, ((0, 0), (0, 0), (0, 0), (0, width - shortcut.shape[-1])))
    return layers.ReLU(name=f"{name}_relu")(layers.Add(name=f"{name}_add")([y, shortcut]))


def _conv_norm(x: Any, name: str, width: int, size: int = 3, stride: int = 1) -> Any:
    # dlib pads only where it does not stride. The normalisation's offset takes the convolution's bias.
    padding = "same" if stride == 1 else "valid"
    x = layers.Conv2D(
        width,
        size,
        strides=stride,
        padding=padding,
        use_bias=False,
        kernel_initializer="he_normal",
        name=f"{name}_conv",
    )(x)
    return layers.BatchNormalization(momentum=_MOMENTUM, epsilon=_EPSILON, name=f"{name}_norm")(x)
