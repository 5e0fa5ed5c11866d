"""The mean of several networks' weights: one network, no slower, and often better than each.

Networks fine-tuned from one another share a basin of the loss, and the mean of their weights is
closer to its minimum (Wortsman et al. 2022, "Model soups", arXiv:2203.05482).
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ..datasets.faces import FaceData
from ..errors import BundleError
from ..files import sha256_of
from ..recognition.architectures import options_of
from ..recognition.bundle import Bundle
from ..recognition.bundle_config import BundleConfig
from ..recognition.keras_network import load_network
from ..recognition.origin import stages_of
from .batch_norm import renew_statistics
from .export import export_bundle
from .initial_weights import weights_file
from .run_folder import code_version


def average_bundles(bundles: Sequence[Bundle], data: FaceData, out: Path, flip: bool = False) -> Bundle:
    """Write a bundle whose weights are the mean of the given bundles', calibrated and measured again.

    Its batch-normalisation statistics are re-estimated. Its record is that of the bundle with the most
    stages, plus the list of those averaged. A single bundle is also re-estimated and measured. Raises
    BundleError when they differ in architecture, shape or labels.
    """
    first = bundles[0].config
    for other in (bundle.config for bundle in bundles[1:]):
        if _shape(other) != _shape(first):
            raise BundleError(f"{other.name} and {first.name} differ in architecture, shape or labels.")
    networks = [load_network(bundle, weights_file(bundle).name) for bundle in bundles]
    means = [np.mean(arrays, axis=0) for arrays in zip(*(network.get_weights() for network in networks), strict=True)]
    networks[0].set_weights(means)
    renew_statistics(networks[0], data.of("train").faces)
    last = max(bundles, key=lambda bundle: len(stages_of(bundle.config)))
    training: dict[str, Any] = dict(last.config.training)
    if len(bundles) > 1:
        training["averaged"] = [_told(bundle) for bundle in bundles]
    training["parameters"] = networks[0].count_params()
    config = replace(last.config, name=out.resolve().name, flip=flip, bias=(), temperature=1.0, training=training)
    return export_bundle(networks[0], config, data, out)


def _shape(config: BundleConfig) -> tuple[Any, ...]:
    return config.arch, options_of(config.arch, config.arch_options), config.labels


def _told(bundle: Bundle) -> dict[str, Any]:
    """Identify one averaged bundle by its number of training stages and its weights."""
    return {
        "stages": len(stages_of(bundle.config)),
        "weights_sha256": sha256_of(weights_file(bundle)),
        "code": code_version(),
    }
