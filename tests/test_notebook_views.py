"""How notebooks show an answer: its picture and a table, as HTML and for pandas, with everything escaped."""

import base64
import io
import pickle
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion_core import Box, EmotionRecognizer, Face, FrameResult, Prediction
from emotion_core.images import RGB
from emotion_core.render import annotate
from emotion_core.results import NO_FACE

LABELS = ("happy", "<b>sad</b>")


def result(count: int) -> FrameResult:
    face = Face(Box(3, 4, 50, 60), Box(0, 0, 60, 60), 0.9)
    return FrameResult(100, 80, (Prediction(face, LABELS, (0.25, 0.75)),) * count, "a model", "a detector")


def test_a_row_for_each_face() -> None:
    pytest.importorskip("pandas", reason="to_pandas needs pandas, which nothing else does")
    frame = result(2).to_pandas()
    assert frame["emotion"].tolist() == ["<b>sad</b>"] * 2
    assert frame["happy"].tolist() == [0.25, 0.25]
    assert frame["x"].tolist() == [3, 3]
    assert len(result(0).to_pandas()) == 0


def test_the_table_is_shown_and_escaped() -> None:
    html = result(1)._repr_html_()
    assert html.count("<tr>") == 2
    assert "&lt;b&gt;sad&lt;/b&gt;" in html
    assert "<b>" not in html
    assert "0.75" in html
    assert NO_FACE in result(0)._repr_html_()


def test_the_picture_is_shown_while_it_is_at_hand(
    tmp_path: Path, astronaut: RGB, recognizer: EmotionRecognizer
) -> None:
    path = tmp_path / "photo.png"
    Image.fromarray(astronaut).save(path)
    of_file = recognizer.analyze(path)
    shown = of_file._repr_png_()
    assert shown is not None
    drawn = np.asarray(Image.open(io.BytesIO(shown)))
    assert (drawn == np.asarray(annotate(astronaut, of_file))).all()
    [inside] = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', of_file._repr_html_())
    assert Image.open(io.BytesIO(base64.b64decode(inside))).size == (astronaut.shape[1], astronaut.shape[0])
    assert pickle.loads(pickle.dumps(of_file))._repr_png_() == shown

    held = astronaut.copy()
    of_array = recognizer.analyze(held)
    assert of_array == of_file
    assert of_array._repr_png_() == shown
    assert pickle.loads(pickle.dumps(of_array))._repr_png_() is None
    assert recognizer.analyze_rgb(held)._repr_png_() == recognizer.look(held).result._repr_png_() == shown
    del held  # the result keeps no picture alive
    assert of_array._repr_png_() is None
    assert "<img" not in of_array._repr_html_()
    assert recognizer.analyze(path.read_bytes())._repr_png_() is None

    Image.fromarray(astronaut[:200]).save(path)  # another picture of that name
    assert of_file._repr_png_() is None
    path.unlink()
    assert of_file._repr_png_() is None
    assert "<table>" in of_file._repr_html_()


def test_a_large_picture_is_shown_small(recognizer: EmotionRecognizer) -> None:
    large = np.zeros((1500, 2000, 3), np.uint8)
    shown = recognizer.analyze(large)._repr_png_()
    assert shown is not None
    assert Image.open(io.BytesIO(shown)).size == (1024, 768)
