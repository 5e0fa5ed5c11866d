"""A bundle's network for other programs: crops in, the probabilities served out, labels in the file."""

import json
import zipfile
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np

from ..datasets.faces import FaceData
from ..errors import BundleError
from ..recognition.bundle import Bundle
from ..recognition.bundle_config import BundleConfig
from ..recognition.classifier import MAX_BATCH, Classifier
from ..recognition.keras_network import load_network
from .forms import FORMS, FULL_INT8, LITERT, ONNX, in_precision, size_of, written_forms
from .initial_weights import weights_file

#: Names used in every form.
INPUT: Final = "faces"
OUTPUT: Final = "probabilities"
LABELS_FILE: Final = "labels.txt"
METADATA_FILE: Final = "metadata.json"
PARITY: Final = "parity.json"


def answering(network: Any, config: BundleConfig) -> Any:
    """The network with serving's post-processing inside: uint8 (N, H, W, C) -> float32 (N, classes).

    That is the mirror image if the bundle uses it, the temperature, the biases and the softmax.
    """
    faces = keras.Input(network.input.shape[1:], dtype="uint8", name=INPUT)
    logits = network(faces)
    if config.flip:
        logits = (logits + network(keras.ops.flip(faces, axis=2))) / 2
    scaled = logits / config.temperature
    if config.bias:
        scaled = keras.ops.add(scaled, np.array(config.bias, np.float32))
    return keras.Model(faces, keras.layers.Softmax(name=OUTPUT, dtype="float32")(scaled), name="answering")


def export_answers(bundle: Bundle, data: FaceData, out: Path, forms: tuple[str, ...] = ()) -> dict[str, Any]:
    """Write the bundle's network with its calibration inside, in several forms, and ``parity.json``.

    Records for each form the share of PublicTest's faces with the same answer as served, and the largest
    difference in a probability. Raises BundleError for an unknown form.
    """
    config = bundle.config
    out.mkdir(parents=True, exist_ok=True)
    plain = in_precision("float32", load_network(bundle, weights_file(bundle).name), config)
    whole = answering(plain, config)
    faces = data.of("public").faces
    served = Classifier.from_bundle(bundle).probabilities(faces)
    table: dict[str, Any] = {}
    asked = forms or tuple(form for form in FORMS if form != FULL_INT8)
    for form, path, runner in written_forms(whole, asked, out, data.of("train").faces[:300]):
        parts = [runner(faces[start : start + MAX_BATCH]) for start in range(0, len(faces), MAX_BATCH)]
        answers = np.concatenate(parts)
        describe(path, form, config)
        table[form] = {
            "file": path.name,
            "megabytes": round(size_of(path) / 1e6, 2),
            "same_answer_as_served": round(float((answers.argmax(axis=1) == served.argmax(axis=1)).mean()), 5),
            "probability_gap": round(float(np.abs(answers - served).max()), 5),
        }
        print(f"{form}: {table[form]}", flush=True)
    (out / PARITY).write_text(json.dumps(table, indent=1) + "\n")
    return table


def metadata(config: BundleConfig) -> dict[str, str]:
    """What another program needs to know about the file, as strings."""
    return {
        "name": config.name,
        "labels": json.dumps(config.labels),
        "input": f"uint8 crops of faces, N x {config.height} x {config.width} x {config.channels}, 0 to 255",
        "output": "calibrated probabilities, in the order of the labels",
        "license": "Apache-2.0",
    }


def describe(path: Path, form: str, config: BundleConfig) -> None:
    """Put the labels and ``metadata`` into the file, following each form's convention."""
    told = metadata(config)
    files = {LABELS_FILE: "\n".join(config.labels) + "\n", METADATA_FILE: json.dumps(told, indent=1) + "\n"}
    if form in LITERT:
        # LiteRT's metadata convention: a zip archive after the graph, which readers of the graph ignore.
        with zipfile.ZipFile(path, "a") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
    elif form == ONNX:
        _describe_onnx(path, told)
    else:
        folder = path / "assets.extra"
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)


def _describe_onnx(path: Path, told: dict[str, str]) -> None:
    import onnx

    model = onnx.load(path)
    [output] = model.graph.output
    for node in model.graph.node:
        node.output[:] = [OUTPUT if name == output.name else name for name in node.output]
    output.name = OUTPUT
    onnx.helper.set_model_props(model, told)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    if [entry.name for entry in model.graph.input] != [INPUT]:
        raise BundleError(f"{path.name} has an input other than {INPUT}.")
