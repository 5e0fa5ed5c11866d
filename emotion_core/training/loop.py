"""The training loop: one network, one data set, one recorded configuration.

Every epoch ends with a checkpoint, written to a temporary file and then renamed, from which
``resume`` continues to the same history as an uninterrupted run. The best epoch is the one whose
averaged weights, with their own batch-normalisation statistics, have the lowest loss on PublicTest
against the targets (labels and votes), once a temperature is fitted to them as it is before serving:
a loss counts every face, while accuracy counts only those at the decision boundary. PrivateTest is
never used here.
"""

import textwrap
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData
from ..errors import DataError, EmotionError, TrainingError
from ..files import unfinished
from ..recognition.architectures import build, enlarged_part
from ..recognition.classifier import softmax
from .adamw import adamw
from .batch_norm import Statistics
from .batches import batches, mixed, order_of
from .calibration import fit_calibration
from .config import TrainConfig
from .devices import divisible, own_share
from .initial_weights import freeze_before, load_initial
from .metrics import nll_of
from .run_folder import append_history, keep_history, open_run, read_history
from .run_record import BEST, finished, is_finished, record_of
from .small import steps_of
from .targets import class_weights, targets, without_teachers
from .torch_speed import quicken
from .views import Views

CHECKPOINT: Final = "checkpoint.weights.h5"
#: Compiled epochs, which take seconds, are saved no more often than this; it also bounds what a kill can lose.
CHECKPOINT_SECONDS: Final = 60
#: With fewer PublicTest faces than this, the last epoch is kept.
FEW_TO_CHOOSE_BY: Final = 100
#: The column of the history that chooses the epoch.
CHOSEN_BY: Final = "public_scaled"


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
        why = textwrap.shorten(str(error), 200, placeholder=" ...")
        raise DataError(
            f"The {config.weights} weights cannot be downloaded ({why}). Connect "
            "to the network once, or start from a bundle with --from or from a file with --init."
        ) from error


def train(data: FaceData, config: TrainConfig, out: str | Path, resume: bool = False) -> Any:
    """Train and return the network with its best averaged weights.

    ``out`` receives ``run.json``, ``history.csv``, ``best.weights.h5`` and the checkpoint.
    Raises TrainingError when ``out`` holds a run and ``resume`` is not set, when that run
    has another configuration, or when the loss is no number.
    """
    folder = Path(out)
    if resume and is_finished(folder, data, config):
        return finished(folder, data, config)
    train_part, public = data.of("train"), data.of("public")
    open_run(folder, record_of(data, config), resume)
    steps = steps_of(len(train_part), config.batch_size)
    few = len(public) < FEW_TO_CHOOSE_BY  # then the end of the schedule beats the luckiest epoch
    network, trainer = compiled(config, data.labels, steps)
    if (folder / CHECKPOINT).is_file():
        trainer.load_weights(folder / CHECKPOINT)
    started = int(trainer.optimizer.iterations) // steps
    keep_history(folder, started)  # a kill may have come between an epoch's row and its checkpoint
    weight = class_weights(train_part, config.class_weight_power)[train_part.emotion]
    views = Views(train_part, config, folder) if config.teacher_views else None
    statistics = Statistics(network, train_part.faces)
    goal = np.empty(0, np.float32) if views else targets(train_part, _asked_first(config), folder)
    whole = _whole_epochs(trainer, train_part, config, goal, weight) if config.compiled_epochs else None
    average = keras.callbacks.SwapEMAWeights()
    average.set_model(trainer)
    past = read_history(folder)
    # A run that older code began has no such column, and goes on as it began.
    chosen_by = CHOSEN_BY if not past or CHOSEN_BY in past[0] else "public_goal"
    best = min((float(row[chosen_by]) for row in past), default=np.inf)
    saved = -np.inf
    for epoch in range(started, config.epochs):
        began = time.monotonic()
        _seed_dropout(network, config.seed, epoch)
        if views:
            pictures, goal = views.of_epoch(epoch)
            train_part = replace(train_part, faces=pictures)
        if whole:
            means = whole.run(epoch, *order_of(train_part, config, epoch), config.strength(epoch))
            _check_finite(means["loss"], epoch, config)
        else:
            means = _stepped(trainer, train_part, config, epoch, goal, weight)  # which checks each step's loss
        average.on_test_begin()  # swap the averaged weights in
        with statistics.own():
            found = {name: round(score, 5) for name, score in scores(network, public, config).items()}
            if few or found[chosen_by] < best:
                best = found[chosen_by]
                save(network, folder / BEST)
        average.on_test_end()  # and out again
        row = {
            "epoch": epoch + 1,
            **{name: round(mean, 5) for name, mean in means.items()},
            **found,
            "seconds": round(time.monotonic() - began, 1),
        }
        print(", ".join(f"{name} {value}" for name, value in row.items()), flush=True)
        append_history(folder, row)
        if not whole or epoch + 1 == config.epochs or time.monotonic() - saved > CHECKPOINT_SECONDS:
            save(trainer, folder / CHECKPOINT)
            saved = time.monotonic()
    network.load_weights(folder / BEST)
    return network


