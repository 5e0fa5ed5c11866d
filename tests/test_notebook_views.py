"""How notebooks show an answer: a table, as HTML and for pandas, with everything escaped."""

import pytest

from emotion_core import Box, Face, FrameResult, Prediction
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
