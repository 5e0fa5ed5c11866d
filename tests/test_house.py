"""What holds the house together: versions that agree, short-lived files, one-way imports."""

import importlib.metadata
import re
import time
from pathlib import Path

import pytest

from emotion_core import EmotionError
from emotion_core.serving.temporary import ShortLivedFolder, keep

ROOT = Path(__file__).parents[1]


def test_the_space_runs_the_gradio_that_is_installed() -> None:
    stated = re.search(r"^sdk_version: (\S+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert stated is not None
    assert stated[1].rsplit(".", 1)[0] == importlib.metadata.version("gradio").rsplit(".", 1)[0]


def test_files_live_as_long_as_stated(tmp_path: Path) -> None:
    folder = ShortLivedFolder(0.4, str(tmp_path / "made" / "for it"))
    kept = folder.path / "deep" / "photo.jpg"
    kept.parent.mkdir()
    kept.write_bytes(b"x")
    folder.sweep()
    assert kept.exists()
    time.sleep(0.7)
    assert not kept.exists()


def test_an_upload_can_be_kept(tmp_path: Path) -> None:
    folder = ShortLivedFolder(0.4, str(tmp_path), result_seconds=60)
    upload = folder.path / "clip.mp4"
    upload.write_bytes(b"x")
    with folder.results() as results:
        kept = keep(upload, results)
    time.sleep(0.9)
    assert not upload.exists()
    assert kept.read_bytes() == b"x"
    with pytest.raises(EmotionError, match="Upload it once more"):
        keep(upload, results)


def test_the_page_holds_no_image_code() -> None:
    for module in (ROOT / "app.py", *(ROOT / "emotion_core" / "page").glob("*.py")):
        found = re.search(r"^\s*(import|from) (cv2|keras|tensorflow|numpy)", module.read_text(), re.MULTILINE)
        assert found is None, module


def test_serving_modules_do_not_name_training_libraries_at_import() -> None:
    core = ROOT / "emotion_core"
    for module in (*core.glob("*.py"), *(core / "page").glob("*.py")):
        found = re.search(
            r"^(import|from) (keras|tensorflow|sklearn|scipy|\.training)", module.read_text(), re.MULTILINE
        )
        assert found is None, module


def test_only_bulk_names_ray_and_pyarrow() -> None:
    core = ROOT / "emotion_core"
    modules = [path for path in core.rglob("*.py") if path.parent.name != "bulk"]
    assert len(modules) > 50
    for module in modules:
        found = re.search(r"^\s*(import|from) (ray|pyarrow)", module.read_text(), re.MULTILINE)
        assert found is None, module
