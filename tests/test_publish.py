"""Publishing with the real Hub client to a stand-in Hub, and loading back what was published."""

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
from huggingface_hub import SpaceCard
from PIL import Image

from emotion_core import BundleError, EmotionError, EmotionRecognizer, HubError, ModelNotFoundError
from emotion_core.cli.main import main
from emotion_core.publish import ROOT, model_upload, publish_model, publish_space, space_upload
from emotion_core.recognition.bundle import CARD, EMBEDDED, GRAPH, WEIGHTS
from emotion_core.recognition.bundle_config import CONFIG
from emotion_core.recognition.hub import HubRef
from support.rest_server import encoded
from support.stand_in_hub import TOKEN, Repo, StandInHub
from support.waiting import free_port, is_up, until

# From the client's own LFS upload, through its HTTP library.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning")
SHIPPED = EMBEDDED / "fer2013-resnet50v2"


@pytest.fixture
def logged_in(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> StandInHub:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)  # the stand-in does not support Xet
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    return hub


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A bundle's folder with a fake graph: publishing only uploads it."""
    folder = tmp_path / "small"
    folder.mkdir()
    config = json.loads((SHIPPED / CONFIG).read_text())
    (folder / CONFIG).write_text(json.dumps({**config, "name": "small", "files": {}}))
    (folder / CARD).write_text((SHIPPED / CARD).read_text().replace(SHIPPED.name, "small"))
    (folder / GRAPH).write_bytes(bytes(range(256)) * 200)
    return folder


def test_a_published_model_is_pinned_and_loads_back(
    logged_in: StandInHub, tmp_path: Path, montage: np.ndarray, recognizer: EmotionRecognizer
) -> None:
    pin_file = tmp_path / "pin.json"
    pin = publish_model(model_upload(SHIPPED, "we/fer"), private=True, pin_file=pin_file)
    repo = logged_in.repos["we/fer"]
    assert set(repo.files) == {CONFIG, CARD, GRAPH, WEIGHTS}
    assert repo.files[GRAPH] == (SHIPPED / GRAPH).read_bytes()
    assert '"visibility": "private"' in repo.requests[0]
    assert HubRef.from_pin(pin_file) == pin
    assert pin.revision == repo.commit
    assert pin.sha256[GRAPH] == hashlib.sha256(repo.files[GRAPH]).hexdigest()

    with pytest.MonkeyPatch.context() as elsewhere:  # as on a Space, where nothing is embedded
        elsewhere.setattr("emotion_core.recognition.bundle.EMBEDDED", tmp_path / "nothing")
        loaded = EmotionRecognizer.load(detector="haar", pin_file=pin_file)
    assert loaded.origin == f"we/fer@{repo.commit[:12]}"
    assert loaded.analyze(montage).predictions == recognizer.analyze(montage).predictions


def test_publishing_again_moves_the_pin(logged_in: StandInHub, small: Path, tmp_path: Path) -> None:
    upload = model_upload(small, "we/small")
    first = publish_model(upload, pin_file=tmp_path / "pin.json")
    logged_in.repos["we/small"].files["notes.txt"] = b"theirs"
    second = publish_model(upload, pin_file=tmp_path / "pin.json")
    assert first.sha256 == second.sha256
    assert HubRef.from_pin(tmp_path / "pin.json") == second
    assert "notes.txt" in logged_in.repos["we/small"].files


def test_a_space_has_the_app_and_preloads_the_model(logged_in: StandInHub, tmp_path: Path) -> None:
    pin = publish_model(model_upload(SHIPPED, "we/fer"), pin_file=tmp_path / "pin.json")
    logged_in.repos["spaces/we/app"] = Repo(
        {"emotion_core/old.py": b"", "emotion_core/cli/main.py": b"", "mine.txt": b""}
    )
    with space_upload("we/app", pin_file=tmp_path / "pin.json") as upload:
        folder = upload.folder
        publish_space(upload)
    assert not folder.exists()
    files = logged_in.repos["spaces/we/app"].files
    wanted = {"app.py", "README.md", "requirements.txt", "emotion_core/page/page.css", "emotion_core/rest/docs.html"}
    assert wanted <= set(files)
    assert "emotion_core/old.py" not in files
    assert "mine.txt" in files
    assert files["emotion_core/cli/main.py"] == (ROOT / "emotion_core/cli/main.py").read_bytes()
    rooms = {name.split("/")[1] for name in files if name.count("/") > 1}
    assert not rooms & {"bundles", "datasets", "training", "reports", "bulk"}
    assert not [name for name in files if "pycache" in name]
    assert logged_in.repos["spaces/we/app"].variables == {"EMOTION_TRUSTED_PROXIES": "1"}
    assert max(map(len, files.values())) < 100_000
    assert b"tensorflow" not in files["requirements.txt"]
    assert json.loads(files["emotion_core/pin.json"]) == {
        "repo_id": "we/fer", "revision": pin.revision, "sha256": dict(pin.sha256)
    }  # fmt: skip
    card = SpaceCard(files["README.md"].decode())
    ours = SpaceCard((ROOT / "README.md").read_text())
    assert card.data["models"] == ["we/fer", "opencv/face_detection_yunet"]
    assert card.data["preload_from_hub"] == [
        f"we/fer config.json,model.tflite {pin.revision}",
        *ours.data["preload_from_hub"],
    ]
    for entry in ("sdk", "sdk_version", "python_version", "app_file", "title"):
        assert card.data[entry] == ours.data[entry]
    assert card.text == ours.text


