"""Both truths, corrupted faces, labelled photos and calibration for people, against cases worked out by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data as pictures

from emotion_core import Bundle, DataError
from emotion_core.datasets.faces import FaceData
from emotion_core.labels import FER2013, FERPLUS
from emotion_core.recognition.bundle_config import Calibration, UncertainRule
from emotion_core.recognition.classifier import Classifier, softmax
from emotion_core.recognition.recognizer import EmotionRecognizer
from emotion_core.recognition.resolve import resolve_detector
from emotion_core.training.calibration import AGREEMENT, choose_uncertain, coverage, fit_calibration, for_people
from emotion_core.training.corruptions import CORRUPTIONS
from emotion_core.training.photos import read_photos
from emotion_core.training.two_truths import corruption_table, gap, majority_on, subsets_of, two_truths, votes_on

CONFIDENT = 0.9


def voted(rows: list[dict[str, float]], emotion: list[int]) -> FaceData:
    votes = np.zeros((len(rows), 8), np.float32)
    for row, shares in zip(votes, rows, strict=True):
        for name, share in shares.items():
            row[FERPLUS.index(name)] = share
    faces = np.random.default_rng(0).integers(0, 256, (len(rows), 48, 48, 1), dtype=np.uint8)
    return FaceData(faces, np.array(emotion), np.array(["public"] * len(rows)), votes=votes)


#: All labelled happy; the voters say happy, sad, no majority, contempt.
FOUR = voted(
    [{"happy": 0.9, "sad": 0.1}, {"sad": 0.6, "happy": 0.4}, {"happy": 0.5, "sad": 0.5}, {"contempt": 1}], [3, 3, 3, 3]
)


def test_label_and_majority_are_told_apart() -> None:
    assert majority_on(FOUR, FER2013).tolist() == [3, 4, -1, -1]
    assert majority_on(FOUR, FERPLUS).tolist() == [FERPLUS.index("happy"), FERPLUS.index("sad"), -1, 7]
    unsure = replace(FOUR, named=np.array([1, 0.8, 1, 1], np.float32))
    assert majority_on(unsure, FER2013).tolist() == [3, -1, -1, -1], "ballots for no expression count, too"
    assert votes_on(FOUR, FER2013)[3].sum() == 0
    happy = np.full((4, 7), (1 - CONFIDENT) / 6)
    happy[:, 3] = CONFIDENT
    found = two_truths(happy, FOUR, FER2013)
    assert found["label"]["accuracy"] == 1
    assert (found["majority"]["accuracy"], found["majority"]["faces"]) == (0.5, 2)
    # Three faces have votes; shares of 0.9, 0.4 and 0.5 are for happy, which the network gives 0.9.
    assert found["ece_of_votes"] == pytest.approx(0.9 - 0.6, abs=1e-5)
    low = -np.log((1 - CONFIDENT) / 6)
    share = 0.6
    assert found["nll_of_votes"] == pytest.approx(share * -np.log(CONFIDENT) + (1 - share) * low, abs=1e-4)


def test_the_gap_to_what_was_reached() -> None:
    assert gap(np.array([0.9, 0.9]), np.array([1.0, 0.8])) == pytest.approx(0)
    assert gap(np.array([0.9, 0.1]), np.array([0.5, 0.5])) == pytest.approx(0.4)


def test_subsets_are_rows_of_the_whole_data() -> None:
    happy = np.eye(7)[[3]]
    found = subsets_of(lambda faces: happy.repeat(len(faces), axis=0), FOUR, {"turned": np.array([0, 1])})
    assert found["turned"]["faces"] == 2
    assert found["turned"]["majority"]["accuracy"] == 0.5


def test_every_corruption_changes_a_face_and_keeps_its_shape() -> None:
    face = Image.fromarray(pictures.astronaut()).convert("L").crop((170, 60, 270, 160)).resize((48, 48))
    faces = np.asarray(face, np.uint8)[None, ..., None]
    for name, change in CORRUPTIONS.items():
        spoilt = change(faces)
        assert spoilt.shape == faces.shape, name
        assert spoilt.dtype == np.uint8, name
        assert np.abs(spoilt.astype(int) - faces).mean() > 1, name
        assert np.array_equal(change(faces), spoilt), f"{name}: the same each time"
    dark = CORRUPTIONS["dark, a quarter of the light"](faces)
    assert abs(dark.mean() - faces.mean() / 4) < 1


def test_the_table_of_corruptions_has_a_mean() -> None:
    table = corruption_table(lambda faces: np.eye(7)[[3]].repeat(len(faces), axis=0), FOUR, FER2013)
    assert set(table["rows"]) == set(CORRUPTIONS)
    assert table["mean"] == {"label": 1.0, "majority": 0.5}


def test_half_of_the_voters_bias_serves() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 7)).astype(np.float32)
    votes = softmax(logits, 1.0, [0.6, 0, 0, 0, 0, 0, -0.6])
    whole = np.array(fit_calibration(logits, votes).bias)
    assert whole[0] - whole[6] == pytest.approx(1.2, abs=0.05)
    assert np.allclose(for_people(logits, votes).bias, whole / 2, atol=1e-3)
    best = for_people(logits, votes, lambda one: -abs(one.bias[0] - one.bias[6] - 0.9))
    assert np.allclose(best.bias, 0.75 * whole, atol=1e-3)


def test_the_class_shares_of_the_voters_can_be_taken_off() -> None:
    rng = np.random.default_rng(0)
    votes = np.zeros((4000, 7))
    votes[np.arange(4000), rng.choice(7, 4000, p=[0.02, 0.02, 0.02, 0.04, 0.1, 0.2, 0.6])] = 1
    logits = (2 * votes + rng.normal(size=votes.shape)).astype(np.float32)
    answers = []

    def score(one: Calibration) -> float:
        answers.append(one)
        return -float((softmax(logits, one.temperature, one.bias).argmax(axis=1) == 6).mean())  # few are neutral

    assert for_people(logits, votes, score) == answers[-1]
    rare, bias = np.log(0.03), np.array(answers[-1].bias)
    assert bias[6] < min(bias[:6])
    assert bias[0] == bias[1] == pytest.approx(bias[6] + 0.3 * (np.log(votes[:, 6].mean()) - rare), abs=1e-3)


def test_the_rule_for_uncertain_faces_keeps_its_word() -> None:
    rng = np.random.default_rng(0)
    sure = rng.uniform(0.2, 1, 3000)
    probabilities = np.stack([sure, *[(1 - sure) / 6] * 6], axis=1)
    majority = np.where(rng.random(3000) < sure, probabilities.argmax(axis=1), 6)
    majority[::5] = -1
    rule = choose_uncertain(probabilities, majority)
    seen = coverage(probabilities, majority, rule)
    assert seen["agreement_unmarked"] >= AGREEMENT
    weaker = UncertainRule(min_confidence=round(rule.min_confidence - 0.02, 2), min_margin=0.0)
    assert coverage(probabilities, majority, weaker)["agreement_unmarked"] < AGREEMENT
    assert coverage(probabilities, majority, UncertainRule(min_confidence=0, min_margin=0))["marked"] == 0


def test_photos_without_a_face_count_as_wrong(tiny_bundle: Bundle, tmp_path: Path) -> None:
    detector, _ = resolve_detector("haar")
    recognizer = EmotionRecognizer(Classifier.from_bundle(tiny_bundle), detector)
    for label in ("happy", "sad"):
        (tmp_path / label).mkdir()
    Image.fromarray(pictures.astronaut()).save(tmp_path / "happy" / "astronaut.png")
    Image.new("RGB", (64, 64)).save(tmp_path / "sad" / "nobody.png")
    (tmp_path / "sad" / "broken.jpg").write_bytes(b"no picture")
    photos = read_photos(tmp_path, recognizer)
    assert photos.crops.shape == (1, 48, 48, 1)
    figures = photos.score(lambda crops: np.eye(7)[[3]].repeat(len(crops), axis=0))
    assert (figures["photos"], figures["missed"]) == (3, 2)
    assert figures["accuracy"] == pytest.approx(1 / 3, abs=1e-5)
    assert figures["recall"] == {"happy": 1.0, "sad": 0.0}
    (tmp_path / "labels.csv").write_text("path,label\nhappy/astronaut.png,Happy\nhappy/astronaut.png,bored\n")
    assert len(read_photos(tmp_path, recognizer).truth) == 1
    (tmp_path / "labels.csv").write_text("file,label\na.png,happy\n")
    with pytest.raises(DataError, match="path and label"):
        read_photos(tmp_path, recognizer)
    with pytest.raises(DataError, match="No folder"):
        read_photos(tmp_path / "elsewhere", recognizer)
