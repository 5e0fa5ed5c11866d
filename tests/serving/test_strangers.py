"""What strangers try on the page's server: others' files, other hosts, odd names, leaks in errors."""

import http.client
import http.server
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from support.page_server import ROOT, page_server

#: How long a busy machine may take for one answer, in seconds.
PATIENCE = 120
SECRET = "a secret of the server"
PICTURE = b"GIF89a, and then nothing"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("strangers")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[str]:
    (folder / "secret.txt").write_text(SECRET)
    with page_server(folder, nonsense=True) as url:
        yield url


@pytest.fixture(scope="module")
def upload(server: str) -> Path:
    """Upload a file; returns its path on the server, which the answer gives."""
    [path] = httpx.post(f"{server}gradio_api/upload", files={"files": ("mine.gif", PICTURE)}).json()
    return Path(path)


@pytest.fixture
def listener() -> Iterator[Any]:
    """A neighbouring server: ``hits`` are the addresses requested from it."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            neighbour.hits.append(self.path)  # type: ignore[attr-defined]
            self.send_response(200)
            self.end_headers()
            self.wfile.write(SECRET.encode())

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: Any) -> None: ...

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as neighbour:
        neighbour.hits = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=neighbour.serve_forever)
        thread.start()
        yield neighbour
        neighbour.shutdown()
        thread.join()


def raw(server: str, target: str) -> tuple[int, str]:
    """GET exactly this target, which other clients would normalise first."""
    line = http.client.HTTPConnection(server.split("/")[2], timeout=20)
    line.putrequest("GET", target, skip_accept_encoding=True)
    line.endheaders()
    answer = line.getresponse()
    body = answer.read().decode(errors="replace")
    line.close()
    return answer.status, body


def offers(server: str, value: Any, each: bool = False) -> Iterator[tuple[dict[str, Any], httpx.Response]]:
    """Every handler's answer with the value as all of its inputs, or as each of them in turn."""
    config = httpx.get(f"{server}config", timeout=PATIENCE).json()
    parts = {part["id"]: part for part in config["components"]}
    for function in config["dependencies"]:
        if not function["backend_fn"] or not function["inputs"]:
            continue
        usual = [parts[number]["props"].get("value") for number in function["inputs"]]
        for place in range(len(usual)) if each else [0]:
            data = [*usual[:place], value, *usual[place + 1 :]] if each else [value] * len(usual)
            body = {"data": data, "fn_index": function["id"], "session_hash": "stranger"}
            yield function, httpx.post(f"{server}gradio_api/run/predict", json=body, timeout=PATIENCE)


def holds_state_alone(server: str, function: dict[str, Any]) -> bool:
    """Whether all inputs of a handler are kept on the server."""
    parts = {part["id"]: part["type"] for part in httpx.get(f"{server}config", timeout=PATIENCE).json()["components"]}
    return all(parts[number] == "state" for number in function["inputs"])


class TestFiles:
    def test_an_upload_can_be_fetched_by_who_knows_its_place(self, server: str, upload: Path) -> None:
        answer = httpx.get(f"{server}gradio_api/file={upload}")
        assert answer.content == PICTURE
        assert "sandbox" in answer.headers["content-security-policy"]

    @pytest.mark.parametrize(
        ("asked", "status"),
        [
            ("bytes=1-4", 206),
            ("bytes=1-4,6-7", 206),
            (f"bytes={','.join(f'{3 * number}-{3 * number}' for number in range(2000))}", 200),
            ("bytes=9999999-", 416),
            ("bytes=4-1", 400),
            ("bytes=-", 400),
        ],
    )
    def test_parts_of_a_file(self, server: str, upload: Path, asked: str, status: int) -> None:
        """Gradio failed for two ranges, and sent the request's own headers back."""
        answer = httpx.get(f"{server}gradio_api/file={upload}", headers={"Range": asked, "X-Own": "mine"})
        assert answer.status_code == status
        assert "x-own" not in answer.headers
        if asked == "bytes=1-4":
            assert answer.content == PICTURE[1:5]

    def test_nothing_else_can(self, server: str, folder: Path, upload: Path) -> None:
        secret = folder / "secret.txt"
        up = "/".join([".."] * len(upload.parent.relative_to(folder).parts))
        tried = 0
        for path in (
            str(secret),
            f"{upload.parent}/{up}/secret.txt",
            f"{upload.parent}/{up}//secret.txt",
            f"/proc/self/cwd/../..{secret}",
            f"file://{secret}",
            f"FILE:{secret}",
            "/proc/self/environ",
            "/etc/passwd",
            "app.py",
            "./app.py",
            "requirements.txt",
            str(ROOT / "app.py"),
            "emotion_core/bundles/fer2013-resnet50v2/config.json",
            str(upload.parent),
            str(upload.parent.parent),
            str(upload.parents[2]),
            f"{secret}\0.png",
            "~/.bashrc",
        ):
            for form in (quote(path, safe="/:~"), quote(path, safe=""), quote(quote(path, safe=""), safe="")):
                for start in ("/gradio_api/file=", "/file=", "/gradio_api/file/", "/static/", "/assets/"):
                    status, body = raw(server, start + form.replace("..", "%2e%2e" if tried % 2 else ".."))
                    tried += 1
                    assert status != 200, (start, form)
                    assert SECRET not in body
                    assert "import gradio" not in body
                    assert str(ROOT) not in body.replace(path, ""), body
        assert tried > 250

    @pytest.mark.parametrize(
        "name",
        ["../../../evil.txt", "/tmp/evil.txt", "..\\..\\evil.txt", "..", ".", "a" * 300, "e\nvil.txt", "%2e%2e%2fevil"],
    )
    def test_the_name_of_an_upload_leads_nowhere(self, server: str, folder: Path, upload: Path, name: str) -> None:
        answer = httpx.post(f"{server}gradio_api/upload", files={"files": (name, b"evil")})
        assert str(ROOT) not in answer.text
        if answer.status_code == 200:
            [path] = answer.json()
            assert Path(path).resolve().is_relative_to(upload.parents[1])
        assert [path for path in folder.rglob("*evil*") if not path.is_relative_to(upload.parents[1])] == []
        assert not Path("/tmp/evil.txt").exists()


