"""Exports that answer like the served bundle, with calibration and mirror view inside, and the document's examples."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emotion_core import Bundle
from emotion_core.datasets.faces import load
from emotion_core.recognition.classifier import Classifier
from emotion_core.training.answers import OUTPUT, export_answers
from emotion_core.training.export import write_config

DOCUMENT = Path(__file__).parents[2] / "docs" / "export.md"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # from onnx and tf2onnx
def test_every_form_answers_as_the_bundle_serves(
    tiny_bundle: Bundle, tiny_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "bundle"
    folder.mkdir()
    for file in tiny_bundle.folder.iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    bias = tuple(np.linspace(-1, 1, 7).round(3).tolist())
    write_config(folder, replace(tiny_bundle.config, flip=True, temperature=1.7, bias=bias))
    bundle = Bundle.open(folder)
    data = load(tiny_csv)
    table = export_answers(bundle, data, tmp_path / "exported")
    assert set(table) == {"float32", "float16", "dynamic-range int8", "onnx", "savedmodel"}
    for form, row in table.items():
        assert row["same_answer_as_served"] > 0.97, form
        assert row["probability_gap"] < 0.06, form
    # The document's examples, exactly as written
    crops = data.of("private").faces
    served = Classifier.from_bundle(bundle).probabilities(crops)
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    assert len(examples) == 3
    for code in examples:
        names: dict[str, object] = {"crops": crops}
        exec(code, names)  # noqa: S102  # our own document
        assert tuple(names["labels"]) == bundle.config.labels  # type: ignore[arg-type]
        assert np.allclose(np.asarray(names["probabilities"]), served, atol=0.06)
        assert OUTPUT in code
