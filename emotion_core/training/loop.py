"""The training loop: one network, one data set, one recorded configuration.

Every epoch ends with a checkpoint, written to a temporary file and then renamed, from which
``resume`` continues to the same history as an uninterrupted run. The best epoch is the one whose
averaged weights, with their own batch-normalisation statistics, have the lowest loss on PublicTest
against the targets (labels and votes): a loss counts every face, while accuracy counts only those
at the decision boundary. PrivateTest is never used here.
"""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData
from ..errors import DataError, EmotionError
from ..files import sha256_of, unfinished
from ..recognition.architectures import build, enlarged_part
from ..recognition.bundle import Bundle
from ..recognition.bundle_config import CONFIG
from ..recognition.classifier import softmax
from .batch_norm import own_statistics
from .config import TrainConfig
from .devices import divisible, own_share
from .initial_weights import freeze_before, load_initial, weights_file
from .metrics import nll_of
from .provenance import from_the_hub
from .run_folder import append_history, code_version, keep_history, open_run, read_history, read_stages
from .small import filled, steps_of
from .targets import asked_weights, class_weights, targets, without_teachers
from .torch_speed import adamw, quicken
from .views import Views

BEST: Final = "best.weights.h5"
CHECKPOINT: Final = "checkpoint.weights.h5"
#: Strength of the extra augmentation on teachers' views: weak enough that the teacher's answer still holds,
#: strong enough that a few views are not memorised.
ON_VIEWS: Final = 0.25
#: With fewer PublicTest faces than this, the last epoch is kept.
FEW_TO_CHOOSE_BY: Final = 100


def batches(
    data: FaceData, side: int, config: TrainConfig, epoch: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]]:
    """Yield (indices, faces, own) of one epoch: a function of the seed and the epoch alone.

    faces: float32 (N, side, side, C), augmented; with mixup, each is mixed with the previous row,
    and ``own`` (N,) is each row's own share.
    """
    rng = np.random.default_rng((config.seed, epoch))
    count, strength = len(data), config.strength(epoch) * (ON_VIEWS if config.teacher_views else 1)
    if config.balanced_sampling:
        chance = (1.0 / np.bincount(data.emotion)[data.emotion]) ** config.balanced_sampling
        order = rng.choice(count, count, p=chance / chance.sum())
    else:
        order = rng.permutation(count)
    order = filled(order, config.batch_size)  # one batch shape, so that one step is compiled
    for start in range(0, len(order), config.batch_size):
        chosen = order[start : start + config.batch_size]
        own = np.ones(len(chosen), np.float32)
        if config.mixup:
            own = rng.beta(config.mixup, config.mixup, len(chosen)).astype(np.float32)
        faces = config.augmentation.apply(rng, data.faces[chosen], side, strength)
        yield chosen, mixed(faces, own), own


