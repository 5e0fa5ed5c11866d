"""The networks. Each maps raw uint8 crops to logits: preprocessing is part of the graph.

All take the ``crop_size`` and ``channels`` (1 gray, 3 RGB) of their input, and the
``image_size`` to which the graph enlarges the crop. Their last layer is ``logits``.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import keras
from keras import layers

from ..errors import BundleError
from .face_resnet import face_features

BUILDERS: Final[dict[str, Callable[..., Any]]] = {}
HEAD: Final = "logits"

#: Momentum per step of the running statistics in transferred networks.
BATCH_NORM_MOMENTUM: Final = 0.99
#: ImageNet's mean colour (blue, green, red), subtracted from the inputs that VGG16 and ResNet50 were trained on.
IMAGENET_MEAN_BGR: Final = (103.939, 116.779, 123.68)


def register(builder: Callable[..., Any]) -> Callable[..., Any]:
    """Add a builder to ``BUILDERS`` under its own name."""
    BUILDERS[builder.__name__] = builder
    return builder


def build(arch: str, classes: int, **options: Any) -> Any:
    """Build a network by name: uint8 (N, H, W, C) -> logits float32 (N, classes).

    Raises BundleError for a name that is not in ``BUILDERS``, or an option that its builder does not take.
    """
    if arch not in BUILDERS:
        raise BundleError(f"Unknown architecture {arch!r}: use one of {', '.join(sorted(BUILDERS))}.")
    unknown = set(options) - set(inspect.signature(BUILDERS[arch]).parameters)
    if unknown:
        raise BundleError(f"{arch} takes no option {', '.join(sorted(unknown))}.")
    return BUILDERS[arch](classes, **options)


def options_of(arch: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options besides the classes that decide a network's shape, recorded so that it can be rebuilt."""
    if arch not in BUILDERS:
        raise BundleError(f"Unknown architecture {arch!r}: use one of {', '.join(sorted(BUILDERS))}.")
    parameters = inspect.signature(BUILDERS[arch]).parameters
    skipped = ("classes", "dropout", "weights")
    return {name: given.get(name, p.default) for name, p in parameters.items() if name not in skipped}


def enlarged_part(network: Any) -> Any:
    """The same network without the enlarging step: float32 (N, S, S, C), 0 to 255 -> logits, sharing all weights.

    Augmentation can then sample a face directly at that size, instead of resampling it twice.
    """
    names = {layer.name for layer in network.layers}
    start = network.get_layer("enlarge" if "enlarge" in names else "scale").output
    rest = keras.Model(start, network.output, name=network.name)
    crop = keras.Input(tuple(start.shape[1:]), dtype="float32", name="enlarged")
    return keras.Model(crop, rest(network.get_layer("scale")(crop)), name=f"{network.name}_trainer")


@register
def custom_cnn(
    classes: int, crop_size: int = 48, channels: int = 1, width: int = 32, stride: int = 1, dropout: float = 0.3
) -> Any:
    """A plain CNN from scratch: four stages of two 3x3 convolutions, each stage twice as wide as the last.

    With ``stride=2`` the first convolution already halves the side: a quarter of the work, with the same weights.
    """
    crop = keras.Input((crop_size, crop_size, channels), dtype="uint8", name="crop")
    x = layers.Rescaling(1 / 127.5, offset=-1, dtype="float32", name="scale")(crop)
    for stage in range(4):
        for number in range(2):
            # Batch normalisation adds its own offset, so the convolution needs no bias.
            x = layers.Conv2D(
                width * 2**stage,
                3,
                strides=1 if stage or number else stride,
                padding="same",
                use_bias=False,
                kernel_initializer="he_normal",
            )(x)
            x = layers.ReLU()(layers.BatchNormalization()(x))
        x = layers.SpatialDropout2D(dropout / 3)(layers.MaxPooling2D(2, padding="same")(x))
    x = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(x))
    return keras.Model(crop, layers.Dense(classes, dtype="float32", name=HEAD)(x), name="custom_cnn")


@register
def residual_cnn(
    classes: int, crop_size: int = 48, channels: int = 1, image_size: int = 96, dropout: float = 0.3
) -> Any:
    """The residual CNN on 96x96x3: four blocks of a 3x3 stem and two 3x3 convolutions around a shortcut.

    With 8 classes it has 1,979,080 parameters, 3,008 of them batch normalisation statistics. It
    pools globally, so it can be trained on smaller pictures first (``image_size=48``).
    """
    crop = keras.Input((crop_size, crop_size, channels), dtype="uint8", name="crop")
    x = _rgb(layers.Rescaling(1 / 127.5, offset=-1, dtype="float32", name="scale")(crop), image_size)
    for width in (32, 64, 128, 256):
        shortcut = _conv_norm(x, width)
        shortcut = layers.ReLU()(shortcut)
        y = layers.ReLU()(_conv_norm(shortcut, width))
        x = layers.ReLU()(layers.Add()([shortcut, _conv_norm(y, width)]))
        x = layers.Dropout(dropout / 3)(layers.MaxPooling2D(2)(x))
    x = layers.Dense(64, activation="relu", name="features")(layers.GlobalAveragePooling2D()(x))
    x = layers.Dropout(dropout)(layers.BatchNormalization()(x))
    return keras.Model(crop, layers.Dense(classes, dtype="float32", name=HEAD)(x), name="residual_cnn")


