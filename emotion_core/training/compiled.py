"""Whole epochs as one compiled call, for an accelerator: JAX alone can do it.

The faces lie on the device as uint8. Each step draws its augmentation there, asks the teachers about the
very picture that the student sees (Beyer et al. 2022, "A good teacher is patient and
consistent", arXiv:2106.05237), and updates the weights; nothing returns to Python before the
epoch's end. On an H200 an epoch of ResNet50V2 at 96 pixels on all of FER-2013 takes some three seconds.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import keras
import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData
from ..labels import places
from ..recognition.architectures import enlarged_part
from ..recognition.bundle import Bundle
from ..recognition.keras_network import load_network
from .augment_jax import augmenter
from .batches import mixed_rows
from .config import TrainConfig
from .initial_weights import weights_file
from .targets import taking


class CompiledEpochs:
    """Trains ``trainer`` (compiled, its optimizer built), an epoch a call, and leaves all state in it."""

    def __init__(
        self, trainer: Any, data: FaceData, config: TrainConfig, goal: NDArray[np.float32], weight: NDArray[np.float32]
    ) -> None:
        """goal: float32 (N, classes), targets without teachers; weight: float32 (N,), one for each face.

        Raises TrainingError for a teacher that lacks a label, or takes other crops.
        """
        self._trainer, self._seed = trainer, config.seed
        self._held = tuple(map(jnp.asarray, (data.faces, goal, weight)))
        answers = _Teachers([taking(Bundle.open(Path(each)), data) for each in config.teachers], config, data.labels)
        self._teachers = answers.variables
        draw = augmenter(config.augmentation, data.faces.shape[1], trainer.input_shape[1])
        share, optimizer = config.distil_share, trainer.optimizer

        def loss_of(trainable: Any, fixed: Any, seen: Any, truth: Any, counts: Any) -> Any:
            logits, fixed = trainer.stateless_call(trainable, fixed, seen, training=True)
            losses = -(truth * jax.nn.log_softmax(logits.astype(jnp.float32))).sum(axis=-1)
            return (losses * counts).mean(), (logits, fixed)

        def step(state: Any, given: Any, held: Any, teachers: Any, strength: Any) -> Any:
            trainable, fixed, moments = state
            chosen, own, key = given
            faces, goal, weight = held
            seen = mixed_rows(draw(key, faces[chosen], strength), own)
            truth, counts = mixed_rows(goal[chosen], own), mixed_rows(weight[chosen], own)
            if teachers:
                truth = truth * (1 - share) + share * answers(teachers, seen)
            (loss, (logits, fixed)), slope = jax.value_and_grad(loss_of, has_aux=True)(
                trainable, fixed, seen, truth, counts
            )
            trainable, moments = optimizer.stateless_apply(moments, slope, trainable)
            right = (logits.argmax(axis=-1) == truth.argmax(axis=-1)).mean()
            return [list(trainable), list(fixed), list(moments)], jnp.stack([loss, right])

        def epoch(state: Any, given: Any, held: Any, teachers: Any, strength: Any) -> Any:
            state, found = jax.lax.scan(lambda s, g: step(s, g, held, teachers, strength), state, given)
            return state, found.mean(axis=0)

        self._epoch = jax.jit(epoch, donate_argnums=0)

    def run(self, epoch: int, order: NDArray[np.int64], own: NDArray[np.float32], strength: float) -> dict[str, float]:
        """One epoch; returns the mean loss and accuracy over its steps.

        order: int64 (steps, batch), rows of the data. own: float32 (steps, batch), with mixup each face's own share.
        """
        trainer = self._trainer
        parts = (trainer.trainable_variables, trainer.non_trainable_variables, trainer.optimizer.variables)
        state = [[jnp.array(variable.value) for variable in part] for part in parts]
        keys = jax.random.split(jax.random.fold_in(jax.random.key(self._seed), epoch), len(order))
        given = (jnp.asarray(order), jnp.asarray(own), keys)
        state, found = self._epoch(state, given, self._held, self._teachers, jnp.float32(strength))
        for part, values in zip(parts, state, strict=True):
            for variable, value in zip(part, values, strict=True):
                variable.assign(value)
        return {"loss": float(found[0]), "accuracy": float(found[1])}


class _Teachers:
    """The mean answer of some bundles' networks to pictures as the student sees them, of its labels alone.

    Their class biases, which are for serving, are left out.
    """

    def __init__(self, bundles: Sequence[Bundle], config: TrainConfig, labels: tuple[str, ...]) -> None:
        keras.config.set_dtype_policy(config.precision)
        try:
            whole = [load_network(bundle, weights_file(bundle).name) for bundle in bundles]
        finally:
            keras.config.set_dtype_policy("float32")
        self._networks = [enlarged_part(network) for network in whole]
        self._temperatures = [bundle.config.temperature * config.distil_temperature for bundle in bundles]
        self._columns = [np.array(places(labels, bundle.config.labels)) for bundle in bundles]
        self.variables = [
            [[variable.value for variable in part] for part in (each.trainable_variables, each.non_trainable_variables)]
            for each in self._networks
        ]

    def __call__(self, variables: Any, seen: Any) -> Any:
        """Pictures (N, S, S, C), resized to each teacher's side -> probabilities (N, classes)."""
        answers = []
        of_each = zip(self._networks, variables, self._temperatures, self._columns, strict=True)
        for network, (trainable, fixed), divisor, columns in of_each:
            side = network.input_shape[1]
            fitting = jax.image.resize(seen, (seen.shape[0], side, side, seen.shape[3]), "linear")
            logits, _ = network.stateless_call(trainable, fixed, fitting, training=False)
            answers.append(jax.nn.softmax(logits[:, columns].astype(jnp.float32) / divisor))
        return jnp.stack(answers).mean(axis=0)
