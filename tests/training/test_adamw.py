"""The optimizer's fused update is Keras's own, but for rounding."""

from typing import Any

import keras
import numpy as np
import pytest

from emotion_core.training.adamw import adamw

OPTIONS = {"weight_decay": 0.1, "use_ema": True, "ema_momentum": 0.9}


def after(made: Any, steps: int) -> list[np.ndarray]:
    """The weights, the state and the averages after some steps; the second weight is spared the decay."""
    rng = np.random.default_rng(0)
    weights = [
        keras.Variable(rng.normal(size=shape).astype(np.float32), name=name)
        for name, shape in (("kernel", (3, 4)), ("bias", (4,)))
    ]
    rate = keras.optimizers.schedules.CosineDecay(0.0, 10, warmup_target=0.05, warmup_steps=2)
    optimizer = made(rate, **OPTIONS)
    optimizer.exclude_from_weight_decay(var_names=["bias"])
    optimizer.build(weights)
    for _ in range(steps):
        gradients = [keras.ops.convert_to_tensor(rng.normal(size=each.shape).astype(np.float32)) for each in weights]
        optimizer.apply(gradients, weights)
    return [np.asarray(each) for each in (*weights, *optimizer.variables)]


@pytest.mark.parametrize("steps", [1, 7])
def test_it_is_kerass_own(steps: int) -> None:
    ours, theirs = after(adamw, steps), after(keras.optimizers.AdamW, steps)
    assert len(ours) == len(theirs) >= 2 + 3 * 2
    for left, right in zip(ours, theirs, strict=True):
        assert np.allclose(left, right, rtol=1e-5, atol=1e-6)


def test_one_operation_updates_a_weight() -> None:
    """Traced as Keras writes it, a step of a small network took seconds."""
    if keras.backend.backend() != "tensorflow":
        pytest.skip("TensorFlow alone traces")
    import tensorflow as tf

    weights = [keras.Variable(np.ones(4, np.float32), name=f"kernel_{number}") for number in range(20)]
    optimizer = adamw(keras.optimizers.schedules.CosineDecay(0.1, 10), **OPTIONS)
    optimizer.build(weights)
    traced = tf.function(lambda: optimizer.apply([each.value * 2.0 for each in weights], weights))
    graph = traced.get_concrete_function().graph
    kinds = [operation.type for operation in graph.get_operations()]
    assert kinds.count("ResourceApplyAdam") == len(weights)
    assert len(kinds) < 25 * len(weights)  # Keras's own are 83 each
