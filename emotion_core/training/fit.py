"""The training loop: one network, one data set, one recorded configuration.

Every epoch ends with a checkpoint, written beside the old one and then renamed, from which
``resume`` goes on to the same history as an uninterrupted run. The epoch whose averaged
weights are most accurate on PublicTest is kept; PrivateTest is never looked at here.
"""

import csv
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from ..bundle import CONFIG, BundleConfig
from ..errors import DataError
from ..labels import FERPLUS
from .architectures import build, load_initial
from .augment import Augment, Augmentation, no_change
from .data import FaceData

RUN: Final = "run.json"
HISTORY: Final = "history.csv"
BEST: Final = "best.weights.h5"
CHECKPOINT: Final = "checkpoint.weights.h5"


@dataclass(frozen=True)
class TrainConfig:
    """Everything that decides a run, apart from the data."""

    arch: str = "resnet50v2"
    epochs: int = 14
    batch_size: int = 64
    learning_rate: float = 4e-4  # peak; linear warm-up, then a cosine to zero
    warmup_epochs: float = 0.5
    weight_decay: float = 1e-2  # decoupled (Loshchilov and Hutter 2019), kernels only
    dropout: float = 0.3
    label_smoothing: float = 0.05
    votes_share: float = 0.35  # of the target given to the FER+ votes, where loaded
    class_weight_power: float = 0.25  # weight (mean count / count)^p: 0 none, 1 balanced
    augmentation: Augmentation = field(default_factory=Augmentation)
    augmentation_start: float = 0.5  # strength at first,
    augmentation_end: float = 1.0  # reached by half of the run
    ema: float = 0.998  # momentum of the weights' moving average
    precision: str = "mixed_bfloat16"
    weights: str | None = None  # "imagenet": let Keras download them
    init: str | None = None  # or an .npz of initial weights, or another run's best.weights.h5
    seed: int = 0

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1 or self.learning_rate <= 0:
            raise DataError("Epochs and batch size must be at least 1, and the learning rate above 0.")

    def strength(self, epoch: int) -> float:
        """Augmentation strength in this epoch: mild while the network knows nothing."""
        rise = min(1.0, 2 * epoch / max(self.epochs, 1))
        return self.augmentation_start + (self.augmentation_end - self.augmentation_start) * rise

    def as_json(self) -> dict[str, Any]:
        """As recorded with the run; of ``init`` only the file's name, which means something elsewhere."""
        record: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        record["init"] = Path(self.init).name if self.init else None
        return record


def targets(data: FaceData, config: TrainConfig) -> NDArray[np.float32]:
    """Soft targets, float32 (N, C): the label, smoothed, and a share of the FER+ votes.

    Votes act as a label smoothing that knows each face; a face without any keeps its label.
    """
    classes = len(data.labels)
    goal = np.eye(classes, dtype=np.float32)[data.emotion]
    goal = goal * (1 - config.label_smoothing) + config.label_smoothing / classes
    if data.votes is not None and config.votes_share > 0:
        known = np.stack([data.votes[:, FERPLUS.index(name)] for name in data.labels], axis=1)
        total = known.sum(axis=1, keepdims=True)
        blend = goal * (1 - config.votes_share) + config.votes_share * known / np.maximum(total, 1e-6)
        goal = np.where(total > 0.5, blend, goal)
    return np.asarray(goal, np.float32)


def class_weights(data: FaceData, power: float) -> NDArray[np.float32]:
    """One weight per class, mean 1 over the faces: (mean count / count) ** power."""
    counts = np.bincount(data.emotion, minlength=len(data.labels))
    if not counts.all():
        absent = [label for label, count in zip(data.labels, counts, strict=True) if not count]
        raise DataError(f"No training face is {', '.join(absent)}.")
    weights = (counts.mean() / counts) ** power
    return np.asarray(weights * counts.sum() / (weights * counts).sum(), np.float32)


