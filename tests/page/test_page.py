"""The real server, called with the Python client and plain HTTP."""

import base64
import json
import re
import shutil
import subprocess
import sys
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from emotion_core.recognition.bundle import EMBEDDED
from support.page_server import ROOT


@pytest.fixture(scope="module")
def server(page_url: str) -> str:
    return page_url


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return Client(server, verbose=False)


class TestClient:
    def test_a_photo(self, client: Client, photos: Path) -> None:
        result = client.predict(handle_file(photos / "montage.jpg"), api_name="/analyze_image")
        assert len(result["faces"]) == 3
        assert result["faces"][0]["emotion"] == "happy"
        assert sum(result["faces"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)

    def test_no_face(self, client: Client, photos: Path) -> None:
        assert client.predict(handle_file(photos / "empty.png"), api_name="/analyze_image")["faces"] == []

    def test_errors_can_be_read(self, client: Client, photos: Path) -> None:
        with pytest.raises(AppError, match="not a picture"):
            client.predict(handle_file(photos / "notes.png"), api_name="/analyze_image")

    def test_the_endpoints_are_typed_and_the_only_ones(self, client: Client) -> None:
        endpoints: Any = client.view_api(return_format="dict", print_info=False)
        assert list(endpoints["named_endpoints"]) == ["/analyze_image", "/analyze_video", "/models"]
        [returned] = endpoints["named_endpoints"]["/analyze_image"]["returns"]
        told = {"width", "height", "rotation", "notes", "model", "detector", "faces"}
        assert set(returned["type"]["properties"]) == told
        [listed] = endpoints["named_endpoints"]["/models"]["returns"]
        assert {"name", "default", "labels", "figures"} <= set(listed["type"]["items"]["properties"])

    def test_models(self, client: Client) -> None:
        model, *others = client.predict(api_name="/models")
        assert {other["name"] for other in others} == {path.name for path in EMBEDDED.iterdir()} - {model["name"]}
        assert not any(other["default"] for other in others)
        assert model["default"]
        assert len(model["labels"]) == 7
        assert 0.5 < model["figures"]["private"]["accuracy"] < 1

    def test_rest_is_on_the_same_port(self, server: str, photos: Path) -> None:
        photo = (photos / "astronaut.png").read_bytes()
        answer = httpx.post(f"{server}api/v1/analyze", files={"image": photo}).raise_for_status()
        assert answer.json()["results"][0]["faces"][0]["emotion"] == "happy"
        assert httpx.get(f"{server}healthz").json()["status"] == "ok"
        assert httpx.get(f"{server}api/nowhere").json()["error"]["code"] == "not_found"
        assert httpx.get(f"{server}nowhere").json()["error"]["code"] == "not_found"
        assert httpx.get(f"{server}static/nowhere").json() == {"detail": "Not Found"}  # from the page's own application

    def test_many_at_once(self, client: Client, photos: Path) -> None:
        names = ["astronaut.png", "empty.png", "montage.jpg"] * 4
        with ThreadPoolExecutor(6) as pool:
            results = pool.map(
                lambda name: client.predict(handle_file(photos / name), api_name="/analyze_image"), names
            )
        assert [len(result["faces"]) for result in results] == [1, 0, 3] * 4

    def test_the_commands_of_the_documents(self, server: str, photos: Path) -> None:
        """The commands that README.md and docs/api.md give for the page."""
        texts = [(ROOT / name).read_text() for name in ("README.md", "docs/api.md")]
        told = "\n".join(texts).replace("http://127.0.0.1:7860", server.rstrip("/"))
        blocks = re.findall(r"(?<!-->\n)```(python|bash)\n(.*?)```", told, re.DOTALL)
        programs = [code for kind, code in blocks if kind == "python" and "analyze_image" in code]
        shells = [code for kind, code in blocks if kind == "bash" and code.startswith(("URL=", "curl "))]
        assert (len(programs), len(shells)) == (2, 2)
        shutil.copy(photos / "montage.jpg", photos / "photo.jpg")
        commands = [[sys.executable, "-c", program] for program in programs]
        for command in [*commands, *(["bash", "-euc", shell] for shell in shells)]:
            done = subprocess.run(command, cwd=photos, capture_output=True, text=True, timeout=60, check=True)
            assert done.stdout.count("happy") >= 3, done.stdout

    @pytest.mark.parametrize("meta", [{}, {"meta": {"_type": "gradio.FileData"}}])
    def test_files_of_the_server_stay_there(self, server: str, photos: Path, meta: dict[str, Any]) -> None:
        """A picture that the server can read but nobody uploaded is offered to every handler that takes files."""
        config = httpx.get(f"{server}config").json()
        parts = {part["id"]: part for part in config["components"]}
        stranger = {"path": str(photos / "astronaut.png"), **meta}
        tried = 0
        for function in config["dependencies"]:
            types = [parts[number]["type"] for number in function["inputs"]]
            told = "upload" in {event for _, event in function["targets"]}  # the path comes with the event
            if not told and not {"image", "photoinput", "file", "videoinput"} & set(types):
                continue
            values = [parts[number]["props"].get("value") for number in function["inputs"]]
            offered = {"image": stranger, "photoinput": stranger, "file": [stranger], "videoinput": stranger}
            data = [offered.get(kind, value) for kind, value in zip(types, values, strict=True)]
            body = {"data": data, "fn_index": function["id"], "session_hash": "x", "event_data": stranger}
            answer = httpx.post(f"{server}gradio_api/run/predict", json=body, timeout=30)
            tried += 1
            assert answer.status_code >= 400, function
            assert "happy" not in answer.text, function
        assert tried >= 4

    def test_a_picture_in_the_request_itself(self, server: str, photos: Path) -> None:
        content = base64.b64encode((photos / "astronaut.png").read_bytes()).decode()
        body = {"data": [{"url": f"data:image/png;base64,{content}"}, ""]}
        request = urllib.request.Request(
            f"{server}gradio_api/run/analyze_image", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert json.load(answer)["data"][0]["faces"][0]["emotion"] == "happy"

    def test_a_call_past_the_queue_is_refused_in_words(self, server: str) -> None:
        """No input, not a picture, unknown model, a URL: never a server error."""
        empty, near = {"url": "data:image/png;base64,"}, "http://127.0.0.1/x"
        for data, words in (
            ([None, ""], "Give a picture"),
            ([empty, ""], "The file is empty"),
            ([empty, "nonsense"], "There is no model"),
            ([{"path": "/etc/hostname"}, ""], "Upload the file first"),
            ([{"path": near, "url": near, "meta": {"_type": "gradio.FileData"}}, ""], "Addresses are not fetched"),
        ):
            answer = httpx.post(f"{server}gradio_api/run/analyze_image", json={"data": data}, timeout=20)
            assert (answer.status_code, words in answer.json()["error"]) == (422, True), answer.text
