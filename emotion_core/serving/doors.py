"""Limits for each kind of request: bytes of body, time to send it, and requests at once."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from ..settings import Settings
from .door import Door

MEGABYTE: Final = 1_000_000
#: Of the largest photos, how many the memory holds that are on their way: a single one may be half of it.
_PHOTOS: Final = 2.4
#: Bytes of JSON for the page: an event's values, or one webcam frame in base64.
MAX_JSON: Final = 1_200_000
#: Bytes of JSON with pictures, for REST: memory holds it several times over, unlike a form's files.
MAX_JSON_PICTURES: Final = 10 * MEGABYTE
#: Bytes of JSON from an assistant: a photo or clip of 15 MB in base64.
MAX_JSON_CALL: Final = 20 * MEGABYTE
#: Bytes of a form around its files.
FORM_MARGIN: Final = MEGABYTE
#: Bytes of a form with pictures that certainly stay in memory: of more, files go to the disk.
FORM_IN_MEMORY: Final = 500_000
#: How long a request's pictures, a video, or JSON may take to arrive, in seconds.
PICTURES_SECONDS: Final = 300.0
VIDEO_SECONDS: Final = 600.0
JSON_SECONDS: Final = 20.0


class Doors:
    """All doors of a server with these settings."""

    def __init__(self, settings: Settings) -> None:
        smaller = "Send smaller files, or fewer at a time."
        pictures, video = settings.max_request_mb * MEGABYTE, settings.max_video_mb * MEGABYTE
        in_json = "Base64 in JSON is for small pictures: send larger ones as multipart/form-data."
        self.uploads = Door(max(pictures, video) + FORM_MARGIN, VIDEO_SECONDS, 16, 6, advice=smaller, goes="there")
        self.pictures = Door(
            pictures, PICTURES_SECONDS, 24, 8, advice=smaller, goes="through", in_memory=FORM_IN_MEMORY
        )
        #: With the same places: the page's photos stay in memory, and take so many bytes of it in all.
        self.page_pictures = replace(self.pictures, goes="memory")
        self.in_memory = int(_PHOTOS * pictures)
        self.json_pictures = Door(min(pictures, MAX_JSON_PICTURES), PICTURES_SECONDS, 4, 2, True, in_json)
        self.assistants = Door(MAX_JSON_CALL, PICTURES_SECONDS, 8, 4, True, "Send a smaller or shorter file.")
        self.video = Door(video, VIDEO_SECONDS, 8, 3, advice=smaller, goes="later")
        #: Work that lasts as long as the request: events that bypass the page's queue, and webcam frames. Each holds
        #: one of Gradio's forty threads, of which the page's queue needs some.
        self.calls = Door(MAX_JSON, JSON_SECONDS, 24, 6, True)
        self.other = Door(MAX_JSON, JSON_SECONDS, 64, 16, True)
        #: Without a body: ordinary requests, and event streams, which stay open.
        self.reading = Door(0, 0, 400, 40, evens=True)  # a page asks for thirty files at once
        self.streams = Door(0, 0, 1500, 150, lasting=True)
        #: One for each open page, which does not wait for it. Gradio begins each in a thread: a burst of 1400 held
        #: photos up for six seconds.
        self.heartbeats = Door(0, 0, 700, 75, apart=0.02, lasting=True)
        #: An upload's progress, which Gradio looks at twenty times a second for each who watches.
        self.progress = Door(0, 0, 60, 8, lasting=True)

    def of(self, path: str, content_type: str) -> Door:
        """The door of a request with a body. path: as decoded by the server."""
        parts = [part for part in path.split("/") if part]
        match parts:
            case ["gradio_api", "upload", *_]:
                return self.uploads
            case ["gradio_api", "run" | "api" | "component_server", *_]:
                return self.calls
            case ["api", "v1", "analyze"]:
                return self.json_pictures if content_type == "application/json" else self.pictures
            case ["page", *_]:  # the body is the photo's file
                return self.page_pictures
            case ["mcp"]:
                return self.assistants
            case ["api", "v1", "video"]:
                return self.video
        return self.other

    def of_reading(self, path: str) -> Door | None:
        """The door of a request without a body; None for what must always be answered, and at once."""
        match [part for part in path.split("/") if part]:
            case ["healthz"]:
                return None
            case ["gradio_api", "upload_progress", *_]:
                return self.progress
            case ["gradio_api", "heartbeat", *_]:
                return self.heartbeats
            case ["gradio_api", "queue" | "call", *_]:
                return self.streams
            case ["mcp"]:
                return self.streams
        return self.reading


def has_body(headers: Mapping[str, str]) -> bool:
    """Whether the headers announce a body."""
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
