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
from .initial_weights import CHAIN, load_initial, weights_file
from .run_folder import code_version


def average_bundles(bundles: Sequence[Bundle], data: FaceData, out: Path, flip: bool = False) -> Bundle:
    """Write a bundle whose weights are the mean of the given bundles', calibrated and measured again.

    A custom CNN that is narrower than the widest is widened first, as where training starts from it. The
    batch-normalisation statistics are re-estimated. The record is that of the bundle with the most stages, whose last
    stage tells what was averaged after it. A single bundle is also re-estimated and measured. Raises BundleError when
    they differ in architecture, shape or labels, TrainingError when one cannot be widened to the widest.
    """
    network, widest = mean_of(bundles)
    renew_statistics(network, data.of("train").faces)
    last = max(bundles, key=lambda bundle: len(stages_of(bundle.config))).config
    training: dict[str, Any] = dict(last.training)
    if len(bundles) > 1:
        *stages, final = stages_of(last)
        training["stages"] = [*stages, {**final, "averaged": [_told(bundle) for bundle in bundles]}]
    training["parameters"] = network.count_params()
    config = replace(
        last,
        name=out.resolve().name,
        arch_options=widest.config.arch_options,
        flip=flip,
        bias=(),
        temperature=1.0,
        training=training,
    )
    return export_bundle(network, config, data, out)


def mean_of(bundles: Sequence[Bundle]) -> tuple[Any, Bundle]:
    """The network with the mean of the bundles' weights, and the widest of them, whose shape it has.

    Raises BundleError and TrainingError as ``average_bundles`` does.
    """
    first = bundles[0].config
    for config in (bundle.config for bundle in bundles[1:]):
        if _kind(config) != _kind(first):
            raise BundleError(f"{config.name} and {first.name} differ in architecture, shape or labels.")
    networks = [load_network(bundle, weights_file(bundle).name) for bundle in bundles]
    wide, widest = max(zip(networks, bundles, strict=True), key=lambda pair: pair[0].count_params())
    weights = []
    for network, bundle in zip(networks, bundles, strict=True):
        member = network
        if network.count_params() < wide.count_params():
            member = load_network(widest, weights_file(widest).name)
            load_initial(member, bundle.folder, bundle.config.labels)
        weights.append(member.get_weights())
    wide.set_weights([np.mean(arrays, axis=0) for arrays in zip(*weights, strict=True)])
    return wide, widest


def _kind(config: BundleConfig) -> tuple[Any, ...]:
    options = options_of(config.arch, config.arch_options)
    if config.arch == CHAIN:
        del options["width"]
    return config.arch, options, config.labels


def _told(bundle: Bundle) -> dict[str, Any]:
    """Identify one averaged bundle by its number of training stages and its weights."""
    return {
        "stages": len(stages_of(bundle.config)),
        "weights_sha256": sha256_of(weights_file(bundle)),
        "code": code_version(),
    }
