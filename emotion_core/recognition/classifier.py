"""Face crops -> calibrated probabilities. Networks return logits; the rest happens here."""

import os
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import BundleError, MissingPackageError
from .bundle import GRAPH, Bundle
from .bundle_config import BundleConfig, KeptCalibration, UncertainRule
from .litert import interpreter

#: Largest batch per call of the graph; more crops are split, to bound memory: up to two megabytes each, held from then
#: on. Larger batches are no faster.
MAX_BATCH = 16


class Network(Protocol):
    """A loaded graph: uint8 (N, H, W, C) -> float32 logits (N, classes). Thread-safe."""

    def __call__(self, crops: NDArray[np.uint8], /) -> NDArray[np.float32]:
        """uint8 (N, H, W, C) -> float32 logits (N, classes)."""


class LiteRTNetwork:
    """A ``.tflite`` graph run by LiteRT, the whole batch in one call; by default on up to four cores."""

    def __init__(self, model: bytes, threads: int | None = None) -> None:
        try:
            self._interpreter: Any = interpreter(model, threads or graph_threads())
            [entry], [result] = self._interpreter.get_input_details(), self._interpreter.get_output_details()
        except (ValueError, RuntimeError) as error:
            raise BundleError(f"{GRAPH} is not a graph of one input that LiteRT can load ({error}).") from error
        self._entry, self._result = entry["index"], result["index"]
        self.input_shape = tuple(int(size) for size in entry["shape"][1:])
        self.classes = int(result["shape"][-1])
        if entry["dtype"] is not np.uint8:
            raise BundleError(f"{GRAPH} takes {entry['dtype'].__name__}; a bundle's graph takes raw uint8 crops.")
        self._batch = int(entry["shape"][0])
        self._lock = threading.Lock()  # an interpreter holds the tensors of one call only

    def __call__(self, crops: NDArray[np.uint8], /) -> NDArray[np.float32]:
        """uint8 (N, H, W, C) -> float32 logits (N, classes)."""
        with self._lock:
            if len(crops) != self._batch:
                self._interpreter.resize_tensor_input(self._entry, crops.shape)
                self._interpreter.allocate_tensors()
                self._batch = len(crops)
            self._interpreter.set_tensor(self._entry, np.ascontiguousarray(crops))
            self._interpreter.invoke()
            return np.array(self._interpreter.get_tensor(self._result), np.float32)


def usable_cores() -> int:
    """CPU cores that this process may use: more threads than that would wait for each other."""
    affinity = getattr(os, "sched_getaffinity", None)  # not on every platform
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def graph_threads() -> int:
    """Threads for one LiteRT graph, where nothing else is said."""
    return min(usable_cores(), 4)


class Classifier:
    """A network with its bundle's labels, calibration and uncertainty rule."""

    def __init__(self, network: Network, config: BundleConfig) -> None:
        self.config = config
        self._network = network

    @classmethod
    def from_bundle(cls, bundle: Bundle, threads: int | None = None) -> "Classifier":
        """Load the bundle's network: with LiteRT, or with TensorFlow if it has only Keras weights.

        threads: LiteRT threads, for when other processes use the other cores; by default up to four.

        Raises BundleError if the graph does not fit the config, MissingPackageError for Keras weights
        without TensorFlow installed.
        """
        config, name = bundle.config, bundle.serves_from()
        expected = (config.height, config.width, config.channels)
        network: Any
        if name == GRAPH:
            network = LiteRTNetwork((bundle.folder / name).read_bytes(), threads)
        else:
            network = _keras_network(bundle, name)
        if network.input_shape != expected or network.classes != len(config.labels):
            raise BundleError(
                f"{name} takes {network.input_shape} and gives {network.classes} classes, "
                f"but the config says {expected} and {len(config.labels)} labels."
            )
        return cls(network, config)

    def unmirrored(self) -> "Classifier":
        """The same classifier without mirror images, even if the config asks for them."""
        return Classifier(self._network, replace(self.config, flip=False))

    def calibrated_by(self, other: KeptCalibration) -> "Classifier":
        """The same classifier answering by another calibration, whose matrix counts as part of the network."""
        config = replace(self.config, temperature=other.temperature, bias=other.bias, calibrations={})
        return Classifier(lambda crops: multiplied(self._network(crops), other), config)

    @property
    def labels(self) -> tuple[str, ...]:
        """The bundle's labels, in class order."""
        return self.config.labels

    def logits(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """uint8 (N, H, W, C) as the config says -> float32 (N, classes); N may be 0.

        If the config sets ``flip``, the mean over each face and its mirror image. Raises
        ValueError for crops of another shape or type.
        """
        if not self.config.flip:
            return self.one_view(crops)
        both = self.one_view(np.concatenate([crops, crops[:, :, ::-1]]))
        return np.asarray((both[: len(crops)] + both[len(crops) :]) / 2, np.float32)

    def one_view(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The same without mirror images."""
        config = self.config
        if crops.dtype != np.uint8 or crops.shape[1:] != (config.height, config.width, config.channels):
            raise ValueError(
                f"Crops are {crops.dtype} {crops.shape}, expected uint8 "
                f"(N, {config.height}, {config.width}, {config.channels})."
            )
        parts = [self._network(crops[start : start + MAX_BATCH]) for start in range(0, len(crops), MAX_BATCH)]
        return np.concatenate(parts) if parts else np.empty((0, len(config.labels)), np.float32)

    def probabilities(self, crops: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Calibrated probabilities, float64 (N, classes); each row sums to 1."""
        return softmax(self.logits(crops), self.config.temperature, self.config.bias)


def _keras_network(bundle: Bundle, name: str) -> Network:
    try:
        # TensorFlow takes seconds to import: only needed for bundles without a graph.
        from .keras_network import KerasNetwork
    except ModuleNotFoundError as error:
        what = f"{bundle.origin} has only Keras weights ({name}) and no {GRAPH}: serving them"
        raise MissingPackageError.for_extra(what, ["TensorFlow"], "train") from error
    return KerasNetwork(bundle, name)


def softmax(
    logits: NDArray[np.floating[Any]], temperature: float = 1.0, bias: Sequence[float] = ()
) -> NDArray[np.float64]:
    """Softmax of logits (N, C) divided by the temperature, plus a bias per class if given."""
    scaled = logits.astype(np.float64) / temperature + (np.asarray(bias) if len(bias) else 0.0)
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True), np.float64)


def multiplied(logits: NDArray[np.float32], calibration: KeptCalibration) -> NDArray[np.float32]:
    """Logits (N, C) multiplied by the calibration's matrix, if it has one: float32 (N, C).

    It is linear, so the mean over mirror images may be taken before or after.
    """
    return np.asarray(logits @ np.array(calibration.matrix).T, np.float32) if calibration.matrix else logits


def probabilities_by(calibration: KeptCalibration, logits: NDArray[np.float32]) -> NDArray[np.float64]:
    """Calibrated probabilities, float64 (N, C), of logits (N, C); each row sums to 1."""
    return softmax(multiplied(logits, calibration), calibration.temperature, calibration.bias)


def is_uncertain(probabilities: NDArray[np.float64], rule: UncertainRule) -> NDArray[np.bool_]:
    """bool (N,): whether the best of (N, C) probabilities is small, or barely ahead of the second."""
    best = np.sort(probabilities, axis=1)[:, ::-1]
    return np.asarray((best[:, 0] < rule.min_confidence) | (best[:, 0] - best[:, 1] < rule.min_margin))
