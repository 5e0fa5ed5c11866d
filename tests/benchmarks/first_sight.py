"""The page as its visitor meets it: ``python tests/benchmarks/first_sight.py --out first_sight.json``.

In Chromium: how far down the answer stands, how much jumps while the page loads, what is sent, what axe-core finds,
how many stops a keyboard has to the first answer, how tall a group's page is, and how long the first look and the
first answer take on a slow line. ``--before FOLDER``: another checkout (``git worktree add FOLDER 74e8b2e``) is
measured the same way before it, on the same machine.
"""

import argparse
import io
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]  # run as a program, where the package may not be installed

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright
from recording import begun, keep
from skimage import data

from emotion_core.images import RGB
from support.axe import serious_findings
from support.page_server import CHROMIUM, FLAGS, ROOT, page_server

PATIENCE_MS: Final = 120_000
#: A desktop screen and a phone's.
SIZES: Final = {"1280x800": (1280, 800), "390x844": (390, 844)}
#: Chromium's 4G preset: 165 ms, 9 and 1.5 Mbit/s, at nine tenths. And a CPU slowed down to a quarter.
LINE: Final = {"offline": False, "latency": 165, "downloadThroughput": 1_012_500, "uploadThroughput": 168_750}
SLOWER: Final = 4
MOST_STOPS: Final = 80
_WATCH: Final = """window.shifted = 0; window.painted = 0;
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifted += entry.value;
}).observe({type: "layout-shift", buffered: true});
new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.painted = entry.startTime;
}).observe({type: "largest-contentful-paint", buffered: true});"""


@dataclass(frozen=True)
class Parts:
    """CSS selectors of a page's parts: the photo input, an example's button, the answer, its heading, its faces."""

    ready: str
    file: str
    example: str
    answer: str
    heading: str
    face: str


NOW: Final = Parts(
    "#image .choose", "#image input[type=file]", "#image [data-example]", "#image .answer", "#image h2", "#image .face"
)
BEFORE: Final = Parts("#examples button", "input[type=file]", "#examples button", "#faces", "#faces h3", "#faces .face")


class Visit:
    """One visitor's page, in a fresh context."""

    def __init__(self, browser: Any, url: str, parts: Parts, size: str = "1280x800", scheme: str = "light") -> None:
        width, height = SIZES[size]
        self.context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
        self.context.set_default_timeout(PATIENCE_MS)
        self.page, self.url, self.parts = self.context.new_page(), url, parts
        self.page.add_init_script(_WATCH)
        self.line = self.context.new_cdp_session(self.page)
        self.sent: list[int] = []
        self.line.send("Network.enable")
        self.line.on("Network.loadingFinished", lambda it: self.sent.append(it["encodedDataLength"]))

    def open(self) -> None:
        """Open the page and wait until it accepts a photo."""
        self.page.goto(self.url)
        self.page.locator(self.parts.ready).first.wait_for()

    def give(self, photo: bytes) -> None:
        """Give a photo and wait for its answer."""
        file = {"name": "photo.jpg", "mimeType": "image/jpeg", "buffer": photo}
        self.page.locator(self.parts.file).first.set_input_files(file)
        self.answered()

    def answered(self) -> None:
        """Wait for an answer that has settled."""
        self.page.locator(self.parts.face).first.wait_for()

    def top_of(self, part: str) -> int:
        """The y coordinate of its top in the window, in pixels."""
        return int(self.page.locator(part).first.bounding_box()["y"])


@contextmanager
def visiting(*where: Any, **how: Any) -> Iterator[Visit]:
    """A visit that is closed at the end."""
    visit = Visit(*where, **how)
    try:
        yield visit
    finally:
        visit.context.close()


def looked_at(browser: Any, url: str, parts: Parts, photo: bytes, group: bytes) -> dict[str, Any]:
    """Positions, layout shifts and bytes for each window size."""
    found: dict[str, Any] = {}
    for size in SIZES:
        with visiting(browser, url, parts, size) as visit:
            visit.open()
            visit.page.wait_for_timeout(2000)
            found[size] = {"shift": round(visit.page.evaluate("window.shifted"), 3), "bytes": round(sum(visit.sent))}
            found[size]["requests"] = len(visit.sent)
            visit.give(photo)
            visit.page.wait_for_timeout(1500)
            found[size] |= {"answer_y": visit.top_of(parts.heading), "first_face_y": visit.top_of(parts.face)}
            # A new visit, as the first photo would affect the second.
        with visiting(browser, url, parts, size) as visit:
            visit.open()
            visit.give(group)
            visit.page.wait_for_timeout(1500)
            found[size]["group_faces"] = visit.page.locator(parts.face).count()
            found[size]["group_height"] = visit.page.evaluate("document.documentElement.scrollHeight")
    return found


