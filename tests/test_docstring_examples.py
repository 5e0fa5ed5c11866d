"""The examples in docstrings run, and give the output shown."""

import doctest
import importlib
from pathlib import Path

import pytest
from PIL import Image

from emotion_core.images import RGB
from support.clips import encode

PACKAGE = Path(__file__).parents[1] / "emotion_core"
MODULES = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
    for path in PACKAGE.rglob("*.py")
    if ">>> " in path.read_text()
)


def test_the_public_names_that_do_something_have_examples() -> None:
    assert len(MODULES) >= 7


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str, astronaut: RGB, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder with a photo and a clip, as the examples assume."""
    Image.fromarray(astronaut).save(tmp_path / "photo.jpg", quality=95)
    if "video" in name:
        encode(tmp_path / "clip.mp4", [astronaut] * 15)
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(name), report=True)
    assert result.attempted > 0
    assert result.failed == 0
