"""Which model answers, using the real Hub client against a Hub that works, lies, stalls or is gone."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from emotion_core import Bundle, BundleError, EmotionRecognizer, HashMismatchError, HubError, ModelNotFoundError
from emotion_core.recognition import resolve as resolving
from emotion_core.recognition.bundle import GRAPH, WEIGHTS, embedded
from emotion_core.recognition.bundle_config import CONFIG
from emotion_core.recognition.classifier import Classifier
from emotion_core.recognition.hub import HubRef
from emotion_core.recognition.once import Once
from emotion_core.recognition.resolve import resolve_bundle
from support.hub_models import answers, fetched, pin, published
from support.stand_in_hub import Repo, StandInHub

#: Maximum wait in seconds: no answer waits for the Hub.
LIMIT = 1.0
SERVED = (CONFIG, GRAPH)


def test_without_a_pin_the_embedded_bundle_answers(tmp_path: Path) -> None:
    found = resolve_bundle(pin_file=tmp_path / "none.json")
    assert found.notice == ""
    assert "embedded" in found.bundle.origin


def test_pinned_repository_then_its_cache(hub: StandInHub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    repo = hub.repos["we/model"] = published(tiny_bundle)
    pinned = pin(tmp_path, "we/model", repo)
    found = fetched(pinned)
    assert found.notice == ""
    assert found.bundle.origin == f"we/model@{repo.commit[:12]}"
    assert answers(found.bundle)
    assert not any(WEIGHTS in request for request in repo.requests)  # not needed to serve
    repo.requests.clear()
    assert resolve_bundle(pin_file=pinned).bundle.origin == found.bundle.origin
    assert repo.requests == []
    hub.repos.clear()  # gone for good: the cache is enough
    assert answers(resolve_bundle(pin_file=pinned).bundle)


@pytest.mark.parametrize("fault", ["gated", "broken", "slow", "dies"])
def test_a_failing_hub_leads_to_the_embedded_bundle(
    hub: StandInHub, tiny_bundle: Bundle, tmp_path: Path, fault: str
) -> None:
    repo = hub.repos["we/model"] = published(tiny_bundle, fault)
    begun = time.monotonic()
    found = resolve_bundle(pin_file=pin(tmp_path, "we/model", repo))
    assert time.monotonic() - begun < LIMIT
    assert "embedded" in found.bundle.origin
    assert found.notice.startswith("Using the embedded model")


def test_absent_repository_revision_and_file(hub: StandInHub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    repo = published(tiny_bundle)
    assert "no repository" in fetched(pin(tmp_path, "we/nobodys", repo)).notice
    hub.repos["we/other"] = Repo(repo.files, commit="d" * 40)
    assert "no revision" in fetched(pin(tmp_path, "we/other", repo)).notice
    hub.repos["we/partial"] = Repo({CONFIG: repo.files[CONFIG]})
    assert "no file" in fetched(pin(tmp_path, "we/partial", repo)).notice


def test_a_wrong_file_is_never_used(hub: StandInHub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    repo = published(tiny_bundle)
    pinned = pin(tmp_path, "we/model", repo)
    repo.files[GRAPH] = bytes(reversed(repo.files[GRAPH]))  # of the same length, so only the hash reveals it
    hub.repos["we/model"] = repo
    found = fetched(pinned)
    assert "embedded" in found.bundle.origin
    assert "SHA-256" in found.notice
    with pytest.raises(HashMismatchError):
        resolve_bundle("we/model")


def test_a_corrupted_cache_is_fetched_again(hub: StandInHub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    repo = hub.repos["we/model"] = published(tiny_bundle)
    pinned = pin(tmp_path, "we/model", repo)
    cached = fetched(pinned).bundle.folder / GRAPH
    assert cached.is_relative_to(tmp_path)
    cached.resolve().write_bytes(b"x" * len(repo.files[GRAPH]))
    found = fetched(pinned)
    assert found.notice == ""
    assert answers(found.bundle)


def test_a_pin_of_the_embedded_files_needs_no_download(hub: StandInHub, tmp_path: Path) -> None:
    local = embedded()
    assert local is not None
    found = resolve_bundle(pin_file=pin(tmp_path, "we/model", published(local)))
    assert found.bundle.folder == local.folder
    assert hub.repos == {}


def test_offline(hub: StandInHub, tiny_bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = hub.repos["we/model"] = published(tiny_bundle)
    pinned = pin(tmp_path, "we/model", repo)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert "cannot be reached" in fetched(pinned).notice
    with pytest.raises(HubError):
        resolve_bundle("we/model")
    assert repo.requests == []


def test_named_by_folder_and_by_repository(hub: StandInHub, tiny_bundle: Bundle) -> None:
    assert resolve_bundle(tiny_bundle.folder).bundle.folder == tiny_bundle.folder
    repo = hub.repos["some.one/their-model"] = published(tiny_bundle)
    assert answers(resolve_bundle("some.one/their-model").bundle)
    assert answers(resolve_bundle(f"some.one/their-model@{repo.commit}").bundle)
    assert resolve_bundle("fer2013-resnet50v2").bundle.config.arch == "resnet50v2"


def test_what_was_named_is_never_replaced(hub: StandInHub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    hub.repos["gated/model"] = published(tiny_bundle, "gated")
    hub.repos["we/model"] = published(tiny_bundle)
    with pytest.raises(HubError, match=r"gated.*HF_TOKEN"):
        resolve_bundle("gated/model")
    with pytest.raises(ModelNotFoundError, match="no repository"):
        resolve_bundle("no/such")
    with pytest.raises(ModelNotFoundError, match="no revision"):
        resolve_bundle("we/model@v9")
    with pytest.raises(ModelNotFoundError, match="owner/repo"):
        resolve_bundle("what is this?")
    with pytest.raises(FileNotFoundError):
        resolve_bundle("../nowhere/at/all")
    with pytest.raises(BundleError, match=CONFIG):
        resolve_bundle(tmp_path)


def test_environment_names_the_model(
    tiny_bundle: Bundle, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTION_MODEL", str(tiny_bundle.folder))
    monkeypatch.setenv("EMOTION_DETECTOR", "haar")
    assert EmotionRecognizer.load().analyze(astronaut).model == tiny_bundle.config.name


def test_keras_weights_alone_are_served(hub: StandInHub, tiny_bundle: Bundle, tmp_path: Path) -> None:
    whole = published(tiny_bundle)
    config = json.loads(whole.files[CONFIG])
    hub.repos["we/weights"] = Repo({CONFIG: whole.files[CONFIG], WEIGHTS: whole.files[WEIGHTS]})
    slow = Classifier.from_bundle(resolve_bundle("we/weights").bundle)
    with pytest.MonkeyPatch.context() as offline:
        offline.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        assert answers(resolve_bundle("we/weights").bundle)
    crops = np.random.default_rng(0).integers(0, 256, (3, 48, 48, 1), dtype=np.uint8)
    fast = Classifier.from_bundle(tiny_bundle)
    assert np.abs(slow.probabilities(crops) - fast.probabilities(crops)).max() < 0.05

    from emotion_core.recognition.keras_network import load_network

    folder = tmp_path / "whole-model"
    folder.mkdir()
    load_network(tiny_bundle, WEIGHTS).save(folder / "model.keras")
    del config["files"]
    (folder / CONFIG).write_text(json.dumps(config))
    kept = Classifier.from_bundle(resolve_bundle(folder).bundle)
    assert np.allclose(kept.probabilities(crops), slow.probabilities(crops), atol=1e-5)


def test_a_model_file_that_carries_code_is_refused(tiny_bundle: Bundle, tmp_path: Path) -> None:
    import keras

    ran = tmp_path / "ran"
    crop = keras.Input((48, 48, 1), dtype="uint8")
    path = str(ran)
    harm = keras.layers.Lambda(lambda x: (open(path, "w"), x)[1], output_shape=(48, 48, 1))  # noqa: PTH123, SIM115
    flat = keras.layers.Flatten()(keras.layers.Rescaling(1.0)(crop))
    model = keras.Model(
        crop, keras.layers.Dense(7)(keras.layers.Flatten()(harm(keras.layers.Reshape((48, 48, 1))(flat))))
    )
    model.save(tmp_path / "model.keras")
    ran.unlink(missing_ok=True)
    config = json.loads((tiny_bundle.folder / CONFIG).read_text())
    del config["files"]
    (tmp_path / CONFIG).write_text(json.dumps(config))
    with pytest.raises(BundleError, match="safely"):
        Classifier.from_bundle(resolve_bundle(tmp_path).bundle)
    assert not ran.exists()


def test_one_model_that_loads_slowly_keeps_nobody_from_another() -> None:
    """Values are not made under a lock, callers share one value, and a failure is not cached."""
    values, go, made = Once[int](), threading.Event(), []

    def slow() -> int:
        made.append(1)
        assert go.wait(10)
        return 1

    threads = [threading.Thread(target=values.get, args=("slow", slow)) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert values.get("other", lambda: 2) == 2
    go.set()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    with pytest.raises(ZeroDivisionError):
        values.get("failed", lambda: 1 // 0)
    assert values.get("failed", lambda: 3) == 3


def test_a_broken_pin_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "pin.json"
    for text in ("{", "[]", '{"repo_id": "a/b", "revision": "main", "sha256": {"x": "y"}}'):
        path.write_text(text)
        with pytest.raises(BundleError, match="pin file"):
            resolve_bundle(pin_file=path)


def test_no_host_at_all(tmp_path: Path, astronaut: np.ndarray) -> None:
    """In its own process, with a port where nothing listens: the answer still comes."""
    from PIL import Image

    Image.fromarray(astronaut).save(tmp_path / "a.png")
    environment = {**os.environ, "HF_ENDPOINT": "http://127.0.0.1:9", "HF_HOME": str(tmp_path / "home")}
    command = [sys.executable, "-m", "emotion_core", "image", str(tmp_path / "a.png"), "--json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    [report] = json.loads(done.stdout)
    assert report["detector"] == "libfacedetection"
    assert len(report["faces"]) == 1
    assert "Retry" not in done.stderr


def test_the_reference_forms() -> None:
    assert HubRef.parse("owner/repo@refs/pr/1") == HubRef("owner/repo", "refs/pr/1")
    for text in ("repo", "/etc/passwd", "../up/and", "a/b/c", "", "https://host/a/b"):
        assert HubRef.parse(text) is None
    assert resolving.PIN.name == "pin.json"
