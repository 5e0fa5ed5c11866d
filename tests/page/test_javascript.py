"""The page's JavaScript without a browser: it computes the same numbers as the core."""

import base64
import itertools
import json
import math
import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from emotion_core.images import RGB
from emotion_core.recognition.boxes import Rows, merged, sound
from emotion_core.recognition.bundle_config import UncertainRule
from emotion_core.recognition.classifier import is_uncertain, softmax
from emotion_core.recognition.detectors import crop
from emotion_core.recognition.doubt import doubts
from emotion_core.recognition.levelling import tilt
from emotion_core.recognition.pyramid import scales
from emotion_core.results import Box, BoxDict, Face, Prediction
from emotion_core.tracking.assignment import assign
from emotion_core.tracking.recent import RollingHistory
from emotion_core.tracking.smoother import ProbabilitySmoother
from emotion_core.tracking.stream import TrackedFace, TrackedFrame
from emotion_core.tracking.tracker import FaceTracker

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "emotion_core" / "page" / "browser").glob("*.js"))
LABELS = ("happy", "sad", "neutral")
#: How many of the pixels may differ by a gray level: on other processors OpenCV interpolates in other ways.
FEW = 0.0 if platform.machine().lower() in ("x86_64", "amd64") else 0.2
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


def asked(*steps: dict[str, Any]) -> list[Any]:
    """The results of the page's modules for steps of ``reference.js``."""
    command = ["node", str(ROOT / "tests" / "browser" / "reference.js")]
    done = subprocess.run(command, input=json.dumps(steps), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def picture(rgb: RGB) -> dict[str, Any]:
    rgba = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    return {"width": rgb.shape[1], "height": rgb.shape[0], "rgba": base64.b64encode(rgba.tobytes()).decode()}


def pixels(sent: str, *shape: int) -> NDArray[np.uint8]:
    return np.frombuffer(base64.b64decode(sent), np.uint8).reshape(shape)


def few_differ(found: NDArray[np.uint8], expected: NDArray[Any], share: float = 0.0) -> bool:
    """Whether no pixel is further away than a gray level, and not too many are that far."""
    apart = np.abs(found.astype(int) - expected)
    return bool(apart.max() <= 1 and (apart > 0).mean() <= max(FEW, share))


def box(values: Box) -> BoxDict:
    return values.to_dict()


class TestPixels:
    @pytest.mark.parametrize("channels", [1, 3])
    def test_crops(self, astronaut: RGB, channels: int) -> None:
        """Enlarged, halved, at sizes where many sums lie half-way between two gray levels, and beyond the edges."""
        shape, steps, expected = {"height": 48, "width": 48, "channels": channels}, [], []
        squares = [Box(150, 40, side, side) for side in (24, 31, 47, 48, 60, 64, 72, 96, 140, 144, 192, 240)]
        squares += [Box(-60, -80, 333, 333), Box(480, 490, 90, 90)]
        sent = picture(astronaut)
        for square in squares:
            steps.append({"step": "crop", "picture": sent, "square": box(square), "input": shape})
            expected.append(crop(astronaut, square, 48, 48, channels))
        for found, right, square in zip(asked(*steps), expected, squares, strict=True):
            assert few_differ(pixels(found, *right.shape), right), square

    @pytest.mark.parametrize("size", [(480, 360), (320, 240), (384, 288), (112, 84), (511, 300)])
    def test_smaller(self, astronaut: RGB, size: tuple[int, int]) -> None:
        whole = astronaut[:384]
        [sent] = asked({"step": "scaled", "picture": picture(whole), "width": size[0], "height": size[1]})
        expected = cv2.resize(whole, size, interpolation=cv2.INTER_AREA)
        assert few_differ(pixels(sent, size[1], size[0], 4)[:, :, :3], expected)

    def test_larger(self, astronaut: RGB) -> None:
        """Linear for the surroundings of a small face; cubic, with OpenCV's own order of sums, for a small picture."""
        parts = [astronaut[y : y + 224, x : x + 224].copy() for y in (0, 100) for x in (0, 150, 250)]
        steps = [{"step": "scaled", "picture": picture(part), "width": 256, "height": 256} for part in parts]
        steps += [
            {"step": "scaled", "picture": picture(part[:70, :70].copy()), "width": 112, "height": 112, "fine": False}
            for part in parts
        ]
        found = asked(*steps)
        for part, sent in zip(parts, found[6:], strict=True):
            right = cv2.resize(part[:70, :70], (112, 112), interpolation=cv2.INTER_LINEAR)
            assert few_differ(pixels(sent, 112, 112, 4)[:, :, :3], right)
        right = np.stack([cv2.resize(part, (256, 256), interpolation=cv2.INTER_CUBIC) for part in parts])
        cubic = np.stack([pixels(sent, 256, 256, 4)[:, :, :3] for sent in found[:6]])
        assert few_differ(cubic, right, 4e-6)

    def test_gray(self, astronaut: RGB) -> None:
        [sent] = asked({"step": "gray", "picture": picture(astronaut)})
        np.testing.assert_array_equal(pixels(sent, 512, 512), cv2.cvtColor(astronaut, cv2.COLOR_RGB2GRAY))

    def test_rounding(self) -> None:
        values = [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5, 2.4999, -0.2, 7.0]
        assert asked({"step": "whole", "values": values}) == [[round(value) for value in values]]


class TestFaces:
    @pytest.mark.parametrize("angle", [-178.2, -90.0, -35.5, -10.1, -9.9, 12.0, 60.0])
    @pytest.mark.parametrize("channels", [1, 3])
    def test_level_crops(self, astronaut: RGB, angle: float, channels: int) -> None:
        shape, square = {"height": 48, "width": 48, "channels": channels}, Box(171, 57, 125, 125)
        sent = {"picture": picture(astronaut), "square": box(square), "input": shape, "angle": angle}
        [found] = asked({"step": "crop", **sent})
        expected = crop(astronaut, square, 48, 48, channels, angle)
        assert few_differ(pixels(found, 48, 48, channels), expected)

    def test_tilt(self) -> None:
        generator = np.random.default_rng(5)
        points = generator.uniform(0, 100, (60, 10)).astype(np.float32)
        points[0, :4] = 7  # both eyes in the same place
        found = asked(*({"step": "tilt", "points": row.tolist()} for row in points))
        np.testing.assert_allclose(found, [tilt(row) for row in points], atol=0.11)  # rounded to tenths
        assert len({value for value in found if value}) > 10

    @pytest.mark.parametrize("channels", [1, 3])
    def test_doubts(self, astronaut: RGB, channels: int) -> None:
        """Crops of every kind that is doubted, and others, at the network's size and larger."""
        generator, steps, expected = np.random.default_rng(7), [], []
        for side, square in itertools.product((48, 64), (Box(171, 57, 125, 125), Box(200, 300, 90, 90))):
            clean = crop(astronaut, square, side, side, channels)
            for light, blur, score in itertools.product((1.0, 0.2, 0.05), (1, 5, 25), (0.7, 0.9)):
                soft = cv2.GaussianBlur((clean * light).astype(np.uint8), (blur, blur), 0)
                changed = np.asarray(soft, np.uint8).reshape(clean.shape)
                edge = int(generator.integers(10, 40))
                face = Face(Box(0, 0, edge, edge), Box(0, 0, edge + 3, edge + 3), score)
                sent = {"box": box(face.box), "crop": box(face.crop), "score": score}
                shape = {"height": side, "width": side, "channels": channels}
                view = base64.b64encode(changed.tobytes()).decode()
                steps.append({"step": "doubts", "crop": view, "input": shape, "face": sent, "minSide": 20})
                expected.append(list(doubts(changed[None], [face], 20)[0]))
        assert asked(*steps) == expected
        assert {name for row in expected for name in row} == {"small", "dark", "flat", "blurred", "faint"}

    def test_sizes_that_are_searched(self) -> None:
        sides = [1, 48, 256, 320, 321, 399, 400, 640, 799, 1000, 1001, 2000, 2499, 2500, 8000]
        found = asked(*({"step": "scales", "longest": side} for side in sides))
        assert found == [scales(side) for side in sides]

    def test_which_faces_stay(self) -> None:
        generator = np.random.default_rng(6)
        rows = np.zeros((80, 15), np.float32)
        rows[:, :2], rows[:, 2:4] = generator.uniform(-60, 200, (80, 2)), generator.uniform(-5, 90, (80, 2))
        rows[:, 14] = generator.uniform(0.7, 1, 80)
        rows[3, 2] = np.nan
        kept = sound(rows, 150, 180)
        steps = [{"step": "sound", "found": found_of(rows), "width": 180, "height": 150}]
        steps.append({"step": "merged", "found": found_of(kept)})
        sounds, merges = asked(*steps)
        assert [rows[number].tolist() for number in sounds] == kept.tolist()
        assert merges == merged(kept, kept[:, 14]).tolist()
        assert 1 < len(merges) < len(kept) < len(rows)


def found_of(rows: Rows) -> list[dict[str, Any]]:
    """Rows in the page's form, with row numbers in place of points."""
    names = ("x", "y", "width", "height", "score")
    sound_rows = np.nan_to_num(rows, nan=1e30)[:, [0, 1, 2, 3, 14]].tolist()
    return [dict(zip(names, row, strict=True)) | {"points": [number]} for number, row in enumerate(sound_rows)]


class TestAnswers:
    def test_probabilities(self) -> None:
        generator = np.random.default_rng(0)
        steps, expected = [], []
        for temperature, bias in ((1.0, ()), (0.6, (0.1, -0.4, 2.0)), (3.0, ())):
            logits = generator.normal(0, 4, 3)
            steps.append({"step": "softmax", "logits": logits.tolist(), "temperature": temperature, "bias": bias})
            expected.append(softmax(logits[None], temperature, bias)[0])
        np.testing.assert_allclose(asked(*steps), expected, atol=1e-12)

    def test_uncertainty(self) -> None:
        rule = {"minConfidence": 0.4, "minMargin": 0.1}
        rows = [(0.8, 0.1, 0.1), (0.39, 0.31, 0.3), (0.45, 0.36, 0.19), (0.4, 0.3, 0.3), (0.1, 0.42, 0.48)]
        found = asked(*({"step": "uncertain", "probabilities": row, "rule": rule} for row in rows))
        assert found == is_uncertain(np.array(rows), UncertainRule(0.4, 0.1)).tolist()


class TestStreams:
    def test_pairs(self) -> None:
        generator = np.random.default_rng(1)
        tables = [generator.uniform(0, 10, (rows, columns)) for rows in range(1, 6) for columns in range(1, 6)]
        found = asked(*({"step": "assign", "costs": table.tolist(), "limit": 6} for table in tables))
        for table, pairs in zip(tables, found, strict=True):
            assert [tuple(pair) for pair in pairs] == assign(table, 6)

    def test_people_get_the_same_numbers(self, astronaut: RGB) -> None:
        """Three faces that walk, meet, vanish and come back, at an uneven rate."""
        generator = np.random.default_rng(2)
        tracker, frames, expected = FaceTracker(confirm_seconds=0), [], []
        now = 0.0
        for step in range(60):
            now += float(generator.uniform(0.02, 0.2))
            rgb = np.roll(astronaut, step % 5, axis=1)
            places = [(20 + 6 * step, 40, 90), (400 - 6 * step, 60, 80), (200, 300 + round(60 * math.sin(step)), 70)]
            shown = [Box(x, y, side, side + 9) for x, y, side in places if generator.random() > 0.15]
            generator.shuffle(shown)
            boxes = [Box(one.x % 420, one.y, one.width, one.height) for one in shown]
            found = [Prediction(Face(one, one), LABELS, (1.0, 0.0, 0.0)) for one in boxes]
            numbers = {id(prediction): who for who, prediction in tracker.update(now, found, rgb).items()}
            expected.append([numbers[id(prediction)] for prediction in found])
            frames.append({"seconds": now, "boxes": [box(one) for one in boxes], "picture": picture(rgb)})
        assert asked({"step": "track", "frames": frames}) == [expected]
        assert len({number for row in expected for number in row}) >= 3

    def test_smoothing(self) -> None:
        generator = np.random.default_rng(3)
        smoother, frames, expected, now = ProbabilitySmoother(), [], [], 0.0
        for _ in range(40):
            now += float(generator.choice([0.03, 0.1, 0.4, 1.2]))
            raw = {who: generator.dirichlet((1, 1, 1)).tolist() for who in (1, 2) if generator.random() > 0.3}
            frames.append({"seconds": now, "raw": list(raw.items())})
            expected.append(smoother.update(now, raw))
        [found] = asked({"step": "smooth", "frames": frames})
        for row, values in zip(found, expected, strict=True):
            assert [who for who, _ in row] == list(values)
            for (_, one), other in zip(row, values.values(), strict=True):
                np.testing.assert_allclose(one, other, atol=2e-6)

    def test_the_last_half_minute(self) -> None:
        generator = np.random.default_rng(4)
        history, frames, now, face = RollingHistory(), [], 0.0, Face(Box(0, 0, 9, 9), Box(0, 0, 9, 9))
        for number in range(300):
            now += float(generator.choice([0.04, 0.2, 0.6, 3.0], p=[0.5, 0.4, 0.08, 0.02]))
            shares = {who: tuple(generator.dirichlet((1, 1, 1)).tolist()) for who in (1, 2, 100 + number)}
            predictions = {who: Prediction(face, LABELS, values) for who, values in shares.items()}
            tracked = tuple(TrackedFace(who, one, one) for who, one in predictions.items())
            history.add(TrackedFrame(now, 90, 90, tracked))
            faces = [
                {"person": who, "probabilities": dict(zip(LABELS, row, strict=True))} for who, row in shares.items()
            ]
            frames.append({"time_seconds": now, "width": 90, "height": 90, "faces": faces})
        [found] = asked({"step": "history", "labels": LABELS, "frames": frames})
        people = history.people()
        assert [one["person"] for one in found] == [one.person for one in people]
        for one, other in zip(found, people, strict=True):
            assert one["seconds"] == pytest.approx(other.seconds_seen)
            assert [number for number, _ in one["bins"]] == list(other.bins)
            np.testing.assert_allclose([values for _, values in one["bins"]], list(other.bins.values()), atol=1e-9)
