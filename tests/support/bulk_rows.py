"""What bulk work is compared with: files of every kind, and rows as they were written."""

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from emotion_core import EmotionRecognizer
from emotion_core.images import RGB
from support import clips


@pytest.fixture
def mixed(tmp_path: Path, astronaut: RGB, montage: RGB) -> Path:
    """A folder of pictures of one, three and no faces, a clip, a broken picture, a broken clip and a note."""
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    Image.fromarray(astronaut).save(folder / "deep" / "one.png")
    Image.fromarray(montage).save(folder / "three.png")
    Image.new("RGB", (100, 80), "gray").save(folder / "none.png")
    (folder / "broken.jpg").write_bytes(b"nothing")
    (folder / "broken.mp4").write_bytes(b"nothing")
    (folder / "note.txt").write_text("passed over")
    paths = {1: clips.across(20, 90)}
    clips.encode(folder / "walk.mp4", [clips.scene(paths, index / 25)[0] for index in range(25)])
    return folder


def rows_of(recognizer: EmotionRecognizer, path: Path) -> list[dict[str, Any]]:
    """What a picture's rows should be, from the recognizer's own answer."""
    answer = recognizer.analyze(path).to_dict()
    return [
        {
            "path": str(path),
            "face": number,
            **face["box"],
            **{name: face[name] for name in ("emotion", "confidence", "uncertain", "detection_score")},
            **face["probabilities"],
            "model": answer["model"],
        }
        for number, face in enumerate(answer["faces"], 1)
    ]


def same(row: dict[str, Any], expected: dict[str, Any]) -> bool:
    """Equal, but for the last digit of probabilities, which depends on what else was in the call of the graph."""
    return row.keys() >= expected.keys() and all(
        row[name] == (pytest.approx(value, abs=1e-4) if isinstance(value, float) else value)
        for name, value in expected.items()
    )