def findings(browser: Any, url: str, parts: Parts, photo: bytes) -> int:
    """axe-core's serious and critical findings: on every tab, and on the first after an answer, in both themes."""
    count = 0
    for scheme in ("light", "dark"):
        with visiting(browser, url, parts, scheme=scheme) as visit:
            visit.open()
            for tab in visit.page.get_by_role("tab").all():
                tab.click()
                visit.page.wait_for_timeout(300)
                count += len(serious_findings(visit.page))
            visit.page.get_by_role("tab").first.click()
            visit.give(photo)
            visit.page.wait_for_timeout(1000)
            count += len(serious_findings(visit.page))
    return count


def stops(browser: Any, url: str, parts: Parts) -> dict[str, int | None]:
    """Tab stops from the top of the page to an example, and from there to its answer; None: never reached."""
    with visiting(browser, url, parts) as visit:
        visit.open()
        visit.page.wait_for_timeout(1000)

        def until_focus(part: str) -> int | None:
            for count in range(MOST_STOPS + 1):
                if visit.page.evaluate("part => Boolean(document.activeElement?.closest(part))", part):
                    return count
                visit.page.keyboard.press("Tab")
            return None

        to_example = until_focus(parts.example)
        visit.page.keyboard.press("Enter")
        visit.answered()
        visit.page.wait_for_timeout(500)
        return {"to_example": to_example, "on_to_answer": until_focus(parts.answer)}


def on_a_slow_line(browser: Any, url: str, parts: Parts, photo: bytes, times: int) -> dict[str, Any]:
    """Medians in ms: from navigation to the largest paint and until the page accepts a photo; and from giving the
    photo to its answer."""
    taken: dict[str, list[float]] = {"largest_paint_ms": [], "ready_ms": [], "photo_to_answer_ms": []}
    for _ in range(times):
        with visiting(browser, url, parts, "390x844") as visit:
            visit.line.send("Network.emulateNetworkConditions", LINE)
            visit.line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
            start = time.perf_counter()
            visit.open()
            taken["ready_ms"].append(1000 * (time.perf_counter() - start))
            visit.page.wait_for_timeout(3000)
            taken["largest_paint_ms"].append(visit.page.evaluate("window.painted"))
            start = time.perf_counter()
            visit.give(photo)
            taken["photo_to_answer_ms"].append(1000 * (time.perf_counter() - start))
    return {**{name: round(statistics.median(values)) for name, values in taken.items()}, "photo_bytes": len(photo)}


def jpeg(rgb: RGB) -> bytes:
    """The picture as a JPEG, as a camera would send it."""
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=92)
    return file.getvalue()


def group_of(face: RGB, count: int = 38, across: int = 8, side: int = 220) -> RGB:
    """A grid of copies of the face."""
    group = np.full((-(-count // across) * side, across * side, 3), 128, np.uint8)
    for number in range(count):
        size = side - 8 if number % 3 else side - 30
        top, left = side * (number // across), side * (number % across)
        group[top : top + size, left : left + size] = np.asarray(Image.fromarray(face).resize((size, size)))
    return group


def measured(browser: Any, root: Path, parts: Parts, times: int) -> dict[str, Any]:
    """All figures for the page of one checkout."""
    astronaut = data.astronaut()
    photo, group = jpeg(astronaut), jpeg(group_of(astronaut[:200, 120:320]))
    with tempfile.TemporaryDirectory() as folder, page_server(Path(folder), True, root, PYTHONPATH=str(root)) as url:
        with visiting(browser, url, parts) as visit:  # warm-up: the first visitor fills the caches
            visit.open()
            visit.give(photo)
        return {
            "windows": looked_at(browser, url, parts, photo, group),
            "axe_findings": findings(browser, url, parts, photo),
            "tab_stops": stops(browser, url, parts),
            "slow_line": on_a_slow_line(browser, url, parts, photo, times),
        }


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, metavar="FOLDER", help="a checkout of the page before")
    parser.add_argument("--times", type=int, default=3, help="loads on the slow line (3)")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    options = parser.parse_args()
    record = begun()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        record["chromium"] = browser.version
        if options.before:
            record["before"] = measured(browser, options.before.resolve(), BEFORE, options.times)
        record["now"] = measured(browser, ROOT, NOW, options.times)
        browser.close()
    keep(record, options.out)


if __name__ == "__main__":
    main()
