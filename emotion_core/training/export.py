"""A trained network -> a bundle: LiteRT graph of the best form, float16 weights, config, card."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..datasets.faces import FaceData
from ..errors import BundleError
from ..files import sha256_of
from ..recognition.bundle import CARD, GRAPH, WEIGHTS, Bundle
from ..recognition.bundle_config import CONFIG, BundleConfig, Calibration
from ..recognition.classifier import MAX_BATCH, Classifier, LiteRTNetwork, Network, softmax
from ..recognition.keras_network import load_network
from .calibration import choose_uncertain, fit_calibration, for_people
from .card import model_card
from .evaluate import evaluate
from .forms import FLOAT, FORMS, LITERT, Runner, in_precision, scratch, size_of, written_forms
from .initial_weights import weights_file
from .matrix_scaling import fit_to_labels
from .small import FEW_UNSEEN, FOLDS, crossed_figures
from .two_truths import majority_on, votes_on

#: Largest drop in PublicTest accuracy allowed for a smaller graph.
MAX_DROP: Final = 0.005
PARITY: Final = "parity.json"
_CALIBRATION_FACES: Final = 300
_MAX_GAP: Final = 0.05
#: How many times as costly, in megabytes times milliseconds, the smallest form may be: times scatter with the machine.
SLOWER: Final = 2.0

#: Logits (N, C) of faces held out from the networks that gave them, and their truth (N,).
Unseen = tuple[NDArray[np.float32], NDArray[np.int64]]


def export_bundle(
    network: Any,
    config: BundleConfig,
    data: FaceData,
    out: str | Path,
    forms: tuple[str, ...] = LITERT,
    unseen: Unseen | None = None,
) -> Bundle:
    """Measure every form on PublicTest and write the one that ``chosen_form`` says.

    The calibration is fitted on PublicTest with the served graph or, if PublicTest is small, on
    ``unseen``: logits (N, C) and truth (N,) from cross-validation. Then each split is measured once and
    recorded. Raises BundleError when no form is accurate enough.
    """
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    with scratch() as folder:
        table = parity(network, config, data, Path(folder), forms)
        chosen = chosen_form(table, forms, len(data.of("public")))
        (out / GRAPH).write_bytes((Path(folder) / table[chosen]["file"]).read_bytes())
    in_precision("float16", network, config).save_weights(out / WEIGHTS, overwrite=True)
    graph, public = LiteRTNetwork((out / GRAPH).read_bytes()), data.of("public")
    compared: Any = {"form": chosen, "forms": table}  # BundleConfig checks it
    config = replace(config, export=compared)
    write_config(out, measured(graph, calibrated(graph, config, public, unseen=unseen), data))
    return Bundle.open(out)


def chosen_form(table: Mapping[str, Mapping[str, Any]], forms: Sequence[str], faces: int) -> str:
    """The form to serve, by what ``parity`` measured on so many faces: accuracy first, then size and speed.

    Of the forms that lose at most ``MAX_DROP`` to float32 it is the smallest, unless another's size times its
    milliseconds for one face are less than a ``SLOWER``-th. Raises BundleError when no form is accurate enough.
    """
    floor = table[FLOAT]["public_accuracy"] - MAX_DROP
    fitting = [form for form in forms if table[form]["public_accuracy"] >= floor]
    if faces < FEW_UNSEEN:  # too few to measure a drop: the answers must match float32's
        fitting = [form for form in fitting if table[form]["probability_gap"] <= _MAX_GAP]
    if not fitting:
        raise BundleError(f"No form of {forms} keeps PublicTest accuracy above {floor:.3f}.")
    cost = {form: table[form]["megabytes"] * table[form]["milliseconds_1_face"] for form in fitting}
    quick = [form for form in fitting if cost[form] <= SLOWER * min(cost.values())]
    return min(quick, key=lambda form: table[form]["megabytes"])


def calibrated(
    graph: Network,
    config: BundleConfig,
    public: FaceData,
    score: Callable[[Calibration], float] | None = None,
    unseen: Unseen | None = None,
) -> BundleConfig:
    """Add the serving calibration, the literature's, and the rule for uncertain faces, all from PublicTest.

    Without votes, the labels are the only truth. score: see ``for_people``. unseen: logits (N, C) and
    truth (N,) from cross-validation, used if PublicTest is small.
    """
    if unseen:
        few = fit_calibration(*unseen)
        parts = (config.training["stages"][-1].get("probe") or {}).get("parts", FOLDS)
        record = {**config.training, "crossed": crossed_figures(*unseen, few.temperature, parts)}
        return replace(config, temperature=few.temperature, bias=few.bias, training=record, calibrations={})
    logits = Classifier(graph, config).logits(public.faces)
    votes = votes_on(public, config.labels)
    told = votes.any(axis=1)
    if not told.any():
        labels = fit_calibration(logits, public.emotion)
        return replace(config, temperature=labels.temperature, bias=labels.bias, calibrations={})
    people = for_people(logits[told], votes[told], score)
    found = softmax(logits, people.temperature, people.bias)
    return replace(
        config,
        temperature=people.temperature,
        bias=people.bias,
        calibrations={"labels": fit_to_labels(logits, public.emotion)},
        uncertain=choose_uncertain(found, majority_on(public, config.labels)),
    )


def measured(graph: Network, config: BundleConfig, data: FaceData) -> BundleConfig:
    """Add the figures measured on each test split in the data."""
    present = [split for split in ("public", "private") if (data.split == split).any()]
    figures: Any = {split: evaluate(Classifier(graph, config), data, split) for split in present}
    return replace(config, metrics=figures)


def export_forms(bundle: Bundle, data: FaceData, out: Path, forms: tuple[str, ...] = FORMS) -> dict[str, Any]:
    """Write a bundle's network in several forms, and ``parity.json``: how each compares with float32."""
    out.mkdir(parents=True, exist_ok=True)
    network = load_network(bundle, weights_file(bundle).name)
    table = parity(network, bundle.config, data, out, forms)
    (out / PARITY).write_text(json.dumps(table, indent=1) + "\n")
    return table