def batches(
    count: int, side: int, config: TrainConfig, epoch: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Yield (indices, draws) of one epoch: a function of the seed and the epoch alone."""
    rng = np.random.default_rng((config.seed, epoch))
    order = rng.permutation(count)
    for start in range(0, count, config.batch_size):
        chosen = order[start : start + config.batch_size]
        if len(chosen) == config.batch_size or start == 0:  # one shape: one compiled step
            yield chosen, config.augmentation.draw(rng, len(chosen), side, config.strength(epoch))


def compiled(config: TrainConfig, classes: int, steps: int) -> tuple[Any, Any]:
    """Build (network, trainer); the trainer is the network behind augmentation, compiled."""
    keras.utils.set_random_seed(config.seed)
    keras.config.set_dtype_policy(config.precision)
    try:
        network = build(config.arch, classes, dropout=config.dropout, weights=config.weights)
    finally:
        keras.config.set_dtype_policy("float32")
    if config.init:
        print(f"{load_initial(network, config.init)} arrays taken from {config.init}")
    faces = keras.Input(network.input.shape[1:], dtype="uint8", name="faces")
    draws = keras.Input(no_change(1).shape[1:], dtype="float32", name="draws")
    trainer = keras.Model([faces, draws], network(Augment(name="augment")(faces, draws)))
    total = steps * config.epochs
    warmup = min(int(config.warmup_epochs * steps), total // 2)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(total - warmup, 1), warmup_target=config.learning_rate, warmup_steps=warmup
    )
    optimizer = keras.optimizers.AdamW(rate, weight_decay=config.weight_decay, use_ema=True, ema_momentum=config.ema)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    trainer.compile(
        optimizer, keras.losses.CategoricalCrossentropy(from_logits=True), metrics=["accuracy"], jit_compile="auto"
    )
    optimizer.build(trainer.trainable_variables)
    return network, trainer


def train(data: FaceData, config: TrainConfig, out: str | Path, resume: bool = False) -> Any:
    """Train and return the network with its best averaged weights.

    ``out`` receives ``run.json``, ``history.csv``, ``best.weights.h5`` and the checkpoint.
    Raises DataError when ``out`` holds another run and ``resume`` is not set, or when it
    was begun with another configuration.
    """
    folder = Path(out)
    train_part, public = data.of("train"), data.of("public")
    init = Path(config.init) if config.init else None
    record = {
        "config": config.as_json(),
        "data_sha256": data.digest(),
        "votes_sha256": data.votes_digest(),
        "init_sha256": hashlib.sha256(init.read_bytes()).hexdigest() if init and init.is_file() else None,
        "earlier": read_stages(init.parent) if init and init.suffix == ".h5" else [],
    }
    _open_run(folder, record, resume)
    steps = max(len(train_part) // config.batch_size, 1)
    network, trainer = compiled(config, len(data.labels), steps)
    if (folder / CHECKPOINT).is_file():
        trainer.load_weights(folder / CHECKPOINT)
    started = int(trainer.optimizer.iterations) // steps
    _keep_history(folder, started)  # a kill may fall between an epoch's row and its checkpoint
    goal, weight = targets(train_part, config), class_weights(train_part, config.class_weight_power)
    public_goal = np.eye(len(data.labels), dtype=np.float32)[public.emotion]
    average = keras.callbacks.SwapEMAWeights()
    average.set_model(trainer)
    best = max((float(row["public_accuracy"]) for row in read_history(folder)), default=-1.0)
    for epoch in range(started, config.epochs):
        began = time.monotonic()
        _seed_dropout(network, config.seed, epoch)
        bar = keras.utils.Progbar(steps, unit_name=f"step of epoch {epoch + 1}/{config.epochs}")
        sums = {"loss": 0.0, "accuracy": 0.0}
        for step, (chosen, draws) in enumerate(batches(len(train_part), train_part.faces.shape[1], config, epoch)):
            logs = trainer.train_on_batch(
                [train_part.faces[chosen], draws],
                goal[chosen],
                sample_weight=weight[train_part.emotion[chosen]],
                return_dict=True,
            )
            bar.update(step + 1, [(name, float(logs[name])) for name in sums])  # the bar shows means
            sums = {name: total + float(logs[name]) for name, total in sums.items()}
        average.on_test_begin()  # the averaged weights come in
        scores = trainer.evaluate(
            [public.faces, no_change(len(public))], public_goal, batch_size=256, verbose=0, return_dict=True
        )
        row = {
            "epoch": epoch + 1,
            "loss": round(sums["loss"] / steps, 5),
            "accuracy": round(sums["accuracy"] / steps, 5),
            "public_loss": round(float(scores["loss"]), 5),
            "public_accuracy": round(float(scores["accuracy"]), 5),
            "seconds": round(time.monotonic() - began, 1),
        }
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        if row["public_accuracy"] > best:
            best = row["public_accuracy"]
            _save(network, folder / BEST)
        average.on_test_end()  # and go out again
        _append_history(folder, row)
        _save(trainer, folder / CHECKPOINT)
    network.load_weights(folder / BEST)
    return network


def read_stages(folder: Path) -> list[dict[str, Any]]:
    """What is recorded of a run, with its history so far, after the runs that its weights came from.

    For the folder of a bundle: what its config says. An empty list where nothing is recorded.
    """
    if (folder / RUN).is_file():
        record = json.loads((folder / RUN).read_text())
        return [*record.pop("earlier"), {**record, "history": read_history(folder)}]
    config = folder / CONFIG
    return list(BundleConfig.from_json(config.read_bytes()).training.get("stages", [])) if config.is_file() else []


def read_history(folder: Path) -> list[dict[str, str]]:
    """The rows of a run's history.csv; an empty list before the first epoch's end."""
    path = folder / HISTORY
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def _seed_dropout(network: Any, seed: int, epoch: int) -> None:
    """Let the epoch's dropout, too, depend on seed and epoch alone: checkpoints do not hold its state."""
    for variable in network.variables:
        if variable.path.endswith("seed_generator_state"):
            variable.assign(np.array([seed, epoch], np.uint32))


def _open_run(folder: Path, record: dict[str, Any], resume: bool) -> None:
    """Create the run's folder, or check that it holds the same run and may go on."""
    run = folder / RUN
    if run.is_file():
        if not resume:
            raise DataError(f"{folder} already holds a run: add --resume to go on, or choose another --out.")
        if json.loads(run.read_text()) != record:
            raise DataError(
                f"{run} was begun with other data or settings: resume with the same, or choose another --out."
            )
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / "new-run.json"
    temporary.write_text(json.dumps(record, indent=1) + "\n")
    temporary.replace(run)


def _keep_history(folder: Path, epochs: int) -> None:
    rows = read_history(folder)[:epochs]
    kept = folder / "kept"
    kept.mkdir(exist_ok=True)
    for row in rows:
        _append_history(kept, row)
    if rows:
        (kept / HISTORY).replace(folder / HISTORY)
    else:
        (folder / HISTORY).unlink(missing_ok=True)
    kept.rmdir()


def _append_history(folder: Path, row: dict[str, Any]) -> None:
    path = folder / HISTORY
    new = not path.is_file()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


def _save(model: Any, path: Path) -> None:
    """Save weights (and the optimizer's state, if the model has one) so that a kill loses nothing."""
    temporary = path.with_name(f"new-{path.name}")
    model.save_weights(temporary, overwrite=True)
    temporary.replace(path)
