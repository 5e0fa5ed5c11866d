"""SECURITY.md adds up the bounds on memory as they are in the code."""

import re

from emotion_core import Settings
from emotion_core.page.fair_queue import MOST_WAITING
from emotion_core.picture_costs import MAX_MEMORY
from emotion_core.recognition import sized_graphs
from emotion_core.recognition.bundle import EMBEDDED
from emotion_core.recognition.bundle_config import CONFIG
from emotion_core.recognition.classifier import MAX_BATCH
from emotion_core.serving.bodies import MAX_HELD
from emotion_core.serving.connections import MOST
from emotion_core.serving.doors import MAX_JSON, Doors
from emotion_core.serving.outlet import READ
from emotion_core.serving.parser import MOST_AHEAD
from emotion_core.serving.unsent import MOST_UNSENT
from emotion_core.serving.workshop import LIGHT_MEMORY, SEARCH_MEMORY
from support.page_server import ROOT

#: Bytes of a small graph per pixel, and of a network's buffers per face, as their modules say.
GRAPH_BYTES, FACE_BYTES = 96, 2_000_000


def test_the_bounds_add_up_as_written() -> None:
    networks, doors = len(list(EMBEDDED.glob(f"*/{CONFIG}"))), Doors(Settings())
    files = doors.uploads.most + doors.pictures.most + doors.video.most
    bounds = [
        MAX_MEMORY,
        LIGHT_MEMORY,
        SEARCH_MEMORY,
        GRAPH_BYTES * sized_graphs._MOST_PIXELS,
        FACE_BYTES * MAX_BATCH * networks,
        2 * MAX_HELD,
        doors.in_memory,
        MOST_UNSENT,
        MOST * READ + doors.streams.most * (MOST_AHEAD - READ),
        MOST_WAITING * MAX_JSON,
        files * 1_000_000,
    ]
    text = (ROOT / "SECURITY.md").read_text()
    rows = re.findall(r"^\| .* \| (\d+) \|$", text.partition("| what | MB |")[2], re.MULTILINE)
    *written, together = map(int, rows[: len(bounds) + 1])
    assert written == [round(bound / 1_000_000) for bound in bounds]
    assert together == sum(written)
    assert f"on {files} places" in text
