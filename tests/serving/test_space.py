"""A Space as sent by ``publish space``: in its own folder, behind a TLS proxy, in Hugging Face's frame."""

import shutil
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from huggingface_hub import SpaceCard, hf_hub_download
from PIL import Image

from attacks.server import Server
from emotion_core.publish import model_upload, publish_model, publish_space, space_upload
from emotion_core.recognition.bundle import EMBEDDED
from support.chart import PLAYED
from support.page_server import CHROMIUM, FLAGS
from support.rest_server import encoded
from support.stand_in_hub import TOKEN, StandInHub
from support.tls_proxy import VISITOR, TlsProxy, certificate

pytestmark = [
    pytest.mark.browser,
    # From the client's own LFS upload, through its HTTP library.
    pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload raw bytes:DeprecationWarning"),
]
OPENSSL = shutil.which("openssl")
SPACE, FRAMER, STRANGER = "we-app.hf.space", "huggingface.co", "elsewhere.example"
FRAME = (
    "<!doctype html><title>A frame</title>"
    f'<iframe src="https://{SPACE}/" style="width: 1100px; height: 900px"></iframe>'
)


@pytest.fixture
def space(hub: StandInHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, dict[str, str | None]]:
    """The files as uploaded to the Hub, in a new folder, and the environment of a Space.

    Preloaded files are in the Hub's cache; the Hub itself is no longer reachable.
    """
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)  # the stand-in does not support Xet
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    publish_model(model_upload(EMBEDDED / "fer2013-custom-cnn", "we/fer"), pin_file=tmp_path / "pin.json")
    with space_upload("we/app", pin_file=tmp_path / "pin.json") as upload:
        publish_space(upload)
    sent = hub.repos["spaces/we/app"]
    folder, cache = tmp_path / "space", tmp_path / "cache"
    for name, content in sent.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    for line in SpaceCard(sent.files["README.md"].decode()).data["preload_from_hub"]:
        repo, names, revision = line.split()
        for name in names.split(",") if repo in hub.repos else ():  # the stand-in does not have YuNet
            hf_hub_download(repo, name, revision=revision, cache_dir=cache / "hub")
    return folder, {
        **sent.variables,
        "SYSTEM": "spaces",
        "SPACE_ID": "we/app",
        "SPACE_HOST": SPACE,
        "GRADIO_SERVER_NAME": "127.0.0.1",
        "HF_HOME": str(cache),
        "HF_ENDPOINT": "http://127.0.0.1:9",
        "HF_TOKEN": None,
        "PYTHONPATH": None,
        "EMOTION_DETECTOR": "haar",
        "EMOTION_RATE_LIMIT": "1",
    }


@pytest.mark.skipif(CHROMIUM is None or OPENSSL is None, reason="Chromium or openssl is not installed")
def test_it_is_used_in_a_frame(
    space: tuple[Path, dict[str, str | None]], tmp_path: Path, montage: np.ndarray, astronaut: np.ndarray
) -> None:
    folder, environment = space
    assert OPENSSL is not None
    Image.fromarray(montage).save(tmp_path / "montage.jpg", quality=95)
    server = Server(tmp_path, folder, **environment)
    try:
        cert = certificate(tmp_path, OPENSSL)
        proxy = TlsProxy(server.url, cert, {FRAMER: FRAME, STRANGER: FRAME})
        in_the_frame(proxy.port, tmp_path / "montage.jpg")
        visitors_are_told_apart(proxy.port, encoded(Image.fromarray(astronaut), "JPEG"))
        proxy.close()
    finally:
        stopped = server.stop()
    assert stopped["status"] == 0
    assert stopped["files_left"] == []
    assert stopped["log"]["tracebacks"] == 0


def in_the_frame(port: int, photo: Path) -> None:
    """A photo and a clip, framed by Hugging Face's site; no other site may frame the page."""
    from playwright.sync_api import sync_playwright

    rules = ", ".join(f"MAP {host}:443 127.0.0.1:{port}" for host in (SPACE, FRAMER, STRANGER))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=[*FLAGS, "--ignore-certificate-errors", f"--host-resolver-rules={rules}"],
        )
        page = browser.new_page(viewport={"width": 1200, "height": 950})
        page.set_default_timeout(100_000)
        complaints, asked = list[str](), set[str]()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(f"error: {error}"))
        page.on("request", lambda sent: asked.add("/".join(sent.url.split("/")[:3])))
        page.goto(f"https://{FRAMER}/spaces/we/app")
        framed: Any = page.frame_locator("iframe")
        framed.get_by_role("button", name="Choose a photo").wait_for()
        framed.locator("#image input[type=file]").set_input_files(str(photo))
        framed.locator("#image h2").get_by_text("3 faces: 3 happy", exact=True).wait_for()
        framed.get_by_role("tab", name="Video").click()
        framed.get_by_role("button", name="Try a drawn clip").click()
        framed.locator("#video-status").get_by_text("4.0 seconds, 480x360").wait_for()
        framed.get_by_role("button", name="Analyse", exact=True).click()
        framed.locator("#video-answer video").wait_for()
        framed.locator("#video-answer video").evaluate(PLAYED)
        hosts = {address for address in asked if address.startswith("http")}
        assert hosts == {f"https://{SPACE}", f"https://{FRAMER}"}
        # Gradio's script would ask Hugging Face whether the Space is asleep; the page's policy blocks that.
        refused = [text for text in complaints if "policy" in text.lower() or "mixed" in text.lower()]
        assert [text for text in refused if f"https://{FRAMER}/api/spaces/" not in text] == []
        complaints.clear()
        page.goto(f"https://{STRANGER}/")
        page.wait_for_timeout(500)
        assert any("frame-ancestors" in text for text in complaints), complaints
        browser.close()


def visitors_are_told_apart(port: int, photo: bytes) -> None:
    """By the address that the proxy reports, not the one they claim: one analysis a minute each."""
    with httpx.Client(base_url=f"https://127.0.0.1:{port}", verify=False, timeout=60) as client:  # noqa: S501
        for claimed, visitor, status in (
            ("192.0.2.1", "203.0.113.1", 200),
            ("192.0.2.2", "203.0.113.1", 429),
            ("192.0.2.2", "203.0.113.2", 200),
        ):
            headers = {"X-Forwarded-For": claimed, VISITOR: visitor}
            answer = client.post("/api/v1/analyze", files={"image": ("x.jpg", photo)}, headers=headers)
            assert answer.status_code == status, answer.text
