"""The presentation: its slides, and the screenshot of the page in it."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pptx import Presentation

from emotion_core import Bundle, EmotionRecognizer, ReportError
from emotion_core.cli.main import main
from emotion_core.errors import OutputError
from emotion_core.recognition.bundle import DEFAULT
from emotion_core.reports.records import record_run
from emotion_core.reports.screenshots import photograph_page
from emotion_core.reports.slides import make_slides
from support.page_server import CHROMIUM


def test_slides(tiny_bundle: Bundle, recognizer: EmotionRecognizer, tmp_path: Path) -> None:
    with pytest.raises(ReportError, match="No run is recorded"):
        make_slides(tmp_path / "none.pptx", tmp_path)
    with pytest.raises(OutputError, match="no folder"):  # before anything else
        make_slides(tmp_path / "absent" / "none.pptx", tmp_path)
    for name in ("fer2013-a", "fer2013-b"):
        record_run(Bundle(tiny_bundle.folder, replace(tiny_bundle.config, name=name), name), tmp_path)
    told = {"mean": 0.01, "interval": [-0.01, 0.03]}
    ablation = {
        "config": {"epochs": 2, "arch": "tiny"},
        "training_faces": 84,
        "switches": [
            {"switch": word, "seeds": 3, "figures": {"accuracy": told}, "differences": {"accuracy": told}}
            for word in ("plain", "EMA")
        ],
    }
    (tmp_path / "ablation.json").write_text(json.dumps(ablation))
    assert make_slides(tmp_path / "all.pptx", tmp_path, recognizer).is_file()
    pages = Presentation(str(tmp_path / "all.pptx")).slides
    text = [" ".join(shape.text_frame.text for shape in page.shapes if shape.has_text_frame) for page in pages]
    titles = [
        "Perceived expression",
        "The problem",
        "The data",
        "The networks",
        "How it was trained",
        "Results by the labels",
    ]
    titles += [
        "Expression by expression",
        "What each switch brought",
        "Error analysis",
        "Does it know",
        "From model",
        "The app",
    ]
    titles += ["Limits and law", "What comes next"]
    for page, title in zip(text, titles, strict=True):
        assert title in page
    assert f"{tiny_bundle.config.metrics['private']['accuracy']:.1%}" in text[5]
    assert "happy" in text[11]
    [networks] = [shape.table for shape in pages[3].shapes if shape.has_table]
    assert (
        networks.cell(1, 5).text == f"{len(tiny_bundle.config.training['stages'][0]['history'])} in 1 stage, unfinished"
    )
    assert any("EMA +1.0 ± 2.0" in told for told in pages[7].shapes._spTree.xpath(".//p:cNvPr/@descr"))
    deck = Presentation(str(tmp_path / "all.pptx"))
    for page in deck.slides:
        assert page.notes_slide.notes_text_frame.text, page.shapes[0].text_frame.text
        for shape in page.shapes:
            if hasattr(shape, "image") or shape.has_table:
                assert shape._element.xpath(".//p:cNvPr/@descr")[0]
            assert shape.left >= 0
            assert shape.left + shape.width <= deck.slide_width
            assert shape.top + shape.height <= deck.slide_height


def test_no_browser_no_picture(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("shutil.which", lambda name: None)  # noqa: ARG005
    assert photograph_page(np.zeros((64, 64, 3), np.uint8)) is None
    assert "Chromium" in capsys.readouterr().out


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_slides_show_the_page(tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTION_DETECTOR", "haar")
    record_run(Bundle(tiny_bundle.folder, replace(tiny_bundle.config, name="fer2013-a"), "a"), tmp_path)
    out = tmp_path / "cli.pptx"
    assert main(["slides", str(out), "--runs", str(tmp_path), "--model", "fer2013-custom-cnn"]) == 0
    [page] = [page for page in Presentation(str(out)).slides if page.shapes[0].text_frame.text == "The page"]
    [picture] = [shape.image for shape in page.shapes if hasattr(shape, "image")]
    assert picture.size == (1280 + 40 + 390, 860)


def test_what_a_taught_network_was_asked_for_is_told(tiny_bundle: Bundle, tmp_path: Path) -> None:
    [stage] = tiny_bundle.config.training["stages"]
    taught = {**stage, "config": {**stage["config"], "teachers": ["one", "two"], "distil_share": 0.7}}
    config = replace(tiny_bundle.config, name="fer2013-a", training={**tiny_bundle.config.training, "stages": [taught]})
    record_run(Bundle(tiny_bundle.folder, config, "a"), tmp_path)
    [page] = [
        page
        for page in Presentation(str(make_slides(tmp_path / "taught.pptx", tmp_path))).slides
        if page.shapes[0].text_frame.text == "How it was trained"
    ]
    told = " ".join(shape.text_frame.text for shape in page.shapes if shape.has_text_frame)
    assert "70% the answer of 2 other networks (teachers); the rest" in told


def test_the_pages_tell_of_the_network_that_is_served_not_of_one_that_nobody_has(
    tiny_bundle: Bundle, tmp_path: Path
) -> None:
    [figures] = [tiny_bundle.config.metrics["private"]]
    better = replace(tiny_bundle.config, name="fer2013-elsewhere", metrics={"private": {**figures, "accuracy": 1.0}})
    for config in (better, replace(tiny_bundle.config, name=DEFAULT)):
        record_run(Bundle(tiny_bundle.folder, config, config.name), tmp_path)
    pages = Presentation(str(make_slides(tmp_path / "own.pptx", tmp_path))).slides
    told = {
        page.shapes[0].text_frame.text: " ".join(shape.text_frame.text for shape in page.shapes if shape.has_text_frame)
        for page in pages
    }
    for title in ("Perceived expression", "How it was trained", "Results by the labels", "Expression by expression"):
        [text] = [text for text in told.values() if title in text]
        assert DEFAULT in text
        assert "fer2013-elsewhere" not in text
    assert all("Recorded runs up to" in text for text in told.values())
