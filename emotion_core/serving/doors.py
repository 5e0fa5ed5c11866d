"""Which addresses take what: bytes of a body, time for it, and requests at a time."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from ..settings import Settings

MEGABYTE: Final = 1_000_000
#: JSON for the page: an event's values, or one webcam frame in base64.
MAX_JSON: Final = 1_200_000
#: JSON with pictures in it, for REST: it is held in memory several times over, which a form's files are not.
MAX_JSON_PICTURES: Final = 10 * MEGABYTE
#: JSON of an assistant, which has a photo or a clip of 15 MB in base64.
MAX_JSON_CALL: Final = 20 * MEGABYTE
#: What a form has around its files.
FORM_MARGIN: Final = MEGABYTE
#: How long the pictures of a request, or a video, may take to arrive, in seconds.
PICTURES_SECONDS: Final = 60.0
VIDEO_SECONDS: Final = 600.0
JSON_SECONDS: Final = 20.0


@dataclass(eq=False)
class Door:
    """A kind of request. Used by one event loop.

    most_bytes: of the body. seconds: until all of it must have come. most, each: requests at a time,
    of everybody and of one address. held: the body is JSON, which is read as a whole before anything
    else is done with it, so that whoever is slow to send takes no place. advice: what to do about a
    body that is too large.
    """

    most_bytes: int
    seconds: float
    most: int
    each: int
    held: bool = False
    advice: str = "Send less at a time."
    inside: Counter[str] = field(default_factory=Counter)

    def enter(self, address: str) -> str:
        """Take a place: "", or whose places are all taken."""
        mine = self.inside[address]
        if not has_share(mine, self.inside.total(), self.each, self.most):
            return "yours" if mine >= self.each else "everybody's"
        self.inside[address] += 1
        return ""

    def leave(self, address: str) -> None:
        """Give the place back."""
        self.inside[address] -= 1
        if not self.inside[address]:
            del self.inside[address]


class Doors:
    """Every door of a server with these settings."""

    def __init__(self, settings: Settings) -> None:
        smaller = "Send smaller files, or fewer at a time."
        pictures, video = settings.max_request_mb * MEGABYTE, settings.max_video_mb * MEGABYTE
        in_json = "Base64 in JSON is for small pictures: send larger ones as multipart/form-data."
        self.uploads = Door(max(pictures, video) + FORM_MARGIN, VIDEO_SECONDS, 16, 6, advice=smaller)
        self.pictures = Door(pictures, PICTURES_SECONDS, 24, 8, advice=smaller)
        self.json_pictures = Door(min(pictures, MAX_JSON_PICTURES), PICTURES_SECONDS, 4, 2, True, in_json)
        self.assistants = Door(MAX_JSON_CALL, PICTURES_SECONDS, 8, 4, True, "Send a smaller or shorter file.")
        self.video = Door(video, VIDEO_SECONDS, 8, 3, advice=smaller)
        #: What works as long as the request is open: events that bypass the page's queue, and webcam frames.
        self.calls = Door(MAX_JSON, JSON_SECONDS, 64, 8, True)
        self.other = Door(MAX_JSON, JSON_SECONDS, 64, 16, True)
        #: Without a body: what is answered, and streams of events, which stay open.
        self.reading = Door(0, 0, 400, 40)
        self.streams = Door(0, 0, 1500, 150)

    def of(self, path: str, content_type: str) -> Door:
        """The door of a request with a body. path: as the server decoded it."""
        parts = [part for part in path.split("/") if part]
        match parts:
            case ["gradio_api", "upload", *_]:
                return self.uploads
            case ["gradio_api", "run" | "api" | "component_server", *_]:
                return self.calls
            case ["api", "v1", "analyze"]:
                return self.json_pictures if content_type == "application/json" else self.pictures
            case ["page", *_]:  # a photo as the body, just as its file is
                return self.pictures
            case ["mcp"]:
                return self.assistants
            case ["api", "v1", "video"]:
                return self.video
        return self.other

    def of_reading(self, path: str) -> Door | None:
        """The door of a request without a body; None for what has to be answered whatever comes."""
        match [part for part in path.split("/") if part]:
            case ["healthz"]:
                return None
            case ["gradio_api", "heartbeat" | "queue" | "upload_progress" | "call", *_]:
                return self.streams
            case ["mcp"]:
                return self.streams
        return self.reading


def has_share(mine: int, taken: int, each: int, most: int) -> bool:
    """Whether an address that has ``mine`` of the places may have one more.

    Nobody has more than ``each``, nor more than are free: as a room fills the shares shrink, so that many who
    all want much leave places for whoever comes with one thing (the dynamic thresholds of Choudhury and Hahne,
    1998, which switches use for their buffers).
    """
    return mine < min(each, most - taken)


def has_body(headers: Mapping[str, str]) -> bool:
    """Whether HTTP says that a body follows."""
    return headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