class TestOtherHosts:
    def test_no_input_is_fetched(self, server: str, listener: Any) -> None:
        """Every input of every handler is given a URL; example.com stands for public hosts."""
        near = f"http://127.0.0.1:{listener.server_address[1]}/"
        for address, each in ((f"{near}picture.png", True), ("http://example.com/picture.png", False)):
            value = {"path": address, "url": address, "meta": {"_type": "gradio.FileData"}}
            told = 0
            for function, answer in offers(server, value, each):
                assert SECRET not in answer.text, function
                told += "Addresses are not fetched" in answer.text
            assert told >= 4
            for function, answer in offers(server, [value]):
                if not holds_state_alone(server, function):  # what it is sent is passed over
                    assert "Addresses are not fetched" in answer.text, function
        for given in ({"path": near, "url": near}, {"path": "x", "url": near}, near):
            for function, answer in offers(server, given):
                assert SECRET not in answer.text, function
        assert listener.hits == []

    def test_nothing_is_relayed(self, server: str, listener: Any) -> None:
        near = f"http://127.0.0.1:{listener.server_address[1]}/x"
        for target in (near, near.replace("http", "HTTP"), quote(near, safe=""), "http://169.254.169.254/latest"):
            for start in ("file=", "file=/", "proxy=", "file=%20"):
                status, body = raw(server, f"/gradio_api/{start}{target}")
                assert status >= 400
                assert SECRET not in body
        assert listener.hits == []

    @pytest.mark.parametrize(
        "path",
        [
            *("/monitoring", "/monitoring/summary", "/gradio_api/process_recording", "/gradio_api/vibe-code/"),
            *("/gradio_api/deep_link", "/gradio_api/proxy=x", "/gradio_api/run-history/records", "/gradio_api/runs"),
            *("/login", "/login/", "//login", "/logout", "/gradio_api/login_check", "/gradio_api/token"),
            *("/gradio_api/user", "/gradio_api/dev/reload", "/svelte/x", "/nowhere"),
            "/gradio_api/custom_component/what-a-visitor-wrote/client/component/x.js",
        ],
    )
    def test_what_the_page_does_not_need_is_not_served(self, server: str, folder: Path, path: str) -> None:
        for method in ("GET", "POST"):
            answer = httpx.request(method, server.rstrip("/") + path)
            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == "not_found"
        assert "what-a-visitor-wrote" not in (folder / "log").read_text()  # Gradio prints it


@pytest.mark.parametrize("folder_of", ["assets", "static", "svelte"])
@pytest.mark.parametrize("rest", ["a" * 300, "a/" * 1500, "\u00e9" * 140])
def test_names_that_no_file_can_have(server: str, folder_of: str, rest: str) -> None:
    """The system refuses to look for them, and Gradio made a failure of the server of it."""
    assert httpx.get(f"{server}{folder_of}/{rest}").status_code in (400, 404)
    assert httpx.get(f"{server}{folder_of}/{'a' * 200}").status_code == 404


def test_errors_name_no_place_on_the_server(server: str, folder: Path) -> None:
    """Whatever a handler is given, refusals and failures reveal no paths."""
    private = (str(ROOT), str(folder), sys.prefix, "site-packages", "Traceback")
    tried = 0
    for value in (
        {"path": "nowhere.png", "meta": {"_type": "gradio.FileData"}},
        {"path": "../up.png"},
        {"path": None},
        {"path": "a\0b"},
        [{"path": "x"}] * 60,
        "no such model",
        {"meta": {"_type": "gradio.FileData"}},
        -1e308,
    ):
        for function, answer in offers(server, value):
            tried += 1
            if answer.status_code != 200:
                assert not [place for place in private if place in answer.text], (function, answer.text)
    for path in ("config", "gradio_api/info", "", "openapi.json", "gradio_api/openapi.json"):
        text = httpx.get(server + path).raise_for_status().text
        assert not [place for place in private[:3] if place in text], path
    for target in (
        "/gradio_api/upload",
        "/gradio_api/queue/join",
        "/gradio_api/component_server",
        "/gradio_api/call/x",
    ):
        for body in (b"", b"{", b"[]", b'{"data": 1}', b'{"data": [], "fn_index": 999, "session_hash": "x"}'):
            sent = {"Content-Type": "application/json"}
            answer = httpx.post(server.rstrip("/") + target, content=body, headers=sent, timeout=PATIENCE)
            assert answer.status_code >= 400
            assert not [place for place in private if place in answer.text], answer.text
    for target in (
        "page/photo",
        "page/why",
        "page/photo?model=nowhere",
        "page/photo?detector=..%2f",
        "page/examples/..%2f",
    ):
        for body in (b"", b"{", b"GIF89a", b"\xff\xd8\xff\xe0"):
            answer = httpx.post(server + target, content=body, timeout=PATIENCE)
            tried += 1
            assert answer.status_code >= 400, target
            assert not [place for place in private if place in answer.text], answer.text
    assert tried >= 60
