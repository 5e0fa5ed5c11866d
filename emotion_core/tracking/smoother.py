"""Smooths each person's probabilities over time. Works in seconds; serves one stream."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


class ProbabilitySmoother:
    """Exponential smoothing of every person's probabilities.

    seconds: the time constant; 0 disables smoothing. After ``restart_seconds`` out of sight a person
    starts afresh, as the old probabilities are out of date.

    >>> smoother = ProbabilitySmoother(seconds=0.5)
    >>> smoother.update(0.0, {1: (1.0, 0.0)})
    {1: (1.0, 0.0)}
    >>> happy, sad = smoother.update(0.5, {1: (0.0, 1.0)})[1]
    >>> round(happy, 2), round(sad, 2)
    (0.37, 0.63)
    """

    def __init__(self, seconds: float = 0.4, restart_seconds: float = 1.0) -> None:
        if seconds < 0 or restart_seconds < 0:
            raise ValueError("A smoother's times are seconds, 0 or more.")
        self.seconds = seconds
        self.restart_seconds = restart_seconds
        self._state: dict[int, tuple[float, NDArray[np.float64]]] = {}

    def update(self, time_seconds: float, probabilities: Mapping[int, Sequence[float]]) -> dict[int, tuple[float, ...]]:
        """Map person -> raw probabilities to person -> smoothed ones. Sums are preserved."""
        limit = time_seconds - self.restart_seconds
        self._state = {person: state for person, state in self._state.items() if state[0] >= limit}
        smoothed = {}
        for person, raw in probabilities.items():
            values = np.asarray(raw, np.float64)
            if person in self._state and self.seconds > 0:
                before, old = self._state[person]
                values = old - math.expm1(-max(time_seconds - before, 0) / self.seconds) * (values - old)
            self._state[person] = time_seconds, values
            smoothed[person] = tuple(round(float(value), 6) for value in values)
        return smoothed
