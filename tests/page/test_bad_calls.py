"""Calls that do not fit are refused in words, whatever is wrong with them: none is a failure of the server."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.page_server import page_server

ADDRESSES = (
    *("call/analyze_image", "call/nonsense", "call/v2/models", "call/v2/nonsense", "cancel", "component_server"),
    *("queue/join", "reset", "run/analyze_image", "run/models", "run/nonsense", "run/predict"),
)
#: Values of a wrong type, number or name.
BODIES: tuple[Any, ...] = (
    *(None, 1, "x", [], {}, {"data": None}, {"data": "x"}, {"data": []}, {"data": [None]}, {"data": [1, 2, 3, 4]}),
    *({"data": [{"path": path}, None]} for path in (None, 1, "x", (), "a" * 5_000, "a\0b")),
    *({"data": [{"url": url}, None]} for url in (5, "data:image/png;base64,!!!")),
    {"data": [{"path": "x", "meta": {"_type": [1]}}, None]},
    *({"data": [], "fn_index": number} for number in ("x", -1, 99_999, 10**30)),
    {"data": [], "session_hash": [], "fn_index": 0},
    {"data": [1], "batched": True},
    {"data": [[1]], "batched": True},
    {"event_id": 5},
    *(
        {"component_id": component, "fn_name": name, "data": 1, "session_hash": "s"}
        for component, name in ((1, "x"), (99_999, "x"), ([], "x"), (1, None), (1, "__class__"), (None, 5))
    ),
)
#: JSON that cannot be sent back as JSON, and what is none.
BYTES = (
    *(b"", b"{", b"NaN", b'{"data": [NaN]}', b'{"data": [1e999]}', b"\xff\xfe", b'"\\ud800"'),
    *(b'{"data": ["\\ud800"]}', b'{"\\ud800": 1}', b"[" * 10_000, b'{"data": [' + b"9" * 5_000 + b"]}"),
)


#: In place of each of a function's values; and in place of an event.
VALUES: tuple[Any, ...] = (
    *("zzz", None, True, 1e308, -1e9, [], [[]], {"path": "/etc/passwd"}, "a\0b", "\ud800"),
    *({"path": path, "meta": {"_type": "gradio.FileData"}} for path in ("/etc/passwd", "http://x/", 5, None)),
    [{"path": "x", "url": "file:///etc/passwd", "meta": {"_type": "gradio.FileData"}}],
)
EVENTS: tuple[Any, ...] = (
    *(None, 5, "path", ["path"], {}, {"path": 5}, {"path": "a\0b"}, {"path": "\ud800"}, {"path": []}),
    *({"path": "/etc/passwd"}, {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("bad-calls")


@pytest.fixture(scope="module")
def line(folder: Path) -> Iterator[httpx.Client]:
    """A server of its own, as its log is looked at."""
    with page_server(folder) as url, httpx.Client(base_url=url, timeout=30) as client:
        yield client


@pytest.fixture(autouse=True)
def _quiet(folder: Path, line: httpx.Client) -> Iterator[None]:
    """Nothing of these calls is a failure, and nothing that was sent is written into the log."""
    assert line.get("healthz").is_success
    before = len((folder / "log").read_text())
    yield
    said = (folder / "log").read_text()[before:]
    assert [line for line in said.splitlines() if "ERROR" in line or "passwd" in line] == []


def functions(line: httpx.Client) -> list[dict[str, Any]]:
    found = line.get("config").json()["dependencies"]
    assert any(not function["backend_fn"] for function in found)
    return list(found)


def failures(line: httpx.Client, bodies: Iterable[dict[str, Any]]) -> list[tuple[Any, ...]]:
    """Which calls past the queue are told that the server failed, or are told what they sent."""
    wrong = []
    for body in bodies:
        sent = {"Content-Type": "application/json"}
        answer = line.post("gradio_api/run/x", content=json.dumps(body), headers=sent)
        told = answer.is_success or (answer.status_code in (404, 422) and answer.json()["error"])
        if not told or "passwd" in answer.text:
            wrong.append((body, answer.status_code, answer.text[:100]))
    return wrong


@pytest.mark.parametrize("address", [*(f"gradio_api/{name}" for name in ADDRESSES), "api/v1/analyze"])
def test_no_body_is_a_failure(line: httpx.Client, address: str) -> None:
    wrong = []
    for body in (*BYTES, *(json.dumps(body).encode() for body in BODIES)):
        for kind in ("application/json", "text/plain"):
            answer = line.post(address, content=body, headers={"Content-Type": kind})
            told = answer.headers["content-type"]
            if not (answer.is_success or 400 <= answer.status_code < 500) or not told.startswith("application/json"):
                wrong.append((kind, body[:60], answer.status_code, answer.text[:100]))
    assert wrong == []


def test_no_value_is_a_failure(line: httpx.Client) -> None:
    """Of every function, those of the page's script alone included; with and without a session."""
    bodies = (
        {"data": [value] * len(function["inputs"]), "fn_index": function["id"], **session}
        for function in functions(line)
        for value in VALUES
        for session in ({}, {"session_hash": "s"})
    )
    assert failures(line, bodies) == []


