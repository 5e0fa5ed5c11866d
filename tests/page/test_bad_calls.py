"""Calls that do not fit are refused in words, whatever is wrong with them: none is a failure of the server."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

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


@pytest.fixture(scope="module")
def line(page_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=page_url, timeout=30) as client:
        yield client


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
