"""Honest visitors of every kind, one after another."""

import base64
import json
import time
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

#: How long a video may take, in seconds.
VIDEO_SECONDS = 120.0


class Visitors:
    """They visit one server with one photo and one clip. told: the answers each kind got, and how often."""

    def __init__(self, url: str, photo: bytes, clip: Path) -> None:
        self._url, self._photo, self._clip = url, photo, clip
        self.told: Counter[str] = Counter()

    def come(self) -> None:
        """Each kind visits once; one that is told to come back later leaves."""
        for visit in (self.page, self.photo, self.queue, self.webcam, self.video):
            with httpx.Client(base_url=self._url, timeout=60) as client:
                try:
                    self.told[f"{visit.__name__} {visit(client)}"] += 1
                except httpx.HTTPStatusError as error:
                    self.told[f"{visit.__name__} {error.response.status_code}"] += 1
                except httpx.HTTPError as error:
                    self.told[f"{visit.__name__} {type(error).__name__}"] += 1

    def page(self, client: httpx.Client) -> str:
        """The page, its configuration and one of its scripts."""
        page = client.get("/").raise_for_status().text
        config = client.get("config").raise_for_status().json()
        return "answered" if "Emotion" in page and config["components"] else "wrong"

    def photo(self, client: httpx.Client) -> str:
        """A photo, as the Image tab sends it."""
        answer = client.post("page/photo?picture=1", content=self._photo).raise_for_status()
        return "answered" if "happy" in answer.text else "wrong"

    def queue(self, client: httpx.Client) -> str:
        """A photo through Gradio's queue, as its client does."""
        picture = {"url": "data:image/jpeg;base64," + base64.b64encode(self._photo).decode()}
        call = client.post("gradio_api/call/analyze_image", json={"data": [picture, ""]}).raise_for_status()
        events = client.get(f"gradio_api/call/analyze_image/{call.json()['event_id']}").raise_for_status().text
        if "event: complete" in events:
            return "answered" if "happy" in events else "wrong"
        return "busy" if "busy" in events else "wrong"

    def webcam(self, client: httpx.Client) -> str:
        """A few webcam frames, at the pace that the server requests."""
        parts = client.get("config").raise_for_status().json()["components"]
        component = next(part["id"] for part in parts if part["props"].get("elem_id") == "webcam")
        picture = "data:image/jpeg;base64," + base64.b64encode(self._photo).decode()

        def call(name: str, data: Any) -> Any:
            body = {"component_id": component, "fn_name": name, "session_hash": uuid.uuid4().hex, "data": data}
            return client.post("gradio_api/component_server", json=body).raise_for_status().json()

        token = call("webcam_open", {}).get("token")
        if token is None:
            return "no place"
        answered = 0
        for _ in range(8):
            answer = call("webcam_frame", {"token": token, "picture": picture})
            answered += bool(answer.get("frame", {}).get("faces"))
            time.sleep(answer.get("next_seconds", 0.5))
        call("webcam_close", token)
        return "answered" if answered else "busy"

    def video(self, client: httpx.Client) -> str:
        """A clip through REST: send it, get its answer, delete it."""
        sent = client.post("api/v1/video", files={"video": ("clip.mp4", self._clip.read_bytes())}).raise_for_status()
        job, end = sent.headers["Location"], time.monotonic() + VIDEO_SECONDS
        told = json.loads(sent.text)
        while told["state"] in ("queued", "running"):
            if time.monotonic() > end:
                return "too late"
            time.sleep(0.5)
            told = client.get(job).raise_for_status().json()
        client.delete(job)
        return "answered" if told["state"] == "done" else str(told["state"])


#: Answers that an honest visitor may get from a server under attack, including documented refusals.
DOCUMENTED: frozenset[str] = frozenset({"answered", "busy", "no place", "429", "503"})


def undocumented(told: Counter[str]) -> dict[str, int]:
    """Answers to visitors that are not documented."""
    kind: Callable[[str], str] = lambda what: what.partition(" ")[2]  # noqa: E731
    return {what: count for what, count in told.items() if kind(what) not in DOCUMENTED}
