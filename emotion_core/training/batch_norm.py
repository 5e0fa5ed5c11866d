"""Batch normalisation's running statistics, re-estimated for averaged weights.

Training tracks means and variances of the changing weights on augmented faces. Averaged weights,
served on unmodified faces, have different ones: Izmailov et al. 2018, "Averaging Weights Leads to
Wider Optima and Better Generalization", arXiv:1803.05407, section 3.2.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from .torch_speed import no_gradients

#: Faces used for the estimate, and faces per step.
FACES: Final = 4096
BATCH: Final = 256


class Statistics:
    """The statistics of one network, estimated on some faces."""

    def __init__(self, network: Any, faces: NDArray[np.uint8]) -> None:
        """faces: uint8 (N, H, W, C), from the Training split; up to ``FACES`` of them are used, some mirrored."""
        self._network = network
        self._norms = list(_normalisations(network))
        rng = np.random.default_rng(0)
        chosen = rng.permutation(len(faces))[:FACES]
        self._batches = []
        for start in range(0, len(chosen), BATCH):
            batch = faces[chosen[start : start + BATCH]]
            if len(batch) < BATCH and start:  # a few faces would count as much as a whole batch
                break
            mirrored = rng.random(len(batch)) < 0.5
            self._batches.append(np.where(mirrored[:, None, None, None], batch[:, :, ::-1], batch))
        self._pass = _compiled(network, self._moved) if _on_jax() else self._at_once

    def renew(self) -> int:
        """Set the running means and variances anew.

        Frozen layers keep theirs, as in training. Returns how many layers were set; a network without such layers
        costs nothing.
        """
        momenta = [layer.momentum for layer in self._norms]
        try:
            for step, batch in enumerate(self._batches if self._norms else ()):
                self._pass(batch, step / (step + 1))  # this momentum makes it the mean over all steps
        finally:
            for layer, momentum in zip(self._norms, momenta, strict=True):
                layer.momentum = momentum
        return len(self._norms)

    @contextmanager
    def own(self) -> Iterator[None]:
        """Inside the context, the network has statistics for its current weights; afterwards, its previous ones."""
        renewed = [variable for layer in self._norms for variable in layer.non_trainable_variables]
        kept = [(variable, keras.ops.convert_to_numpy(variable).copy()) for variable in renewed]
        self.renew()
        try:
            yield
        finally:
            for variable, value in kept:
                variable.assign(value)

    def _moved(self, momentum: Any) -> None:
        for layer in self._norms:
            layer.momentum = momentum

    def _at_once(self, faces: NDArray[np.uint8], momentum: float) -> None:
        self._moved(momentum)
        with no_gradients():
            self._network(faces, training=True)


def renew_statistics(network: Any, faces: NDArray[np.uint8]) -> int:
    """``Statistics.renew`` for a network that needs it once."""
    return Statistics(network, faces).renew()


def restate_statistics(network: Any, faces: NDArray[np.uint8]) -> int:
    """Set the running means and variances to those of up to ``FACES`` faces, and scale and offset so that the
    answers stay: for weights whose normalisations hold other statistics than their inputs have.

    Trained on, such a network would fall apart: each batch's own statistics would take the place of the wrong ones.
    network: one that is not nested. faces: uint8 (N, H, W, C), from the Training split. Returns how many layers
    were set.
    """
    norms = [layer for layer in network.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not norms:
        return 0
    inputs = keras.Model(network.input, [layer.input for layer in norms])
    chosen = faces[np.random.default_rng(0).permutation(len(faces))[:FACES]]
    totals = [np.zeros((2, layer.gamma.shape[0])) for layer in norms]
    step = BATCH // 4  # all maps of a step are in memory together
    for start in range(0, len(chosen), step):
        batch = chosen[start : start + step]
        with no_gradients():
            maps = inputs(batch, training=False)
        for total, values in zip(totals, maps, strict=True):
            flat = keras.ops.reshape(keras.ops.cast(values, "float32"), (-1, values.shape[-1]))
            both = keras.ops.stack([keras.ops.mean(flat, axis=0), keras.ops.mean(keras.ops.square(flat), axis=0)])
            total += keras.ops.convert_to_numpy(both) * (len(batch) / len(chosen))
    for layer, (mean, square) in zip(norms, totals, strict=True):
        gamma, beta, old_mean, old_variance = (np.float64(values) for values in layer.get_weights())
        variance = np.maximum(square - mean**2, 0)
        scale = gamma / np.sqrt(old_variance + layer.epsilon)
        offset = beta - scale * old_mean
        layer.set_weights([scale * np.sqrt(variance + layer.epsilon), offset + scale * mean, mean, variance])
    return len(norms)


def _on_jax() -> bool:
    return bool(keras.backend.backend() == "jax" and keras.distribution.distribution() is None)


def _compiled(network: Any, moved: Callable[[Any], None]) -> Callable[[NDArray[np.uint8], float], None]:
    """One pass as one function: by themselves, JAX would compile each of the network's operations alone."""
    import jax

    fixed = network.non_trainable_variables

    @jax.jit  # type: ignore[untyped-decorator]  # JAX need not be installed
    def found(trainable: Any, before: Any, faces: Any, momentum: Any) -> Any:
        moved(momentum)
        return network.stateless_call(trainable, before, faces, training=True)[1]

    def passed(faces: NDArray[np.uint8], momentum: float) -> None:
        trainable = [variable.value for variable in network.trainable_variables]
        values = found(trainable, [variable.value for variable in fixed], faces, momentum)
        for variable, value in zip(fixed, values, strict=True):
            variable.assign(value)

    return passed


def _normalisations(network: Any) -> Iterator[Any]:
    """Batch normalisations that are not frozen, including those of nested networks."""
    for layer in network.layers:
        if isinstance(layer, keras.Model):
            yield from _normalisations(layer)
        elif isinstance(layer, keras.layers.BatchNormalization) and layer.trainable:
            yield layer
