"""What the server gives to browsers: named by hash, compressed, cached forever, and nothing else."""

import base64
import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

import brotli
import pytest
from starlette.testclient import TestClient

from emotion_core import EmotionRecognizer, HashMismatchError, Settings, SettingsError
from emotion_core.page.browser_files import CODE, MANIFEST, WORKER_POLICY, BrowserFiles
from emotion_core.recognition.bundle import EMBEDDED, GRAPH
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.recognition.hub import YUNET
from emotion_core.rest.app import create_api
from emotion_core.serving.browser_runtime import CDN_HOST, CONTENT, FILES
from support.stand_in_hub import Repo


def client_of(recognizer: EmotionRecognizer, setting: str | None) -> TestClient:
    catalogue = Catalogue(recognizer)
    app = create_api(catalogue, Settings(browser_runtime=setting))
    app.router.routes.extend(BrowserFiles(catalogue, setting).routes())
    return TestClient(app)


def handed_out(device: dict[str, Any]) -> list[dict[str, str]]:
    networks = [network["file"] for network in device["networks"]]
    return [*device["runtime"].values(), device["detector"]["file"], *networks]


@pytest.fixture(scope="module")
def client(recognizer: EmotionRecognizer, browser_runtime_folder: Path) -> TestClient:
    return client_of(recognizer, str(browser_runtime_folder))


