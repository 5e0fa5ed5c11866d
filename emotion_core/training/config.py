"""Everything that decides a training run, apart from the data."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import TrainingError
from .augment import Augmentation
from .devices import fast_precision


@dataclass(frozen=True)
class TrainConfig:
    """The network, the targets, the augmentation and the optimiser of one run."""

    arch: str = "resnet50v2"
    arch_options: Mapping[str, Any] = field(default_factory=dict)  # see ``architectures``: crop_size, image_size...
    epochs: int = 14
    batch_size: int = 64
    learning_rate: float = 4e-4  # peak; linear warm-up, then a cosine to zero
    warmup_epochs: float = 0.5
    weight_decay: float = 1e-2  # decoupled (Loshchilov and Hutter 2019, arXiv:1711.05101), kernels only
    dropout: float = 0.3
    label_smoothing: float = 0.05
    votes_share: float = 0.35  # of the target given to the FER+ votes, where loaded
    teachers: tuple[str, ...] = ()  # bundles whose mean answer is learnt from (Hinton et al. 2015, arXiv:1503.02531)
    distil_share: float = 0.5  # of the target given to the teachers
    distil_temperature: float = 2.0  # divides the teachers' logits
    teacher_views: int = 0  # augmented pictures of each face that they answer, and that are learnt from; see ``views``
    class_weight_power: float = 0.25  # weight (mean count / count)^p: 0 none, 1 balanced
    balanced_sampling: float = 0.0  # the same power for how often a face is drawn
    mixup: float = 0.0  # alpha of the Beta distribution (Zhang et al. 2018, arXiv:1710.09412); 0 none
    augmentation: Augmentation = field(default_factory=Augmentation)
    augmentation_start: float = 0.5  # strength at first,
    augmentation_end: float = 1.0  # reached by half of the run
    ema: float = 0.998  # momentum of the weights' moving average
    precision: str = field(default_factory=fast_precision)
    weights: str | None = None  # "imagenet": let Keras download them
    init: str | None = None  # or a bundle, an .npz of initial weights, another run's best.weights.h5
    train_from: str | None = None  # layers before this one keep their weights; "logits": the head alone
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1 or self.learning_rate <= 0:
            raise TrainingError("Epochs and batch size must be at least 1, and the learning rate above 0.")
        for name in ("label_smoothing", "votes_share", "distil_share", "dropout", "ema"):
            if not 0 <= getattr(self, name) <= 1:
                raise TrainingError(f"{name} must lie between 0 and 1.")
        if self.mixup < 0 or self.distil_temperature <= 0 or self.teacher_views < 0:
            raise TrainingError("mixup and teacher_views must be at least 0, and distil_temperature above 0.")

    def strength(self, epoch: int) -> float:
        """Augmentation strength in this epoch: mild while the network knows nothing."""
        rise = min(1.0, 2 * epoch / max(self.epochs, 1))
        return self.augmentation_start + (self.augmentation_end - self.augmentation_start) * rise

    def as_json(self) -> dict[str, Any]:
        """As recorded with the run; of files only the names, which mean something elsewhere."""
        record: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        record["init"] = Path(self.init).name if self.init else None
        record["teachers"] = [Path(teacher).name for teacher in self.teachers]
        return record
