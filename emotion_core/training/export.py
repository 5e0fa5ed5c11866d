"""A trained network -> a bundle: LiteRT graph of the best form, float16 weights, config, card."""

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from ..bundle import CARD, CONFIG, GRAPH, WEIGHTS, Bundle, BundleConfig
from ..classifier import Classifier, LiteRTNetwork
from ..errors import BundleError
from .architectures import build
from .card import model_card
from .data import FaceData
from .evaluate import evaluate, fit_calibration

#: Points of PublicTest accuracy that a smaller graph may cost.
MAX_DROP: Final = 0.005
FLOAT: Final = "float32"
FORMS: Final = (FLOAT, "float16", "dynamic-range int8", "full int8")
_CALIBRATION_FACES: Final = 300


def convert(network: Any, form: str, samples: NDArray[np.uint8]) -> bytes:
    """Convert to LiteRT in one of the ``FORMS``; samples (N, H, W, C) set the ranges of full int8."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    if form != FLOAT:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if form == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if form == "full int8":
        converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
    return bytes(converter.convert())


def export_bundle(
    network: Any, config: BundleConfig, data: FaceData, out: str | Path, forms: tuple[str, ...] = FORMS
) -> Bundle:
    """Measure every form on PublicTest, write the smallest that costs at most ``MAX_DROP``.

    The calibration is fitted on PublicTest with the graph that serves; then each split is
    measured once and recorded. Raises BundleError when no form holds.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    plain = _in_precision("float32", network, config)
    public, train = data.of("public"), data.of("train")
    samples = train.faces[np.random.default_rng(0).permutation(len(train))[:_CALIBRATION_FACES]]
    graphs: dict[str, bytes] = {}
    logits: dict[str, NDArray[np.float32]] = {}
    table: dict[str, dict[str, float]] = {}
    for form in dict.fromkeys((FLOAT, *forms)):
        graphs[form] = convert(plain, form, samples)
        runner = LiteRTNetwork(graphs[form])
        logits[form] = Classifier(runner, config).logits(public.faces)
        table[form] = {
            "megabytes": round(len(graphs[form]) / 1e6, 2),
            "public_accuracy": round(float((logits[form].argmax(axis=1) == public.emotion).mean()), 5),
            "milliseconds_1_face": _median_ms(runner, public.faces[:1]),
            "milliseconds_10_faces": _median_ms(runner, public.faces[:10]),
        }
        print(f"{form}: {table[form]}", flush=True)
    floor = table[FLOAT]["public_accuracy"] - MAX_DROP
    fitting = [form for form in forms if table[form]["public_accuracy"] >= floor]
    if not fitting:
        raise BundleError(f"No form of {forms} keeps PublicTest accuracy above {floor:.3f}.")
    chosen = min(fitting, key=lambda form: table[form]["megabytes"])
    (out / GRAPH).write_bytes(graphs[chosen])
    _in_precision("float16", network, config).save_weights(out / WEIGHTS, overwrite=True)
    temperature, bias = fit_calibration(logits[chosen], public.emotion)
    config = replace(
        config,
        temperature=temperature,
        bias=bias,
        export={"form": chosen, "forms": table},
    )
    classifier = Classifier(LiteRTNetwork(graphs[chosen]), config)
    present = [split for split in ("public", "private") if (data.split == split).any()]
    config = replace(config, metrics={split: evaluate(classifier, data, split) for split in present})
    write_config(out, config)
    return Bundle.open(out)


def write_config(folder: Path, config: BundleConfig) -> None:
    """Write the card and the config, with the SHA-256 of every file beside it."""
    (folder / CARD).write_text(model_card(config))
    files = {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in (GRAPH, WEIGHTS, CARD)
        if (folder / name).is_file()
    }
    (folder / CONFIG).write_text(replace(config, files=files).to_json())


def _in_precision(precision: str, network: Any, config: BundleConfig) -> Any:
    """The same network, its weights held in another precision."""
    keras.config.set_dtype_policy(precision)
    try:
        copy = build(config.arch, len(config.labels), **config.arch_options)
    finally:
        keras.config.set_dtype_policy("float32")
    copy.set_weights(network.get_weights())
    return copy


def _median_ms(network: LiteRTNetwork, faces: NDArray[np.uint8], repeats: int = 30) -> float:
    network(faces)
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        network(faces)
        times.append(time.perf_counter() - begun)
    return round(float(np.median(times)) * 1000, 2)