def test_a_space_gets_what_is_listed_and_no_more(logged_in: StandInHub, tmp_path: Path) -> None:
    """Notes, keys and pictures in the folder are not uploaded, and the owner's own setting is not changed."""
    publish_model(model_upload(SHIPPED, "we/fer"), pin_file=tmp_path / "pin.json")
    logged_in.repos["spaces/we/app"] = Repo({}, variables={"EMOTION_TRUSTED_PROXIES": "2"})
    stray = ROOT / "emotion_core" / "page" / "untracked-notes.html"
    stray.write_text("a secret")
    try:
        with space_upload("we/app", pin_file=tmp_path / "pin.json") as upload:
            publish_space(upload)
    finally:
        stray.unlink()
    repo = logged_in.repos["spaces/we/app"]
    assert not [name for name in repo.files if "untracked" in name]
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    assert set(repo.files) <= {*listed.stdout.splitlines(), "emotion_core/pin.json"}
    assert repo.variables == {"EMOTION_TRUSTED_PROXIES": "2"}


def test_a_space_may_bring_what_browsers_need(
    logged_in: StandInHub, small: Path, browser_runtime_folder: Path, tmp_path: Path
) -> None:
    publish_model(model_upload(small, "we/small"), pin_file=tmp_path / "pin.json")
    logged_in.repos["spaces/we/app"] = Repo({"browser-runtime/old.wasm": b""})
    with space_upload("we/app", pin_file=tmp_path / "pin.json", browser_runtime=browser_runtime_folder) as upload:
        publish_space(upload)
    sent = {name for name in logged_in.repos["spaces/we/app"].files if name.startswith("browser-runtime/")}
    assert sent == {f"browser-runtime/{path.name}" for path in browser_runtime_folder.iterdir()}
    # Plus the smallest network, for the browser's first answer.
    files = logged_in.repos["spaces/we/app"].files
    bundles = {name.split("/")[2] for name in files if name.startswith("emotion_core/bundles/")}
    assert bundles == {"fer2013-custom-cnn"}
    assert not [name for name in files if name.endswith(".h5")]
    with pytest.raises(SystemExit):
        main(["publish", "space", "we/app", "--browser-runtime"])
    assert main(["publish", "space", "we/app", "--browser-runtime", str(tmp_path), "--dry-run"]) == 1


def test_the_space_starts_and_answers(logged_in: StandInHub, tmp_path: Path, montage: np.ndarray) -> None:
    """With only the uploaded files, in a process with a Space's environment."""
    publish_model(model_upload(SHIPPED, "we/fer"), pin_file=tmp_path / "pin.json")
    port = free_port()
    space = {"SYSTEM": "spaces", "SPACE_ID": "we/app", "GRADIO_NUM_PORTS": "1", "GRADIO_SERVER_PORT": str(port)}
    ours = {"HF_HOME": str(tmp_path / "home"), "EMOTION_DETECTOR": "haar", "PYTHONDONTWRITEBYTECODE": "1"}
    with space_upload("we/app", pin_file=tmp_path / "pin.json") as upload, (tmp_path / "log").open("w") as log:
        command = [sys.executable, "app.py"]
        environment = {**os.environ, **space, **ours}
        process = subprocess.Popen(command, cwd=upload.folder, env=environment, stdout=log, stderr=log)
        try:
            until(lambda: is_up(f"http://127.0.0.1:{port}/healthz"), 300, process)
            url = f"http://127.0.0.1:{port}/api/v1"
            [model] = httpx.get(f"{url}/models").json()["models"]
            answer = httpx.post(f"{url}/analyze", files={"image": encoded(Image.fromarray(montage), "PNG")}, timeout=20)
        finally:
            process.terminate()
            process.wait(20)
    assert model["origin"].startswith("we/fer@")
    assert len(answer.json()["results"][0]["faces"]) == 3
    assert f"http://0.0.0.0:{port}" in (tmp_path / "log").read_text()
    assert not [line for line in logged_in.repos["we/fer"].requests if WEIGHTS in line]  # not needed to serve