def mixed(values: NDArray[np.float32], own: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mix each row of a batch with the previous row."""
    if (own == 1).all():
        return values
    share = own.reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray(share * values + (1 - share) * np.roll(values, 1, axis=0), np.float32)


def compiled(config: TrainConfig, labels: tuple[str, ...], steps: int) -> tuple[Any, Any]:
    """Build (network, trainer); the trainer is the network after its upscaling, compiled."""
    keras.utils.set_random_seed(config.seed)
    options = {**config.arch_options, "dropout": config.dropout}
    keras.config.set_dtype_policy(config.precision)
    try:
        network = _built(config, labels, options)
    finally:
        keras.config.set_dtype_policy("float32")
    if config.init:
        print(f"{load_initial(network, config.init, labels)} arrays taken from {Path(config.init).name}")
    if config.train_from:
        print(f"{freeze_before(network, config.train_from)} layers keep their weights")
    quicken(network)
    trainer = enlarged_part(network)
    total = steps * config.epochs
    warmup = min(int(config.warmup_epochs * steps), total // 2)
    rate = keras.optimizers.schedules.CosineDecay(
        0.0, max(total - warmup, 1), warmup_target=config.learning_rate, warmup_steps=warmup
    )
    optimizer = adamw(rate, weight_decay=config.weight_decay, use_ema=True, ema_momentum=config.ema)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    trainer.compile(
        optimizer,
        keras.losses.CategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
        jit_compile="auto",
    )
    optimizer.build(trainer.trainable_variables)
    return network, trainer


def _built(config: TrainConfig, labels: tuple[str, ...], options: dict[str, Any]) -> Any:
    if not config.weights:
        return build(config.arch, len(labels), **options)
    try:
        return build(config.arch, len(labels), **options, weights=config.weights)
    except EmotionError:
        raise
    except Exception as error:  # Keras raises a bare Exception when the download fails
        raise DataError(
            f"The {config.weights} weights cannot be downloaded ({str(error).splitlines()[0][:200]}). Connect to the "
            "network once, or start from a bundle with --from or from a file with --init."
        ) from error


def train(data: FaceData, config: TrainConfig, out: str | Path, resume: bool = False) -> Any:
    """Train and return the network with its best averaged weights.

    ``out`` receives ``run.json``, ``history.csv``, ``best.weights.h5`` and the checkpoint.
    Raises TrainingError when ``out`` holds a run and ``resume`` is not set, or when that run
    has another configuration.
    """
    folder = Path(out)
    train_part, public = data.of("train"), data.of("public")
    open_run(folder, record_of(data, config), resume)
    steps = steps_of(len(train_part), config.batch_size)
    few = len(public) < FEW_TO_CHOOSE_BY  # then the end of the schedule beats the luckiest epoch
    network, trainer = compiled(config, data.labels, steps)
    if (folder / CHECKPOINT).is_file():
        trainer.load_weights(folder / CHECKPOINT)
    started = int(trainer.optimizer.iterations) // steps
    keep_history(folder, started)  # a kill may have come between an epoch's row and its checkpoint
    weight = class_weights(train_part, config.class_weight_power)
    views = Views(train_part, config, folder) if config.teacher_views else None
    clean = train_part.faces
    goal = np.empty(0, np.float32) if views else targets(train_part, config, folder)
    average = keras.callbacks.SwapEMAWeights()
    average.set_model(trainer)
    best = min((float(row["public_goal"]) for row in read_history(folder)), default=np.inf)
    side = trainer.input_shape[1]
    for epoch in range(started, config.epochs):
        began = time.monotonic()
        _seed_dropout(network, config.seed, epoch)
        if views:
            pictures, goal = views.of_epoch(epoch)
            train_part = replace(train_part, faces=pictures)
        bar = keras.utils.Progbar(steps, unit_name=f"step of epoch {epoch + 1}/{config.epochs}")
        sums = {"loss": 0.0, "accuracy": 0.0}
        for step, (chosen, faces, own) in enumerate(batches(train_part, side, config, epoch)):
            share = own_share(len(chosen))
            logs = trainer.train_on_batch(
                faces[share],
                mixed(goal[chosen], own)[share],
                sample_weight=mixed(weight[train_part.emotion[chosen]], own)[share],
                return_dict=True,
            )
            bar.update(step + 1, [(name, float(logs[name])) for name in sums])  # the bar shows means
            sums = {name: total + float(logs[name]) for name, total in sums.items()}
        average.on_test_begin()  # swap the averaged weights in
        with own_statistics(network, clean):
            found = {name: round(score, 5) for name, score in scores(network, public, config).items()}
            if few or found["public_goal"] < best:
                best = found["public_goal"]
                save(network, folder / BEST)
        average.on_test_end()  # and out again
        row = {
            "epoch": epoch + 1,
            "loss": round(sums["loss"] / steps, 5),
            "accuracy": round(sums["accuracy"] / steps, 5),
            **found,
            "seconds": round(time.monotonic() - began, 1),
        }
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        append_history(folder, row)
        save(trainer, folder / CHECKPOINT)
    network.load_weights(folder / BEST)
    return network


def scores(network: Any, part: FaceData, config: TrainConfig) -> dict[str, float]:
    """On a part's unmodified faces: loss and accuracy against the labels, and loss against the targets."""
    count = len(part)
    # Several devices share every batch evenly, so the last one is padded with faces that do not count.
    rows = np.arange(divisible(count)) % count
    answers = softmax(network.predict(part.faces[rows], batch_size=divisible(256), verbose=0)[:count])
    goal = targets(part, without_teachers(config))
    return {
        "public_loss": nll_of(answers, np.eye(len(part.labels))[part.emotion]),
        "public_accuracy": float((answers.argmax(axis=1) == part.emotion).mean()),
        "public_goal": nll_of(answers, goal),
    }


def record_of(data: FaceData, config: TrainConfig) -> dict[str, Any]:
    """The record of how a run was started, for its folder."""
    init, earlier = Path(config.init) if config.init else None, []
    if init and (init / CONFIG).is_file():
        earlier, init = read_stages(init), weights_file(Bundle.open(init))
    elif init and init.suffix == ".h5":
        earlier = read_stages(init.parent)
    started = sha256_of(init) if init and init.is_file() else None
    return {
        "config": config.as_json(),
        "data": data.origin.as_json(),
        "data_sha256": data.digest(),
        "votes_sha256": data.votes_digest(),
        "init_sha256": started,
        "base_model": from_the_hub(started),
        "teachers_sha256": [sha256_of(asked_weights(Bundle.open(Path(teacher)))) for teacher in config.teachers],
        "code": code_version(),
        "earlier": earlier,
    }


def _seed_dropout(network: Any, seed: int, epoch: int) -> None:
    """Make dropout depend on seed and epoch alone, as checkpoints do not store its state."""
    for variable in network.variables:
        if variable.path.endswith("seed_generator_state"):
            variable.assign(np.array([seed, epoch], np.uint32))


def save(model: Any, path: Path) -> None:
    """Save weights (and the optimizer's state, if any) atomically, so that a kill loses nothing."""
    with unfinished(path) as part:
        model.save_weights(part)
