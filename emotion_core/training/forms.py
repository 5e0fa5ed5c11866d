"""The formats a network can be exported to: LiteRT in four precisions, ONNX, SavedModel."""

import contextlib
import io
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Final

import keras
import numpy as np
from numpy.typing import NDArray

from ..errors import BundleError
from ..recognition.architectures import build
from ..recognition.bundle_config import BundleConfig
from ..recognition.classifier import LiteRTNetwork
from .quiet import quiet_libraries
from .seven_bits import with_seven_bits

FLOAT: Final = "float32"
FULL_INT8: Final = "full int8"
DYNAMIC_INT8: Final = "dynamic-range int8"
LITERT: Final = (FLOAT, "float16", DYNAMIC_INT8, FULL_INT8)
ONNX: Final = "onnx"
SAVED_MODEL: Final = "savedmodel"
FORMS: Final = (*LITERT, ONNX, SAVED_MODEL)

Runner = Callable[[NDArray[np.uint8]], NDArray[np.float32]]


@contextlib.contextmanager
def traced(network: Any) -> Iterator[Path]:
    """A SavedModel of the network as it answers, for ``litert`` to convert to several forms.

    The converter makes one for each form when it is given the network itself, which takes longer than the conversion.
    """
    import tensorflow as tf

    with scratch() as name:
        with quiet_libraries():
            archive = keras.export.ExportArchive()
            archive.track(network)
            signature = [tf.TensorSpec(part.shape, dtype=part.dtype, name=part.name) for part in network.inputs]
            archive.add_endpoint("serve", partial(network, training=False), signature)
            archive.write_out(name, verbose=False)
        yield Path(name)


def litert(trace: Path, form: str, samples: NDArray[np.uint8]) -> bytes:
    """Convert what ``traced`` wrote to one of the forms of ``LITERT``.

    samples: faces (N, H, W, C), which set the ranges of full int8. Large layers of dynamic-range int8 have 7 bits.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_saved_model(str(trace), signature_keys=["serving_default"])
    if form != FLOAT:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if form == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if form == FULL_INT8:
        converter.representative_dataset = lambda: ([sample[None]] for sample in samples)
    with contextlib.redirect_stdout(io.StringIO()), quiet_libraries():  # the converter lists every variable
        graph = bytes(converter.convert())
    return with_seven_bits(graph) if form == DYNAMIC_INT8 else graph


def written_forms(
    network: Any, forms: Iterable[str], folder: Path, samples: NDArray[np.uint8]
) -> Iterator[tuple[str, Path, Runner]]:
    """Write each form into the folder, and yield its name, its path and a way to run it.

    Raises BundleError for a form that is not in ``FORMS``.
    """
    with contextlib.ExitStack() as stack:
        trace: Path | None = None
        for form in forms:
            if form in LITERT:
                trace = trace or stack.enter_context(traced(network))
                path = folder / f"model-{form.replace(' ', '-')}.tflite"
                path.write_bytes(litert(trace, form, samples))
                yield form, path, LiteRTNetwork(path.read_bytes())
            else:
                yield form, *_other_form(network, form, folder, samples)


def _other_form(network: Any, form: str, folder: Path, samples: NDArray[np.uint8]) -> tuple[Path, Runner]:
    if form == SAVED_MODEL:
        path = folder / "saved_model"
        _serving(network).export(path, format="tf_saved_model", verbose=False)
        return path, _saved_model(path)
    if form == ONNX:
        path = folder / "model.onnx"
        serving = _serving(network)
        serving(samples[:1])  # Keras exports only models that have been called
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # from tf2onnx on NumPy 2
            serving.export(path, format="onnx", verbose=False)
        return path, _onnx(path)
    raise BundleError(f"Unknown form {form!r}: use one of {', '.join(FORMS)}.")


def _serving(network: Any) -> Any:
    """The network with the statistics it learnt, whatever is in the batch.

    Keras 3.15 traces an export with ``training`` open, and the networks of ``keras.applications`` then normalise by
    the batch at hand: up to 15 logits from their own answer.
    """
    faces = keras.Input(network.input.shape[1:], dtype=network.input.dtype, name=network.input.name)
    return keras.Model(faces, network(faces, training=False), name=network.name)


def in_precision(precision: str, network: Any, config: BundleConfig) -> Any:
    """A copy of the network with its weights in another precision."""
    keras.config.set_dtype_policy(precision)
    try:
        copy = build(config.arch, len(config.labels), **config.arch_options)
    finally:
        keras.config.set_dtype_policy("float32")
    copy.set_weights(network.get_weights())
    return copy


def size_of(path: Path) -> int:
    """Size in bytes of a file, or of all files in a folder."""
    return sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())


def scratch() -> "tempfile.TemporaryDirectory[str]":
    """A temporary folder for forms that are only measured."""
    return tempfile.TemporaryDirectory(prefix="emotion-forms-")


def _onnx(path: Path) -> Runner:
    import onnxruntime

    session = onnxruntime.InferenceSession(path)
    name = session.get_inputs()[0].name
    return lambda faces: np.asarray(session.run(None, {name: faces})[0], np.float32)


def _saved_model(path: Path) -> Runner:
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    return lambda faces: np.asarray(loaded.serve(faces), np.float32)