def test_no_event_is_a_failure(line: httpx.Client) -> None:
    bodies = (
        {"data": [None] * len(function["inputs"]), "fn_index": function["id"], "event_data": event, **trigger}
        for function in functions(line)
        for event in EVENTS
        for trigger in ({}, {"trigger_id": 10**9})
    )
    assert failures(line, bodies) == []


def test_a_function_of_the_script_alone_is_not_found(line: httpx.Client) -> None:
    """Past the queue, and through it."""
    [function, *_] = [function for function in functions(line) if not function["backend_fn"]]
    body = {"data": [None] * len(function["inputs"]), "fn_index": function["id"], "session_hash": "script"}
    answer = line.post("gradio_api/run/x", json=body)
    assert answer.status_code == 404
    assert "script alone" in answer.json()["error"]
    assert line.post("gradio_api/queue/join", json=body).is_success
    with line.stream("GET", "gradio_api/queue/data", params={"session_hash": "script"}) as events:
        assert any("script alone" in event for event in events.iter_lines())


def test_a_call_that_does_not_fit_is_told_so(line: httpx.Client) -> None:
    """Past the queue by status, and through it by its event; nothing of the values is sent back."""
    misfit = {"data": ["a secret"]}
    past = line.post("gradio_api/run/analyze_image", json=misfit)
    assert past.status_code == 422
    assert "do not fit" in past.json()["error"]
    call = line.post("gradio_api/call/analyze_image", json=misfit).json()
    events = line.get(f"gradio_api/call/analyze_image/{call['event_id']}").text
    assert "event: error" in events
    assert "do not fit" in events
    assert "secret" not in past.text + events
    numbered = line.post("gradio_api/run/predict", json={"data": [], "fn_index": 99_999})
    assert (numbered.status_code, numbered.json()["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("address", ["gradio_api/heartbeat/%00", "gradio_api/file=a%00b", "pwa_icon/60000"])
def test_names_that_nothing_has(line: httpx.Client, address: str) -> None:
    assert line.get(address).status_code in (400, 404)


@pytest.mark.parametrize("host", ["x:y:z", "[::1", "999.999.999.999", "a\u00e9"])
def test_a_host_that_cannot_be_is_passed_over(line: httpx.Client, host: str) -> None:
    """Gradio made an address of it, and failed."""
    for name in ("Host", "X-Forwarded-Host", "X-Gradio-Server"):
        headers = {name.encode(): host.encode()}
        assert line.get("?a=1", headers=headers).is_success
        assert line.get("config", headers=headers).json()["root"].startswith("http://127.0.0.1:")
        assert line.get("gradio_api/info", headers=headers).is_success
        assert line.post("gradio_api/run/models", json={"data": []}, headers=headers).is_success


def test_the_list_of_endpoints_names_no_address_of_others(line: httpx.Client) -> None:
    """Gradio kept the address by which the list was first asked for, and showed everybody examples that send there."""
    elsewhere = {"Host": "elsewhere.example"}
    line.post("gradio_api/call/v2/models", json={}, headers=elsewhere)
    for path in ("gradio_api/info", "gradio_api/info/", "gradio_api/info?page=", "gradio_api/info?page=x"):
        told = line.get(path, headers=elsewhere)
        assert "http://elsewhere.example/gradio_api/" in told.text
        assert "elsewhere" not in line.get(path).text
        assert told.json()["named_endpoints"].keys() >= {"/analyze_image", "/analyze_video", "/models"}
    every = line.get("gradio_api/info", params={"all_endpoints": True}).json()
    assert "/analyze_image" in every["named_endpoints"]
