"""Compiled epochs: what an accelerator computes is what the loop computes step by step, teachers and all.

They need JAX (``nox -s accelerator``), here on its processor backend; without it these tests are skipped.
"""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray
from skimage import data as pictures

from emotion_core import Bundle, TrainingError
from emotion_core.datasets.faces import load
from emotion_core.training.augment import Augmentation
from emotion_core.training.run_folder import read_history
from support import tiny
from support.processes import importing

#: Trains on JAX: python -c LEARN data out how [teacher].
LEARN = """
import dataclasses, sys
from emotion_core.datasets.faces import load
from emotion_core.training.augment import Augmentation
from emotion_core.training.loop import train
from support import tiny
how = sys.argv[3]
config = dataclasses.replace(tiny.settings(3), compiled_epochs=how != "stepped", teachers=tuple(sys.argv[4:]))
if how == "taught":
    config = dataclasses.replace(config, distil_share=1.0, distil_temperature=1.0, epochs=20)
elif how != "varied":  # nothing is left to chance
    still = Augmentation(flip=0.0)
    config = dataclasses.replace(config, augmentation=still, augmentation_start=0, augmentation_end=0, dropout=0.0)
train(load(sys.argv[1]), config, sys.argv[2])
"""

FIGURES: dict[str, Callable[[NDArray[Any]], NDArray[Any]]] = {
    "brightness": lambda x: x.mean(axis=(1, 2, 3)),
    "contrast": lambda x: x.std(axis=(1, 2, 3)),
    "sharpness": lambda x: np.abs(np.diff(x, axis=2)).mean(axis=(1, 2, 3)),
}


def learn(out: Path, csv: Path, how: str, *teachers: Path) -> list[dict[str, str]]:
    words: list[str | Path] = [sys.executable, "-c", LEARN, csv, out, how, *teachers]
    subprocess.run(words, env=importing(KERAS_BACKEND="jax"), check=True, timeout=300)
    return read_history(out)


@pytest.fixture(autouse=True)
def _with_jax() -> None:
    pytest.importorskip("jax", reason="compiled epochs need JAX: nox -s accelerator installs it")


def test_an_epoch_in_one_call_is_the_epoch_step_by_step(tiny_csv: Path, tmp_path: Path) -> None:
    stepped, compiled = (learn(tmp_path / how, tiny_csv, how) for how in ("stepped", "compiled"))
    for name in ("loss", "accuracy", "public_loss", "public_goal"):
        found = [[float(row[name]) for row in rows] for rows in (stepped, compiled)]
        assert np.allclose(found[0], found[1], atol=2e-3), (name, found)
    assert float(compiled[-1]["loss"]) < float(compiled[0]["loss"])


def test_a_student_learns_what_its_teacher_says_and_not_the_labels(
    tiny_csv: Path, tiny_bundle: Bundle, tmp_path: Path
) -> None:
    """The teacher's classes are exchanged: angry for happy."""
    from emotion_core.recognition.keras_network import load_network

    tiny.register()
    teacher = load_network(tiny_bundle, "model.weights.h5")
    kernel, bias = teacher.get_layer("logits").get_weights()
    order = [3, 1, 2, 0, 4, 5, 6]
    teacher.get_layer("logits").set_weights([kernel[:, order], bias[order]])
    (tmp_path / "teacher").mkdir()
    config = replace(tiny_bundle.config, files={})
    (tmp_path / "teacher" / "config.json").write_text(config.to_json())
    teacher.save_weights(tmp_path / "teacher" / "model.weights.h5")
    learn(tmp_path / "student", tiny_csv, "taught", tmp_path / "teacher")
    student = load_network(tiny_bundle, "model.weights.h5")
    student.load_weights(tmp_path / "student" / "best.weights.h5")
    public = load(tiny_csv).of("public")
    named = student.predict(public.faces, verbose=0).argmax(axis=1)
    exchanged = np.array(order)[public.emotion]
    assert (named == exchanged).mean() > 0.8, (named, exchanged)


def test_a_finished_run_needs_nothing_that_it_began_from(tiny_csv: Path, tmp_path: Path) -> None:
    """It may come from another machine: TensorFlow loads it; an unfinished one cannot go on there."""
    from emotion_core.training.loop import train

    learn(tmp_path / "run", tiny_csv, "varied")
    assert len(read_history(tmp_path / "run")) == 3
    (tmp_path / "run" / "checkpoint.weights.h5").unlink()
    config = replace(tiny.settings(3), compiled_epochs=True)
    network = train(load(tiny_csv), config, tmp_path / "run", resume=True)
    assert network.predict(load(tiny_csv).of("public").faces, verbose=0).shape == (42, 7)
    with pytest.raises(TrainingError, match="KERAS_BACKEND=jax"):
        train(load(tiny_csv), config, tmp_path / "new")


def test_faces_change_there_as_opencv_changes_them() -> None:
    """Brightness, contrast and sharpness of many changed faces have the same spread; the mean face is the same."""
    import jax

    from emotion_core.training.augment_jax import augmenter

    head = cv2.cvtColor(np.asarray(pictures.astronaut())[:200, 130:330], cv2.COLOR_RGB2GRAY)
    small = cv2.resize(head, (48, 48), interpolation=cv2.INTER_AREA)
    faces = np.repeat(small[None, :, :, None], 1500, axis=0).astype(np.uint8)
    there = np.asarray(jax.jit(augmenter(Augmentation(), 48, 64))(jax.random.key(0), faces, 1.0))
    here = Augmentation().apply(np.random.default_rng(0), faces, 64, 1.0)
    assert there.shape == here.shape
    assert there.min() >= 0
    assert there.max() <= 255
    assert np.abs(there.mean(axis=0) - here.mean(axis=0)).max() < 8
    for name, figure in FIGURES.items():
        spread = [np.percentile(figure(each), [10, 30, 50, 70, 90]) for each in (there, here)]
        assert np.allclose(spread[0], spread[1], rtol=0.08), (name, spread)
    still: Any = augmenter(Augmentation(flip=0.0), 48, 48)
    plain = np.asarray(still(jax.random.key(0), faces[:2], 0.0))
    assert np.abs(plain - faces[:2]).max() < 1e-3, "no strength, no change"
