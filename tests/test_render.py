"""The picture and texts made from a result."""

import csv
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import emotion_core
from emotion_core import Box, Face, FrameResult, Prediction
from emotion_core.as_text import as_csv, as_json, csv_row
from emotion_core.labels import COLOURS, FER2013, colour_of, ink_on
from emotion_core.render import annotate, caption, thumbnail
from emotion_core.results import NO_FACE, summary, table


def prediction(box: Box, label: str = "happy", uncertain: bool = False) -> Prediction:
    shares = tuple(0.7 if name == label else 0.05 for name in FER2013)
    return Prediction(Face(box, box, 0.9), FER2013, shares, uncertain)


def result(width: int, height: int, *predictions: Prediction) -> FrameResult:
    return FrameResult(width, height, predictions, "a-model", "a-detector")


@pytest.mark.parametrize(("width", "height"), [(48, 48), (640, 480), (4096, 2160), (100, 2000)])
@pytest.mark.parametrize("where", ["middle", "top left", "bottom right", "everything"])
def test_box_and_label_are_drawn_inside(width: int, height: int, where: str) -> None:
    side = min(width, height) // 3
    box = {
        "middle": Box(width // 3, height // 3, side, side),
        "top left": Box(0, 0, side, side),
        "bottom right": Box(width - side, height - side, side, side),
        "everything": Box(0, 0, width, height),
    }[where]
    rgb = np.full((height, width, 3), 128, np.uint8)
    picture = annotate(rgb, result(width, height, prediction(box)))
    pixels = np.asarray(picture)
    colour = [int(COLOURS["happy"][i : i + 2], 16) for i in (1, 3, 5)]
    painted = (pixels == colour).all(axis=2)
    rows, columns = np.flatnonzero(painted.any(axis=1)), np.flatnonzero(painted.any(axis=0))
    # The label's chip is a filled area at least 12 pixels high, entirely inside the picture.
    assert painted.sum() > 12 * 12
    assert 0 <= rows[0] < rows[-1] < picture.height
    assert 0 <= columns[0] < columns[-1] < picture.width
    assert max(picture.size) >= 480
    assert (rgb == 128).all()


def test_colours_can_be_told_apart() -> None:
    assert len(set(COLOURS.values())) == len(COLOURS)
    assert set(FER2013) <= set(COLOURS)
    assert colour_of("dog").startswith("#")
    assert ink_on("#F0E442") == "#000000"
    assert ink_on("#0072B2") == "#FFFFFF"


def test_captions() -> None:
    sure, unsure = prediction(Box(0, 0, 9, 9)), prediction(Box(0, 0, 9, 9), "sad", uncertain=True)
    assert caption(sure) == "happy 70%"
    assert caption(unsure, 2) == "2 sad? 70%"
    assert summary(result(9, 9)) == NO_FACE
    assert summary(result(9, 9, sure)) == "1 face: happy"
    assert summary(result(9, 9, sure, unsure, sure)) == "3 faces: 2 happy, 1 sad"


def test_thumbnail_is_cut_at_the_edges() -> None:
    rgb = np.zeros((50, 50, 3), np.uint8)
    assert thumbnail(rgb, Box(-10, -10, 30, 30)).size == (20, 20)
    assert thumbnail(np.zeros((500, 500, 3), np.uint8), Box(0, 0, 400, 200)).size == (96, 48)


def test_table_csv_and_json_agree() -> None:
    frame = result(99, 99, prediction(Box(1, 2, 30, 40)), prediction(Box(5, 6, 7, 8), "fear", uncertain=True))
    header, rows = table(frame)
    read = list(csv.DictReader(io.StringIO(as_csv(frame))))
    parsed = json.loads(as_json(frame))
    assert list(read[0]) == header
    assert len(rows) == len(read) == len(parsed["faces"]) == 2
    for row, face in zip(read, parsed["faces"], strict=True):
        assert row["emotion"] == face["emotion"]
        assert float(row["fear"]) == face["probabilities"]["fear"]
        assert [int(row[name]) for name in ("x", "y", "width", "height")] == list(face["box"].values())
    assert as_csv(result(9, 9)).startswith("face,emotion")


def test_a_face_count_that_crowds_is_still_drawn() -> None:
    boxes = [prediction(Box(x * 40, y * 40, 36, 36)) for x in range(10) for y in range(5)]
    picture = annotate(np.zeros((200, 400, 3), np.uint8), result(400, 200, *boxes))
    assert isinstance(picture, Image.Image)
    assert picture.size == (800, 400)


def test_a_label_is_no_formula() -> None:
    """Labels come from bundles, and file names from visitors: a spreadsheet must not execute them."""
    box = Box(0, 0, 20, 20)
    face = Prediction(Face(box, box), ("=1+1", "@x", "-sad"), (0.5, 0.3, 0.2))
    text = as_csv(FrameResult(50, 50, (face,), "m", "d"))
    assert "'=1+1,'@x,'-sad" in text.splitlines()[0]
    assert ",'=1+1," in text.splitlines()[1]
    for start in ("=", "+", "-", "@", "\t", "\r"):
        assert csv_row([f"{start}x", f"x{start}"]) == [f"'{start}x", f"x{start}"]
    assert csv_row(["", -1, -0.5, None]) == ["", -1, -0.5, None]  # numbers stay numbers


def test_every_table_that_is_written_takes_that_care() -> None:
    """All CSV lines written for others go through ``csv_row``."""
    package, seen = Path(emotion_core.__file__).parent, 0
    for path in package.rglob("*.py"):
        for line in path.read_text().splitlines():
            # A run's history contains only figures.
            if path.name != "run_folder.py" and re.search(r"\.writerows?\(", line):
                assert "csv_row" in line, f"{path.name}: {line.strip()}"
                seen += 1
    assert seen >= 4


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "PNG"])
def test_thin_and_huge_pictures_can_be_shown(kind: str) -> None:
    """JPEG's limit is 65,500 pixels per side, WebP's 16,383."""
    shown = annotate(np.zeros((17, 70_000, 3), np.uint8), FrameResult(70_000, 17, (), "m", "d"))
    assert max(shown.size) == 16_000
    shown.save(io.BytesIO(), kind)