@register
def face_resnet(
    classes: int, crop_size: int = 48, channels: int = 1, image_size: int = 112, dropout: float = 0.3
) -> Any:
    """The body of dlib's face recognition network and a head of our own; see ``face_resnet``.

    With 7 classes it has 4,405,479 parameters, and 5,587,175 from some 135 pixels on: the last block is kept then.
    """
    crop = keras.Input((crop_size, crop_size, channels), dtype="uint8", name="crop")
    x = _rgb(layers.Rescaling(1 / 256, dtype="float32", name="scale")(crop), image_size)
    x = layers.Dropout(dropout, name="dropout")(face_features(x))
    # Features of dlib's size times random weights would be a loss of 3 to 4 at first, which tears at the features.
    head = layers.Dense(classes, kernel_initializer="zeros", dtype="float32", name=HEAD)
    return keras.Model(crop, head(x), name="face_resnet")


# float32 under any dtype policy: bfloat16 keeps 8 bits and would blur the gray levels.


def _rgb(x: Any, image_size: int) -> Any:
    """Enlarge to ``image_size`` and expand gray to three channels."""
    x = layers.Resizing(image_size, image_size, dtype="float32", name="enlarge")(x)
    return layers.Concatenate(dtype="float32", name="gray_to_rgb")([x, x, x]) if x.shape[-1] == 1 else x


def _without_imagenet_mean(x: Any) -> Any:
    mean = layers.Normalization(mean=IMAGENET_MEAN_BGR, variance=[1.0] * 3, dtype="float32", name="imagenet_mean")
    return mean(keras.ops.take(x, [2, 1, 0], axis=-1))  # not x[..., ::-1]: PyTorch has no negative steps


def _conv_norm(x: Any, width: int) -> Any:
    return layers.BatchNormalization()(layers.Conv2D(width, 3, padding="same", kernel_initializer="he_normal")(x))


@dataclass(frozen=True)
class _Transferred:
    """A network of ``keras.applications``: its name there, and the settings that differ between ours."""

    application: str
    #: Default side to which crops are enlarged.
    image_size: int
    dropout: float = 0.3
    #: Trained on BGR minus ImageNet's mean, not on RGB from -1 to 1.
    caffe: bool = False


_TRANSFERRED: Final = {
    "vgg16": _Transferred("VGG16", 48, caffe=True),  # Simonyan and Zisserman 2015, arXiv:1409.1556
    "resnet50": _Transferred("ResNet50", 64, caffe=True),  # He et al. 2016, arXiv:1512.03385
    "resnet50v2": _Transferred("ResNet50V2", 64),  # He et al. 2016, arXiv:1603.05027
    "mobilenetv2": _Transferred("MobileNetV2", 96, dropout=0.2),  # Sandler et al. 2018, arXiv:1801.04381
}


def _builder(name: str, kind: _Transferred) -> Callable[..., Any]:
    def build_transferred(
        classes: int,
        crop_size: int = 48,
        channels: int = 1,
        image_size: int = kind.image_size,
        dropout: float = kind.dropout,
        weights: str | None = None,
    ) -> Any:
        """The backbone without its top, plus our own head; ``weights="imagenet"`` downloads Keras's weights."""
        crop = keras.Input((crop_size, crop_size, channels), dtype="uint8", name="crop")
        scale, offset = (1.0, 0.0) if kind.caffe else (1 / 127.5, -1)
        x = _rgb(layers.Rescaling(scale, offset=offset, dtype="float32", name="scale")(crop), image_size)
        x = _without_imagenet_mean(x) if kind.caffe else x
        application = getattr(keras.applications, kind.application)
        backbone = application(include_top=False, weights=weights, input_shape=tuple(x.shape[1:]), pooling="avg")
        for layer in backbone.layers:
            if isinstance(layer, layers.BatchNormalization):
                # MobileNetV2's own momentum lags a thousand steps behind, over two epochs of faces: evaluated with
                # the statistics of much earlier weights, it scored like chance for epochs.
                layer.momentum = min(layer.momentum, BATCH_NORM_MOMENTUM)
        x = layers.Dropout(dropout, name="dropout")(backbone(x))
        return keras.Model(crop, layers.Dense(classes, dtype="float32", name=HEAD)(x), name=name)

    build_transferred.__name__ = name
    return build_transferred


BUILDERS.update({name: _builder(name, kind) for name, kind in _TRANSFERRED.items()})
