"""What other runtimes and precisions would bring: ``python tests/benchmarks/runtimes.py --data CSV --out JSON``.

The default network, from its float weights, on the processor, all in one run and in turns: LiteRT as it serves,
in float32, in full int8 and in full int8 with a float head; and, where they are installed, ONNX Runtime and
OpenVINO (with nncf for int8), which nothing else needs: ``pip install openvino nncf`` into an environment that
may be thrown away. Each is timed on one face and on twenty, and compared with what serves on faces of PublicTest.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, files, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))  # run as a program, where the package may not be installed

import numpy as np
from numpy.typing import NDArray
from recording import begun, keep
from timing import seconds_in_turn

from emotion_core.datasets.faces import load
from emotion_core.recognition.bundle import GRAPH, Bundle
from emotion_core.recognition.classifier import MAX_BATCH, LiteRTNetwork, graph_threads
from emotion_core.recognition.keras_network import load_network
from emotion_core.recognition.resolve import resolve_bundle
from emotion_core.training.forms import FLOAT, FULL_INT8, in_precision, litert, scratch, traced, written_forms
from emotion_core.training.initial_weights import weights_file
from emotion_core.training.quiet import quiet_libraries

NAME = "fer2013-resnet50v2"
BATCHES = (1, 20)
ROUNDS = 15
CALIBRATION, COMPARED = 100, 500

Faces = NDArray[np.uint8]
Runner = Callable[[Faces], NDArray[np.float32]]


def float_head(network: Any, samples: Faces) -> bytes:
    """Full int8 but for the last layer, which stays in floats."""
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(network)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
    options = tf.lite.experimental.QuantizationDebugOptions(denylisted_ops=["FULLY_CONNECTED"])
    with quiet_libraries():
        made = tf.lite.experimental.QuantizationDebugger(
            converter=converter, debug_dataset=converter.representative_dataset, debug_options=options
        )
        return bytes(made.get_nondebug_quantized_model())


def on_litert(bundle: Bundle, network: Any, samples: Faces) -> Iterator[tuple[str, Runner]]:
    yield "LiteRT, dynamic-range int8: as it serves", LiteRTNetwork((bundle.folder / GRAPH).read_bytes())
    with traced(network) as trace:
        yield "LiteRT, float32", LiteRTNetwork(litert(trace, FLOAT, samples))
        yield "LiteRT, full int8", LiteRTNetwork(litert(trace, FULL_INT8, samples))
    yield "LiteRT, full int8 with a float head", LiteRTNetwork(float_head(network, samples))


def on_onnx_runtime(path: Path) -> Iterator[tuple[str, Runner]]:
    import onnxruntime
    from onnxruntime.quantization import QuantType, quantize_dynamic

    small = path.with_name("int8.onnx")
    quantize_dynamic(path, small, per_channel=True, weight_type=QuantType.QInt8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = graph_threads()
    for form, file in (("float32", path), ("dynamic-range int8", small)):
        yield f"ONNX Runtime, {form}", _of_session(onnxruntime.InferenceSession(file, options))


def _of_session(session: Any) -> Runner:
    name = session.get_inputs()[0].name
    return lambda faces: np.asarray(session.run(None, {name: faces})[0], np.float32)


def on_openvino(path: Path, samples: Faces) -> Iterator[tuple[str, Runner]]:
    import openvino

    core, model = openvino.Core(), openvino.convert_model(path)
    for form in ("f32", "bf16"):
        asked = {"INFERENCE_PRECISION_HINT": form, "INFERENCE_NUM_THREADS": graph_threads()}
        yield f"OpenVINO, {form}", _of_compiled(core.compile_model(model, "CPU", asked))
    import nncf

    with quiet_libraries():
        small = nncf.quantize(model, nncf.Dataset([sample[None] for sample in samples]))
    asked = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": graph_threads()}
    yield "OpenVINO, int8", _of_compiled(core.compile_model(small, "CPU", asked))


def _of_compiled(compiled: Any) -> Runner:
    return lambda faces: np.asarray(compiled(faces)[0], np.float32)


def all_runners(bundle: Bundle, samples: Faces, folder: Path) -> dict[str, Runner]:
    """Everything that this environment can run."""
    network = in_precision("float32", load_network(bundle, weights_file(bundle).name), bundle.config)
    runners = dict(on_litert(bundle, network, samples))
    [(_, path, _)] = written_forms(network, ["onnx"], folder, samples)
    others = (partial(on_onnx_runtime, path), partial(on_openvino, path, samples))
    for runtime in others:
        try:
            runners |= dict(runtime())
        except ModuleNotFoundError as error:
            print(f"left out: {error}", file=sys.stderr)
    return runners


def timed(runners: dict[str, Runner], faces: Faces) -> dict[str, float]:
    """Median milliseconds a face, each runner in turn."""
    times = seconds_in_turn({name: partial(runner, faces) for name, runner in runners.items()}, ROUNDS)
    return {name: round(1000 * median / len(faces), 2) for name, median in times.items()}


def installed_megabytes(package: str) -> float | None:
    """What the package's own files take; None if it is not installed."""
    try:
        return round(sum(file.size or 0 for file in files(package) or ()) / 1e6, 1)
    except PackageNotFoundError:
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, metavar="CSV", help="fer2013.csv")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    options = parser.parse_args()
    record = begun()
    packages = ("ai-edge-litert", "onnxruntime", "openvino")
    record["packages"] = {
        name: {"version": version(name), "megabytes": size}
        for name in packages
        if (size := installed_megabytes(name)) is not None
    }
    data, bundle = load(options.data), resolve_bundle(NAME).bundle
    train, public = data.of("train").faces, data.of("public").faces[:COMPARED]
    samples = train[np.random.default_rng(0).permutation(len(train))[:CALIBRATION]]
    with scratch() as folder:
        runners = all_runners(bundle, samples, Path(folder))
        print("measuring", file=sys.stderr)
        answers = {
            name: np.concatenate([runner(public[start : start + MAX_BATCH]) for start in range(0, COMPARED, MAX_BATCH)])
            for name, runner in runners.items()
        }
        times = {batch: timed(runners, public[:batch]) for batch in BATCHES}
    reference = next(iter(answers.values())).argmax(axis=1)
    record["faces_compared"] = COMPARED
    record["runtimes"] = {
        name: {
            **{f"milliseconds_of_{batch}": times[batch][name] for batch in BATCHES},
            "same_answer": round(float((answers[name].argmax(axis=1) == reference).mean()), 4),
        }
        for name in runners
    }
    keep(record, options.out)


if __name__ == "__main__":
    main()