def _stepped(
    trainer: Any,
    data: FaceData,
    config: TrainConfig,
    epoch: int,
    goal: NDArray[np.float32],
    weight: NDArray[np.float32],
) -> dict[str, float]:
    """One epoch, step by step; the mean loss and accuracy."""
    steps = steps_of(len(data), config.batch_size)
    bar = keras.utils.Progbar(steps, unit_name=f"step of epoch {epoch + 1}/{config.epochs}")
    sums = {"loss": 0.0, "accuracy": 0.0}
    for step, (chosen, faces, own) in enumerate(batches(data, trainer.input_shape[1], config, epoch)):
        share = own_share(len(chosen))
        logs = trainer.train_on_batch(
            faces[share],
            mixed(goal[chosen], own)[share],
            sample_weight=mixed(weight[chosen], own)[share],
            return_dict=True,
        )
        _check_finite(float(logs["loss"]), epoch, config)
        bar.update(step + 1, [(name, float(logs[name])) for name in sums])  # the bar shows means
        sums = {name: total + float(logs[name]) for name, total in sums.items()}
    return {name: total / steps for name, total in sums.items()}


def _check_finite(loss: float, epoch: int, config: TrainConfig) -> None:
    """TrainingError for a loss that is no number, before weights that are none replace those of the last epoch."""
    if not np.isfinite(loss):
        raise TrainingError(
            f"In epoch {epoch + 1} the loss is {loss}: the weights grew without bound. Begin again with a lower "
            f"--learning-rate (it is {config.learning_rate:g}) or more --warmup-epochs ({config.warmup_epochs:g})."
        )


def _asked_first(config: TrainConfig) -> TrainConfig:
    """The configuration of the targets that are known before training: compiled epochs ask teachers at each step."""
    return without_teachers(config) if config.compiled_epochs else config


def _whole_epochs(
    trainer: Any, data: FaceData, config: TrainConfig, goal: NDArray[np.float32], weight: NDArray[np.float32]
) -> Any:
    if keras.backend.backend() != "jax":
        raise TrainingError("Compiled epochs need JAX: set KERAS_BACKEND=jax, or leave out --compiled-epochs.")
    if config.teacher_views:
        raise TrainingError("Compiled epochs show teachers every picture: leave out --teacher-views.")
    from .compiled import CompiledEpochs  # imports JAX

    return CompiledEpochs(trainer, data, config, goal, weight)


def scores(network: Any, part: FaceData, config: TrainConfig) -> dict[str, float]:
    """On a part's unmodified faces: loss and accuracy against the labels, and loss against the targets.

    ``public_scaled`` is the loss against the targets at its best temperature, which serving uses: the plain loss
    rises as a network grows too sure, although it still gets better.
    """
    count = len(part)
    # Several devices share every batch evenly, so the last one is padded with faces that do not count.
    rows = np.arange(divisible(count)) % count
    logits = network.predict(part.faces[rows], batch_size=divisible(256), verbose=0)[:count]
    answers = softmax(logits)
    goal = targets(part, without_teachers(config))
    unbiased = np.zeros(len(part.labels))
    return {
        "public_loss": nll_of(answers, np.eye(len(part.labels))[part.emotion]),
        "public_accuracy": float((answers.argmax(axis=1) == part.emotion).mean()),
        "public_goal": nll_of(answers, goal),
        CHOSEN_BY: nll_of(softmax(logits, fit_calibration(logits, goal, unbiased).temperature), goal),
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