def test_a_space_with_a_model_that_is_on_the_hub(logged_in: StandInHub, small: Path, tmp_path: Path) -> None:
    content = {path.name: path.read_bytes() for path in small.iterdir() if path.is_file()}
    repo = logged_in.repos["some/model"] = Repo(content)
    with space_upload("we/app", "some/model", pin_file=tmp_path / "none.json") as upload:
        pin = HubRef.from_pin(upload.folder / "emotion_core/pin.json")
    assert pin is not None
    assert (pin.repo_id, pin.revision) == ("some/model", repo.commit)
    assert set(pin.sha256) == {CONFIG, GRAPH}
    with pytest.raises(ModelNotFoundError, match="no repository"), space_upload("we/app", "some/other"):
        pass


def test_a_dry_run_lists_and_writes_nothing(
    hub: StandInHub, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)
    before = sorted(path for path in (ROOT / "emotion_core").rglob("*.json"))
    assert main(["publish", "model", str(SHIPPED), "we/fer", "--dry-run"]) == 0
    listed = capsys.readouterr().out
    assert f"{(SHIPPED / GRAPH).stat().st_size:,}  model.tflite" in listed
    assert "4 files for the model we/fer" in listed
    hub.repos["some/model"] = Repo({path.name: path.read_bytes() for path in SHIPPED.iterdir()})
    assert main(["publish", "space", "we/app", "--model", "some/model", "--dry-run"]) == 0
    assert "for the space we/app" in capsys.readouterr().out
    assert set(hub.repos) == {"some/model"}
    assert sorted(path for path in (ROOT / "emotion_core").rglob("*.json")) == before


class TestRefusals:
    def test_not_logged_in(self, hub: StandInHub, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("HF_TOKEN", raising=False)
        with pytest.raises(HubError, match="hf auth login"):
            publish_model(model_upload(small, "we/small"), pin_file=tmp_path / "pin.json")
        assert hub.repos == {}

    def test_a_wrong_token_and_another_owner(
        self, logged_in: StandInHub, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with pytest.raises(HubError, match="may not write for them"):
            publish_model(model_upload(small, "them/small"), pin_file=tmp_path / "pin.json")
        monkeypatch.setenv("HF_TOKEN", "hf_old")
        with pytest.raises(HubError, match="not valid"):
            publish_model(model_upload(small, "we/small"), pin_file=tmp_path / "pin.json")
        assert logged_in.repos == {}
        assert not (tmp_path / "pin.json").exists()

    def test_a_hub_that_is_not_there(self, small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HF_TOKEN", TOKEN)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")
        with pytest.raises(HubError, match=r"could not be uploaded \(ConnectError\)"):
            publish_model(model_upload(small, "we/small"), pin_file=tmp_path / "pin.json")

    def test_what_is_not_ready(self, small: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(ModelNotFoundError, match="OWNER/NAME"):
            model_upload(small, "just-a-name")
        with pytest.raises(BundleError, match="not a model bundle"):
            model_upload(tmp_path, "we/small")
        config = json.loads((small / CONFIG).read_text())
        (tmp_path / CONFIG).write_text(json.dumps({**config, "files": {}}))
        (tmp_path / GRAPH).write_bytes((small / GRAPH).read_bytes())
        with pytest.raises(BundleError, match="published with its card"):
            model_upload(tmp_path, "we/small")
        (tmp_path / CARD).write_text("# A card\n")
        with pytest.raises(BundleError, match="no model-index"):
            model_upload(tmp_path, "we/small")
        unpinned = space_upload("we/app", pin_file=tmp_path / "none.json")
        with pytest.raises(ModelNotFoundError, match="publish model BUNDLE"), unpinned:
            pass
        with pytest.raises(EmotionError, match="clone"), space_upload("we/app", root=tmp_path):
            pass
        assert main(["publish", "model", str(tmp_path / "absent"), "we/x"]) == 1
        assert capsys.readouterr().err.startswith("Error: 'absent' has no config.json")
