"""Shared by the bulk tests: a folder with a bit of everything."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from emotion_core.images import RGB
from support import clips
from support.stores import BUCKET, s3


@pytest.fixture
def mixed(tmp_path: Path, astronaut: RGB, montage: RGB) -> Path:
    """A folder with pictures of one, three and no faces, a clip, a broken picture, a broken clip and a note."""
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


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    """The address of a bucket of S3, with the environment that leads there."""
    with s3() as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield f"s3://{BUCKET}"
