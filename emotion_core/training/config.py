"""Everything that determines a training run, apart from the data."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import TrainingError
from ..options import option
from .augment import Augmentation


def _fast_precision() -> str:
    from .devices import fast_precision  # imports Keras, which the command line's help does not need

    return fast_precision()


@dataclass(frozen=True)
class NetworkShape:
    """Options for building a network; None keeps the architecture's default."""

    crop_size: int | None = option(None, "side of the crops that the network takes, in pixels")
    color: bool = option(False, "the network takes RGB")
    image_size: int | None = option(None, "side to which crops are enlarged in the network, in pixels")
    width: int | None = option(None, "filters of the custom CNN's first stage")
    stride: int | None = option(None, "of the custom CNN's first convolution; 2: four times as fast")

    def arch_options(self) -> dict[str, int]:
        """The options that were set, for ``TrainConfig.arch_options``."""
        asked = {"crop_size": self.crop_size, "channels": 3 if self.color else None, "image_size": self.image_size}
        asked |= {"width": self.width, "stride": self.stride}
        return {name: value for name, value in asked.items() if value is not None}


@dataclass(frozen=True)
class TrainConfig:
    """The network, the targets, the augmentation and the optimiser of one run."""

    arch: str = option(
        "resnet50v2", "custom_cnn, face_resnet, mobilenetv2, residual_cnn, resnet50, resnet50v2 or vgg16"
    )
    #: See ``recognition.architectures``: crop_size, channels, image_size and whatever else the network accepts.
    arch_options: Mapping[str, Any] = field(default_factory=dict)
    epochs: int = option(14, "passes over all faces")
    batch_size: int = option(64, "faces per step")
    learning_rate: float = option(4e-4, "its peak, after the warm-up; then a cosine to zero")
    warmup_epochs: float = option(0.5, "epochs of linear warm-up")
    #: Decoupled (Loshchilov and Hutter 2019, arXiv:1711.05101), kernels only.
    weight_decay: float = option(1e-2, "AdamW's")
    dropout: float = option(0.3, "before the last layer")
    label_smoothing: float = option(0.05, "share of the targets that all labels get")
    votes_share: float = option(0.35, "share of the targets that the votes get")
    #: Their mean answer is distilled (Hinton et al. 2015, arXiv:1503.02531).
    teachers: tuple[str, ...] = option((), "bundles whose answers are learnt, too", nargs="+", metavar="BUNDLE")
    distil_share: float = option(0.5, "share of the targets that the teachers get")
    distil_temperature: float = option(2.0, "divides the teachers' logits")
    #: See ``views``.
    teacher_views: int = option(0, "augmented pictures of each face that teachers see; 0: the face as it is")
    #: A class's weight is (mean count / count)^power.
    class_weight_power: float = option(0.25, "0: no class weights, 1: balanced")
    balanced_sampling: float = option(0.0, "0: each face once an epoch, 1: classes equally")
    #: Zhang et al. 2018, arXiv:1710.09412.
    mixup: float = option(0.0, "alpha of its Beta distribution; 0: none")
    augmentation: Augmentation = field(default_factory=Augmentation)
    augmentation_start: float = option(0.5, "strength at first, 0 to 1")
    augmentation_end: float = option(1.0, "strength in the second half, 0 to 1")
    ema: float = option(0.998, "momentum of the averaged weights, per step")
    precision: str = option(_fast_precision, "mixed_bfloat16 or float32; by default what the machine is fast at")
    #: See ``compiled``.
    compiled_epochs: bool = option(False, "on JAX: faces, augmentation and teachers stay on the accelerator")
    weights: str | None = option(None, "start from the weights that Keras downloads", choices=("imagenet",))
    init: str | None = option(
        None, "start from a bundle's folder or name, an .npz of weights, or a run's best.weights.h5"
    )
    train_from: str | None = option(None, "freeze the layers before it; logits: train the head alone", metavar="LAYER")
    seed: int = option(0, "seed of weights, batches and augmentation")

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1 or self.learning_rate <= 0:
            raise TrainingError("Epochs and batch size must be at least 1, and the learning rate above 0.")
        for name in ("label_smoothing", "votes_share", "distil_share", "dropout", "ema"):
            if not 0 <= getattr(self, name) <= 1:
                raise TrainingError(f"{name} must lie between 0 and 1.")
        if self.mixup < 0 or self.distil_temperature <= 0 or self.teacher_views < 0:
            raise TrainingError("mixup and teacher_views must be at least 0, and distil_temperature above 0.")

    def strength(self, epoch: int) -> float:
        """Augmentation strength in this epoch: mild at first, while the network knows little."""
        rise = min(1.0, 2 * epoch / max(self.epochs, 1))
        return self.augmentation_start + (self.augmentation_end - self.augmentation_start) * rise

    def as_json(self) -> dict[str, Any]:
        """As recorded with the run; files by name only, since their paths mean nothing elsewhere."""
        record: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        record["init"] = Path(self.init).name if self.init else None
        record["teachers"] = [Path(teacher).name for teacher in self.teachers]
        return record