def parity(
    network: Any, config: BundleConfig, data: FaceData, folder: Path, forms: tuple[str, ...]
) -> dict[str, dict[str, Any]]:
    """Write each form, and float32, into the folder and measure it on PublicTest, uncalibrated.

    ``same_answer`` is the share of faces on which the form agrees with float32, ``probability_gap``
    the largest difference in a probability. Times are medians, in milliseconds.
    """
    plain = in_precision("float32", network, config)
    public, train = data.of("public"), data.of("train")
    samples = train.faces[np.random.default_rng(0).permutation(len(train))[:_CALIBRATION_FACES]]
    table: dict[str, dict[str, Any]] = {}
    reference = np.empty(0)
    for form, path, runner in written_forms(plain, dict.fromkeys((FLOAT, *forms)), folder, samples):
        answers = softmax(_all(runner, public.faces))
        reference = answers if form == FLOAT else reference
        table[form] = {
            "file": path.name,
            "megabytes": round(size_of(path) / 1e6, 2),
            "public_accuracy": round(float((answers.argmax(axis=1) == public.emotion).mean()), 5),
            "same_answer": round(float((answers.argmax(axis=1) == reference.argmax(axis=1)).mean()), 5),
            "probability_gap": round(float(np.abs(answers - reference).max()), 5),
            "milliseconds_1_face": _median_ms(runner, public.faces[:1]),
            "milliseconds_10_faces": _median_ms(runner, public.faces[:10]),
        }
        print(f"{form}: {table[form]}", flush=True)
    return table


def write_config(folder: Path, config: BundleConfig) -> None:
    """Write the card and the config, with the SHA-256 of every other file."""
    (folder / CARD).write_text(model_card(config))
    files = {name: sha256_of(folder / name) for name in (GRAPH, WEIGHTS, CARD) if (folder / name).is_file()}
    (folder / CONFIG).write_text(replace(config, files=files).to_json())


def _all(runner: Runner, faces: NDArray[np.uint8]) -> NDArray[np.float32]:
    return np.concatenate([runner(faces[start : start + MAX_BATCH]) for start in range(0, len(faces), MAX_BATCH)])


def _median_ms(runner: Runner, faces: NDArray[np.uint8], repeats: int = 30) -> float:
    runner(faces)
    times = []
    for _ in range(repeats):
        begun = time.perf_counter()
        runner(faces)
        times.append(time.perf_counter() - begun)
    return round(float(np.median(times)) * 1000, 2)
