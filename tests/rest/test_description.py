"""REST's OpenAPI description, its page in a browser, and the documents' commands."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi.openapi.models import OpenAPI

from emotion_core import EmotionRecognizer, Settings
from emotion_core.page.example_clip import write_drawn_clip
from emotion_core.recognition.catalogue import Catalogue
from emotion_core.serving.video_queue import VideoDesk
from support.openapi_check import check, fits
from support.rest_client import KEY, analyze
from support.rest_server import serving

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.fixture(scope="module")
def document(url: str) -> dict[str, Any]:
    found: dict[str, Any] = httpx.get(f"{url}/openapi.json").raise_for_status().json()
    return found


class TestDescription:
    def test_openapi_is_valid_and_so_are_its_examples(self, document: dict[str, Any]) -> None:
        OpenAPI.model_validate(document)
        assert len(check(document)) > 30  # nearly one for every status of every route

    def test_every_route_tells_its_refusals(self, document: dict[str, Any]) -> None:
        analyze = document["paths"]["/api/v1/analyze"]["post"]
        assert set(analyze["responses"]) == {"200", "400", "401", "408", "413", "415", "422", "429", "503"}
        assert set(analyze["requestBody"]["content"]) == {"multipart/form-data", "application/json"}
        names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
        assert len(names) == len(set(names))

    def test_real_answers_fit_the_document(self, document: dict[str, Any], url: str, jpeg: bytes) -> None:
        for path, method, answer in [
            ("/api/v1/analyze", "post", analyze(url, jpeg, b"bad")),
            ("/api/v1/models", "get", httpx.get(f"{url}/api/v1/models")),
            ("/healthz", "get", httpx.get(f"{url}/healthz")),
        ]:
            schema = document["paths"][path][method]["responses"]["200"]["content"]["application/json"]["schema"]
            fits(answer.json(), schema, document)

    def test_docs_ask_no_other_host(self, url: str) -> None:
        page = httpx.get(f"{url}/docs")
        assert not re.search(r"(https?:)?//[a-z]", page.text)
        assert "default-src 'self'" in page.headers["content-security-policy"]

    @pytest.mark.browser
    @pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
    def test_docs_in_a_browser(self, url: str, jpeg: bytes, tmp_path: Path) -> None:
        from playwright.sync_api import sync_playwright

        (tmp_path / "photo.jpg").write_bytes(jpeg)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            page = browser.new_page()
            page.set_default_timeout(60_000)
            seen, complaints = set(), []
            page.on("request", lambda sent: seen.add(sent.url.split("/")[2]))
            page.on("console", lambda message: complaints.append(message.text))
            page.goto(f"{url}/docs")
            page.get_by_text("/api/v1/analyze").click()
            box = page.locator("main > details[open]")
            box.locator("input[type=file]").set_input_files(str(tmp_path / "photo.jpg"))
            box.get_by_role("button", name="Send").click()
            box.get_by_text('"emotion": "happy"').first.wait_for()
            box.get_by_label("Send as").select_option("application/json")
            box.get_by_role("button", name="Send").click()
            box.get_by_text("unreadable_image").first.wait_for()
            assert {host for host in seen if host} == {url.removeprefix("http://")}
            assert [text for text in complaints if "422" not in text] == []
            browser.close()


def test_the_commands_of_the_documents(recognizer: EmotionRecognizer, jpeg: bytes, tmp_path: Path) -> None:
    if not shutil.which("curl"):
        pytest.skip("curl is not installed")
    told = (ROOT / "docs/api.md").read_text()
    for name in ("photo.jpg", "other.jpg"):
        (tmp_path / name).write_bytes(jpeg)
    write_drawn_clip(tmp_path / "clip.mp4", seconds=1)
    [shell] = re.findall(r"<!-- rest -->\n```bash\n(.*?)```", told, re.DOTALL)
    settings = Settings(api_key=KEY)
    with serving(recognizer, settings, VideoDesk(Catalogue(recognizer), settings)) as url:
        environment = {**os.environ, "EMOTION_API_KEY": KEY}
        command = ["bash", "-euo", "pipefail", "-c", shell.replace("http://127.0.0.1:7860", url)]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"emotion":"happy"') == 3
    assert '"analyzed_frames": 25' in done.stdout
    assert '"labels":["angry"' in done.stdout
    assert (tmp_path / "frames.csv").read_text().startswith("time_seconds,person,emotion")
