"""Keras's AdamW, with the backend's own fused update where it has one.

Keras writes the update of every weight as a dozen operations, and asks the learning rate's schedule once for each:
slow to run on PyTorch, and slow to trace on TensorFlow: over half of what a small network's first step costs.
The state, and the result but for rounding, are Keras's.
"""

from typing import Any

import keras

from .torch_speed import is_torch


def adamw(rate: Any, **options: Any) -> Any:
    """Keras's AdamW with a moving average (``use_ema``); on PyTorch and TensorFlow with the fused update."""
    if is_torch():
        return _on_torch()(rate, **options)
    if keras.backend.backend() == "tensorflow":
        return _on_tensorflow()(rate, **options)
    return keras.optimizers.AdamW(rate, **options)


def _on_torch() -> Any:
    import torch

    class FusedAdamW(keras.optimizers.AdamW):  # type: ignore[misc]  # Keras has no type information
        def _backend_update_step(self, grads: Any, trainable_variables: Any, learning_rate: Any) -> None:
            places = [self._get_variable_index(variable) for variable in trainable_variables]
            with torch.no_grad():
                torch._fused_adam_(
                    [variable.value for variable in trainable_variables],
                    list(grads),
                    [self._momentums[place].value for place in places],
                    [self._velocities[place].value for place in places],
                    [],
                    [torch.tensor(float(self.iterations) + 1.0) for _ in places],
                    lr=float(learning_rate),
                    beta1=self.beta_1,
                    beta2=self.beta_2,
                    weight_decay=0.0,  # decoupled: Keras has already applied it where not excluded
                    eps=self.epsilon,
                    amsgrad=False,
                    maximize=False,
                )

        def _update_model_variables_moving_average(self, trainable_variables: Any) -> None:
            share = 1.0 if int(self.iterations) == 0 else 1.0 - self.ema_momentum
            with torch.no_grad():
                torch._foreach_lerp_(
                    [average.value for average in self._model_variables_moving_average],
                    [variable.value for variable in trainable_variables],
                    share,
                )

    return FusedAdamW


def _on_tensorflow() -> Any:
    import tensorflow as tf

    class FusedAdamW(keras.optimizers.AdamW):  # type: ignore[misc]  # Keras has no type information
        def _apply_weight_decay(self, variables: Any) -> None:
            share = tf.cast(self.learning_rate, tf.float32) * self.weight_decay
            for each in variables:
                if self._use_weight_decay(each.value):
                    each.value.assign_sub(each.value * share)

        def _backend_update_step(self, grads: Any, trainable_variables: Any, learning_rate: Any) -> None:
            steps = tf.cast(self.iterations.value + 1, tf.float32)
            powers = tf.pow(self.beta_1, steps), tf.pow(self.beta_2, steps)
            for gradient, variable in zip(grads, trainable_variables, strict=True):
                place = self._get_variable_index(variable)
                tf.raw_ops.ResourceApplyAdam(
                    var=variable.value.handle,
                    m=self._momentums[place].value.handle,
                    v=self._velocities[place].value.handle,
                    beta1_power=powers[0],
                    beta2_power=powers[1],
                    lr=learning_rate,
                    beta1=self.beta_1,
                    beta2=self.beta_2,
                    epsilon=self.epsilon,
                    grad=gradient,
                )

        def _update_model_variables_moving_average(self, trainable_variables: Any) -> None:
            first = tf.equal(self.iterations.value, 0)
            share = tf.where(first, 1.0, 1.0 - self.ema_momentum)
            for variable, average in zip(trainable_variables, self._model_variables_moving_average, strict=True):
                average.value.assign_sub((average.value - variable.value) * share)

    return FusedAdamW
