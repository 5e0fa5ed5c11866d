"""What the Image tab does with a photo: its answer, albums, two models side by side, heat maps, examples."""

import base64
import copy
import csv
import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emotion_core import (
    Box,
    Bundle,
    EmotionRecognizer,
    Face,
    FrameResult,
    ImageError,
    ModelNotFoundError,
    Prediction,
    Settings,
)
from emotion_core.images import RGB, load_image
from emotion_core.page.about_tab import measured
from emotion_core.page.album import album_rows, analyze_album, unique_names, write_album
from emotion_core.page.album_part import bytes_of_album
from emotion_core.page.example_photos import EXAMPLES, photo_file, thumbnail_file
from emotion_core.page.examples import APPEARANCES, drawn_face, drawn_group
from emotion_core.page.explanation import Explainer
from emotion_core.page.photo_answer import PhotoAnswer, answer_photo, heading, reading_order
from emotion_core.page.photo_view import html_rows, refusal, shown
from emotion_core.recognition.bundle_config import BundleConfig, CropShape
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.recognition.classifier import Classifier
from emotion_core.recognition.detectors import YuNetDetector
from emotion_core.recognition.occlusion import as_seen, heat_picture, occlusion_map
from emotion_core.serving.workshop import Workshop

LABELS = ("happy", "sad", "neutral")


class Counted:
    """A real recognizer whose detections and classifications are counted."""

    def __init__(self, recognizer: EmotionRecognizer) -> None:
        self.searches = self.namings = 0
        classifier, detector = copy.copy(recognizer.classifier), copy.copy(recognizer.detector)
        name, detect = classifier.probabilities, detector.detect

        def probabilities(crops: Any) -> Any:
            self.namings += 1
            return name(crops)

        def detected(rgb: RGB, near: int | None = None) -> Any:
            self.searches += 1
            return detect(rgb, near)

        classifier.probabilities, detector.detect = probabilities, detected  # type: ignore[method-assign]
        self.recognizer = EmotionRecognizer(classifier, detector, recognizer.origin)


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    workshop = Workshop(Settings())
    yield workshop
    workshop.close()


@pytest.fixture
def album_files(astronaut: RGB, montage: RGB, tmp_path: Path) -> list[Path]:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
    Image.fromarray(astronaut).save(tmp_path / "a" / "photo.jpg")
    Image.fromarray(montage).save(tmp_path / "b" / "photo.jpg")
    Image.new("RGB", (200, 200), "gray").save(tmp_path / "empty.png")
    (tmp_path / "words.jpg").write_bytes(b"not a picture")
    return [tmp_path / name for name in ("a/photo.jpg", "b/photo.jpg", "empty.png", "words.jpg")]


def test_an_album(recognizer: EmotionRecognizer, album_files: list[Path], workshop: Workshop, tmp_path: Path) -> None:
    album = list(analyze_album(recognizer, album_files, tmp_path, workshop))
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


def test_a_photo_that_is_named_often_takes_its_room_each_time(
    recognizer: EmotionRecognizer, album_files: list[Path], workshop: Workshop, tmp_path: Path
) -> None:
    """Fifty times, it was promised room for one."""
    took = []
    for count in (1, 4):
        named, folder = [album_files[0]] * count, tmp_path / str(count)
        folder.mkdir()
        album = list(analyze_album(recognizer, named, folder, workshop))
        write_album(album, recognizer.config.labels, folder / "all.zip")
        took.append(sum(file.stat().st_size for file in folder.iterdir()) / bytes_of_album(list(map(str, named))))
    assert took[1] < 1.1 * took[0]


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


def at(x: int, y: int, side: int, label: str, uncertain: bool = False) -> Prediction:
    box = Box(x, y, side, side)
    shares = tuple(0.8 if one == label else 0.1 for one in LABELS)
    return Prediction(Face(box, box), LABELS, shares, uncertain)


def test_faces_are_read_as_a_page_is() -> None:
    """Rows from top to bottom, each from left to right; a taller person stays in the same row."""
    rows = [at(300, 60, 80, "sad"), at(20, 40, 90, "happy"), at(160, 75, 70, "happy"), at(90, 200, 80, "neutral", True)]
    result = reading_order(FrameResult(500, 400, tuple(rows), "model", "detector"))
    assert [face.face.box.x for face in result.predictions] == [20, 160, 300, 90]
    assert heading(result) == "4 faces: 2 happy, 1 sad, 1 neutral (1 uncertain)"
    assert reading_order(FrameResult(5, 5, (), "model", "detector")).predictions == ()


