"""What the Image tab adds to an answer: albums, two models side by side, what spoke."""

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion_core import Bundle, EmotionRecognizer, ModelNotFoundError
from emotion_core.images import RGB
from emotion_core.page.album import album_rows, analyze_album, unique_names, write_album
from emotion_core.page.comparison import compare
from emotion_core.page.examples import APPEARANCES, drawn_face, drawn_group
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.recognition.classifier import Classifier
from emotion_core.recognition.detectors import YuNetDetector
from emotion_core.recognition.occlusion import as_seen, heat_picture, occlusion_map


@pytest.fixture
def photos(astronaut: RGB, montage: RGB, tmp_path: Path) -> list[Path]:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    Image.fromarray(astronaut).save(tmp_path / "a" / "photo.jpg")
    Image.fromarray(montage).save(tmp_path / "b" / "photo.jpg")
    Image.new("RGB", (200, 200), "gray").save(tmp_path / "empty.png")
    (tmp_path / "words.jpg").write_bytes(b"not a picture")
    return [tmp_path / name for name in ("a/photo.jpg", "b/photo.jpg", "empty.png", "words.jpg")]


def test_an_album(recognizer: EmotionRecognizer, photos: list[Path], tmp_path: Path) -> None:
    album = list(analyze_album(recognizer, photos))
    assert [photo.name for photo in album] == ["photo.jpg", "photo-2.jpg", "empty.png", "words.jpg"]
    header, rows = album_rows(album, recognizer.config.labels)
    assert [row[0] for row in rows] == ["photo.jpg", *["photo-2.jpg"] * 3, "empty.png", "words.jpg"]
    assert all(len(row) == len(header) for row in rows)
    assert rows[0][2] == "happy"
    assert rows[4][2] == "No face found"
    assert "words.jpg: " in album[3].caption
    with zipfile.ZipFile(write_album(album, recognizer.config.labels, tmp_path / "album.zip")) as archive:
        assert archive.testzip() is None
        table = list(csv.reader(io.StringIO(archive.read("table.csv").decode())))
        assert len(table) == 1 + len(rows)
        assert len(json.loads(archive.read("photo-2.jpg.json"))["faces"]) == 3
        with Image.open(io.BytesIO(archive.read("photo.jpg.annotated.jpg"))) as picture:
            assert picture.size == (512, 512)
        assert "error" in json.loads(archive.read("words.jpg.error.json"))


def test_names_that_are_alike_are_numbered() -> None:
    assert unique_names(["x/a.png", "y/a.png", "a-2.png", "z/a.png"]) == ["a.png", "a-2.png", "a-2-2.png", "a-3.png"]


def test_what_spoke_for_happy_is_the_mouth(recognizer: EmotionRecognizer, astronaut: RGB) -> None:
    [face] = recognizer.detector.detect(astronaut)
    [crop] = recognizer.crops(astronaut, [face])
    heat = occlusion_map(recognizer.classifier, crop, "happy")
    assert heat.shape == crop.shape[:2]
    y, x = np.unravel_index(heat.argmax(), heat.shape)
    assert 26 <= y <= 46
    assert 10 <= x <= 38
    with pytest.raises(ValueError, match="bored"):
        occlusion_map(recognizer.classifier, crop, "bored")
    picture = np.asarray(heat_picture(crop, heat)).astype(int)
    warm = picture[..., 0] - picture[..., 2]
    assert warm[96:].mean() > warm[:96].mean()
    assert as_seen(crop).size == heat_picture(crop, heat).size == (192, 192)


def test_a_blank_crop_speaks_for_nothing(recognizer: EmotionRecognizer) -> None:
    crop = np.full((48, 48, 1), 128, np.uint8)
    heat = occlusion_map(recognizer.classifier, crop, "happy")
    assert np.abs(heat).max() < 1e-6
    assert heat_picture(crop, heat).size == (192, 192)


def test_a_comparison(recognizer: EmotionRecognizer, montage: RGB, astronaut: RGB) -> None:
    same = compare(montage, [recognizer, recognizer])
    assert "agree on 3 of 3 faces" in same
    assert same.count("<img") == 3
    assert compare(np.full((200, 200, 3), 128, np.uint8), [recognizer, recognizer]) == ""
    assert "happy" in compare(astronaut, [recognizer])


@pytest.mark.parametrize(("expression", "person"), [("happy", 0), ("happy", 2), ("angry", 1), ("surprise", 2)])
def test_drawn_faces_are_found_and_read(recognizer: EmotionRecognizer, expression: str, person: int) -> None:
    [face] = recognizer.analyze(drawn_face(expression, person=APPEARANCES[person])).predictions
    assert face.label == expression


def test_a_drawn_group(yunet: bytes, recognizer: EmotionRecognizer) -> None:
    group = np.asarray(drawn_group())
    faces = recognizer.classify(group, YuNetDetector(yunet).detect(group)).predictions
    assert sorted(face.label for face in faces) == ["angry", "happy", "surprise"]
    with pytest.raises(ValueError, match="happy, surprise"):
        drawn_face("bored")


def test_two_models_on_one_photo(tiny_bundle: Bundle, recognizer: EmotionRecognizer, astronaut: RGB) -> None:
    """A model of one's own beside the embedded ones: listed, chosen, compared, behind either detector."""
    own = EmotionRecognizer(Classifier.from_bundle(tiny_bundle), recognizer.detector, tiny_bundle.origin)
    catalogue = Catalogue(own)
    names = [model["name"] for model in catalogue.describe()]
    assert names[0] == tiny_bundle.config.name
    assert recognizer.config.name in names[1:]
    both = compare(astronaut, [catalogue.get(name, "Haar cascade") for name in (names[0], recognizer.config.name)])
    assert all(name in both for name in (names[0], recognizer.config.name))
    assert catalogue.detectors()[0] == "Haar cascade"
    for wrong in (("nobody", None), (None, "somebody")):
        with pytest.raises(ModelNotFoundError, match="There are: "):
            catalogue.get(*wrong)