class TestFolder:
    def test_every_file_has_its_hash(self, client: TestClient) -> None:
        device = client.get("/browser/manifest.json").json()["device"]
        for file in handed_out(device):
            answer = client.get(f"/{file['url']}")
            digest = hashlib.sha256(answer.content)
            assert file["integrity"] == f"sha256-{base64.b64encode(digest.digest()).decode()}"
            assert digest.hexdigest() in file["url"]
            assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
            assert answer.headers["content-security-policy"] == WORKER_POLICY
        served = {
            hashlib.sha256((EMBEDDED / one["name"] / GRAPH).read_bytes()).hexdigest() for one in device["networks"]
        }
        assert served == {one["file"]["url"].split("/")[1] for one in device["networks"]}
        assert device["first"] == "fer2013-custom-cnn"

    def test_what_is_known_is_not_sent_again(self, client: TestClient) -> None:
        first = client.get("/browser/manifest.json")
        again = client.get("/browser/manifest.json", headers={"If-None-Match": first.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        other = client.get("/browser/manifest.json", headers={"If-None-Match": '"other"'})
        assert other.json() == first.json()

    def test_the_manifest_has_its_hash_too(self, recognizer: EmotionRecognizer, browser_runtime_folder: Path) -> None:
        """So the page, which names it, is all that a later visit asks the server for."""
        catalogue = Catalogue(recognizer)
        files = BrowserFiles(catalogue, str(browser_runtime_folder))
        app = create_api(catalogue, Settings(browser_runtime=str(browser_runtime_folder)))
        app.router.routes.extend(files.routes())
        address = files.manifest_address()
        client = TestClient(app)
        answer = client.get(f"/{address}")
        assert answer.json() == client.get(f"/{MANIFEST}").json()
        assert hashlib.sha256(answer.content).hexdigest() in address
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"] == "application/json"
        # The detector of "cdn" may come from the Hub later.
        assert BrowserFiles(catalogue, None).manifest_address() not in (address, MANIFEST)
        assert BrowserFiles(catalogue, "cdn").manifest_address() == MANIFEST

    def test_code_and_its_imports(self, client: TestClient) -> None:
        manifest = client.get("/browser/manifest.json").json()
        folder = manifest["entry"].rpartition("/")[0]
        assert manifest["device"]["worker"] == f"{folder}/worker.js"
        for module in CODE.glob("*.js"):
            answer = client.get(f"/{folder}/{module.name}")
            assert answer.headers["content-type"].startswith("text/javascript")
            assert answer.text == module.read_text()
            for name in re.findall(r'(?:from|import)\s*\(?"\./([^"]+)"', answer.text):
                assert client.get(f"/{folder}/{name}").status_code == 200, (module, name)

    def test_the_first_visit_is_small(self, client: TestClient) -> None:
        """What a browser fetches before the first answer, in bytes transferred."""
        manifest = client.get("/browser/manifest.json").json()
        device, total = manifest["device"], 0
        network = next(one for one in device["networks"] if one["name"] == device["first"])
        files = [device["runtime"][name] for name in ("core.js", "utilities.js", "plain.js", "plain.wasm")]
        for file in [*files, device["detector"]["file"], network["file"]]:
            headers = {"Accept-Encoding": "gzip, deflate, br"}
            with client.stream("GET", f"/{file['url']}", headers=headers) as answer:
                total += int(answer.headers["content-length"])
        assert total < 6_000_000
        for accepted, encoding in (("br", "br"), ("identity", None)):
            answer = client.get(f"/{network['file']['url']}", headers={"Accept-Encoding": accepted})
            assert answer.headers.get("content-encoding") == encoding
            assert answer.content == (EMBEDDED / network["name"] / GRAPH).read_bytes()

    def test_compressed_where_it_is_understood(self, client: TestClient, browser_runtime_folder: Path) -> None:
        url = client.get("/browser/manifest.json").json()["device"]["runtime"]["plain.wasm"]["url"]
        for accepted, encoding in (("br;q=1.0, gzip", "br"), ("gzip", None), ("", None)):
            with client.stream("GET", f"/{url}", headers={"Accept-Encoding": accepted}) as answer:
                content = b"".join(answer.iter_raw())
                assert answer.headers.get("content-encoding") == encoding
                assert answer.headers["content-type"] == "application/wasm"
                assert answer.headers["vary"] == "Accept-Encoding"
            whole = brotli.decompress(content) if encoding else content
            assert whole == (browser_runtime_folder / "plain.wasm").read_bytes()

    @pytest.mark.parametrize(
        "path",
        [
            "",
            "manifest.jsn",
            "../app.py",
            "..%2f..%2fapp.py",
            f"{'0' * 64}/core.js",
            f"{CONTENT['core.js']}/core.js.br",
        ],
    )
    def test_nothing_else(self, client: TestClient, path: str) -> None:
        answer = client.get(f"/browser/{path}")
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "not_found"


class TestElsewhere:
    def test_nothing_without_the_setting(self, recognizer: EmotionRecognizer) -> None:
        manifest = client_of(recognizer, None).get("/browser/manifest.json").json()
        assert manifest["device"] is None
        assert manifest["entry"].endswith("/page.js")

    def test_a_wrong_folder(self, recognizer: EmotionRecognizer, browser_runtime_folder: Path, tmp_path: Path) -> None:
        with pytest.raises(SettingsError, match="browser-runtime"):
            client_of(recognizer, str(tmp_path))
        folder = tmp_path / "runtime"
        shutil.copytree(browser_runtime_folder, folder)
        (folder / "plain.wasm").write_bytes((folder / "plain.wasm").read_bytes()[:-1] + b"x")
        with pytest.raises(HashMismatchError, match=r"plain\.wasm is not the file that was published"):
            client_of(recognizer, str(folder))

    def test_the_public_network(self, recognizer: EmotionRecognizer, hub: Any, yunet: bytes) -> None:
        """Addresses and hashes of the pinned files; the page may fetch from that host only with the setting."""
        client = client_of(recognizer, "cdn")
        assert client.get("/browser/manifest.json").json()["device"] is None  # the Hub has no detector
        hub.repos[YUNET.repo_id] = Repo({"face_detection_yunet_2023mar.onnx": yunet}, YUNET.revision or "")
        client = client_of(recognizer, "cdn")
        device = client.get("/browser/manifest.json").json()["device"]
        assert device["host"] in CDN_HOST
        for name, file in device["runtime"].items():
            assert file["url"] == FILES[name].address
            assert base64.b64decode(file["integrity"].removeprefix("sha256-")).hex() == CONTENT[name]
        assert CDN_HOST in client.get("/nowhere").headers["content-security-policy"]
        assert CDN_HOST not in client_of(recognizer, None).get("/nowhere").headers["content-security-policy"]