def test_an_answer_finds_and_names_once(recognizer: EmotionRecognizer, montage: RGB) -> None:
    """One detection, and one classification per model, though the answer is shown, compared and saved."""
    counted = Counted(recognizer)
    catalogue = Catalogue(counted.recognizer)
    answer = answer_photo(catalogue, montage, None, None, "fer2013-custom-cnn")
    said = shown(answer, with_picture=True)
    assert (counted.searches, counted.namings) == (1, 1)
    assert said["heading"] == "3 faces: 3 happy"
    assert [face["caption"][0] for face in said["faces"]] == ["1", "2", "3"]
    assert "The other model agrees on 3 of 3." in said["html"]
    assert len(json.loads(said["json"])["faces"]) == said["csv"].strip().count("\n") == 3
    assert said["faces"][0]["box"]["x"] < said["faces"][1]["box"]["x"]
    assert (said["picture"] or "").startswith("data:image/jpeg")


def test_no_face_is_said_once_and_with_what_helps(recognizer: EmotionRecognizer) -> None:
    said = shown(answer_photo(Catalogue(recognizer), np.full((200, 200, 3), 128, np.uint8), None, None))
    assert said["html"].count("No face found") == 1
    assert "turned to the camera" in said["html"]
    assert said["faces"] == []


def test_a_crop_that_comes_back_is_explained(recognizer: EmotionRecognizer, astronaut: RGB) -> None:
    said = shown(answer_photo(Catalogue(recognizer), astronaut, None, None))
    crop = load_image(base64.b64decode(said["faces"][0]["crop"].partition(",")[2]))
    explainer = Explainer()
    told = explainer.explain(recognizer, crop, "happy")
    assert told.count("<img") == 2
    assert 0 < explainer.seconds(recognizer.config.name) < 60
    with pytest.raises(ImageError, match="48x48"):
        explainer.explain(recognizer, astronaut, "happy")
    with pytest.raises(ValueError, match="bored"):
        explainer.explain(recognizer, crop, "bored")


def test_what_a_bundle_says_is_text() -> None:
    """Names and labels come from strangers' bundles, and must not become markup."""
    evil = "<img src=x onerror=alert(1)>"
    labels = (evil, "sad")
    face = Face(Box(1, 1, 20, 20), Box(1, 1, 20, 20))
    result = FrameResult(40, 40, (Prediction(face, labels, (0.9, 0.1)),), evil, evil)
    answer = PhotoAnswer(np.zeros((40, 40, 3), np.uint8), result, np.zeros((1, 48, 48, 1), np.uint8), result)
    config = BundleConfig(name=evil, labels=labels, input=CropShape(height=48, width=48, channels=1))
    for html in (shown(answer)["html"], measured(config), html_rows([evil], [[evil]], evil), refusal(evil)):
        assert "<img src=x" not in html
        assert "&lt;img src=x" in html


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_has_its_faces_found(name: str, recognizer: EmotionRecognizer) -> None:
    """With every detector that this server would offer."""
    catalogue = Catalogue(recognizer)
    people = {"astronaut": 1, "three": 3, "generations": 2, "evening": 2}[name]
    for detector in catalogue.detectors():
        found = catalogue.get(None, detector).analyze(photo_file(name))
        assert len(found.predictions) == people, detector
    with Image.open(io.BytesIO(thumbnail_file(name))) as small:
        assert small.size == (104, 72)


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_has_its_faces_found_by_yunet(name: str, yunet: bytes) -> None:
    people = {"astronaut": 1, "three": 3, "generations": 2, "evening": 2}[name]
    assert len(YuNetDetector(yunet).detect(load_image(photo_file(name)))) == people


@pytest.mark.parametrize(("expression", "person"), [("happy", 0), ("happy", 2), ("angry", 1), ("surprise", 2)])
def test_drawn_faces_are_found_and_read(recognizer: EmotionRecognizer, expression: str, person: int) -> None:
    [face] = recognizer.analyze(drawn_face(expression, person=APPEARANCES[person])).predictions
    assert face.emotion == expression


def test_a_drawn_group(yunet: bytes, recognizer: EmotionRecognizer) -> None:
    group = np.asarray(drawn_group())
    faces = recognizer.classify(group, YuNetDetector(yunet).detect(group)).predictions
    assert sorted(face.emotion for face in faces) == ["angry", "happy", "surprise"]
    with pytest.raises(ValueError, match="happy, surprise"):
        drawn_face("bored")


def test_two_models_on_one_photo(tiny_bundle: Bundle, recognizer: EmotionRecognizer, astronaut: RGB) -> None:
    """A custom model besides the embedded ones: listed, chosen, compared, with either detector."""
    own = EmotionRecognizer(Classifier.from_bundle(tiny_bundle), recognizer.detector, tiny_bundle.origin)
    catalogue = Catalogue(own)
    names = [model["name"] for model in catalogue.describe()]
    assert names[0] == tiny_bundle.config.name
    assert recognizer.config.name in names[1:]
    both = answer_photo(catalogue, astronaut, names[0], None, recognizer.config.name)
    assert both.other is not None
    assert (both.result.model, both.other.model) == (names[0], recognizer.config.name)
    assert "The other model" in shown(both)["html"]
    assert catalogue.detectors()[0] == "Haar cascade"
    for wrong in (("nobody", None), (None, "somebody")):
        with pytest.raises(ModelNotFoundError, match="There are: "):
            catalogue.get(*wrong)
