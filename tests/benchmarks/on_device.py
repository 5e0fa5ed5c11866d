"""Answers in the visitor's own browser: ``python tests/benchmarks/on_device.py --photos FOLDER --out on_device.json``.

Needs Chromium, ``BROWSER_RUNTIME`` (a folder that ``browser-runtime`` made) and ``YUNET_ONNX``. Whole answers are
compared with the core's, photo by photo; then a real face moves before Chromium's camera, in the page as it is
served; then many visitors fetch what a browser needs, and stay. All share the machine.

Of each frame that is answered, two latencies are taken, both from the moment when the browser presented the camera's
frame on the page until a screen refresh. camera_to_box_ms: the first one in which a box stands elsewhere because of
this frame. Boxes glide, so it is then on its way there. camera_to_expression_ms: the first one after the people's
probabilities were written, which is when the whole answer is on the page. frames_a_second counts the frames that were
analysed, expressions_a_second those of them that the network saw: a slow one does not see each. ``--only`` renews a
part of a record.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE.parent)]  # run as a program, where the package may not be installed

import httpx
from load import memory_megabytes
from playwright.sync_api import sync_playwright
from recording import begun, keep
from skimage import data

from emotion_core import EmotionRecognizer
from emotion_core.images import load_image
from emotion_core.recognition.bundle import embedded
from emotion_core.recognition.classifier import Classifier
from emotion_core.recognition.detectors import YuNetDetector
from support.camera import chromium, write_film
from support.on_device import analyze, parity
from support.page_server import page_server

#: The models, and the page's names for them.
MODELS = {"fer2013-custom-cnn": "Small and fast", "fer2013-resnet50v2": "Accurate"}
PATIENCE_MS = 120_000
PARTS = ("stream", "one_visitor", "parity", "crowd")
#: Measures each frame's latencies from the camera's picture to box and expression on the page, in milliseconds.
#: Boxes move on at every refresh, by themselves, so a box tells which frame it follows: ``captured`` of its motion,
#: which is just before that frame's picture was taken. The page's own refresh comes before this one's.
_WATCH = """() => {
  const video = document.querySelector("#webcam video"), original = window.createImageBitmap;
  const frames = [], places = new WeakMap();
  let presented = null, answered = null;
  const shown = (now, frame) => { presented = frame.presentationTime; video.requestVideoFrameCallback(shown); };
  video.requestVideoFrameCallback(shown);
  window.createImageBitmap = (...values) => {
    window.taken += 1;
    if (presented !== null) frames.push({ taken: performance.now(), presented, drawn: false });
    if (frames.length > 100) frames.shift();
    return original(...values);
  };
  window.taken = 0;
  window.boxLags = [];
  window.expressionLags = [];
  const refreshed = () => {
    for (const box of document.querySelectorAll("#webcam .box")) {
      const { left, top, width, height } = box.style, place = [left, top, width, height].join();
      const moved = places.has(box) && places.get(box) !== place;
      const frame = frames.find(({ taken }) => taken >= box.motion.captured);
      places.set(box, place);
      if (!moved || !frame || frame.drawn) continue;
      frame.drawn = true;
      window.boxLags.push(performance.now() - frame.presented);
    }
    requestAnimationFrame(refreshed);
  };
  requestAnimationFrame(refreshed);
  new MutationObserver(() => {
    const frame = frames.at(-1);
    if (!frame || frame === answered) return;
    answered = frame;
    requestAnimationFrame(() => window.expressionLags.push(performance.now() - frame.presented));
  }).observe(document.querySelector("#webcam .people"), { subtree: true, childList: true });
}"""


def compared(browser: Any, url: str, photos: list[Path], yunet: bytes) -> dict[str, Any]:
    """Parity of every network on the photos."""
    page = browser.new_page()
    page.set_default_timeout(0)
    page.goto(url)
    pictures = [load_image(path) for path in photos]
    found = {}
    for name in MODELS:
        bundle = embedded(name)
        assert bundle is not None
        recognizer = EmotionRecognizer(Classifier.from_bundle(bundle), YuNetDetector(yunet))
        found[name] = parity(recognizer, pictures, analyze(page, name, pictures))
    page.close()
    return found


def stayed(browser: Any, url: str, pid: int, seconds: float) -> dict[str, float]:
    """The server's CPU time for one visitor's stream, once everything is loaded, and when idle before it."""
    idle = cpu_seconds(pid)
    time.sleep(seconds)
    idle = cpu_seconds(pid) - idle
    context = browser.new_context(permissions=["camera"])
    context.set_default_timeout(PATIENCE_MS)
    page, _, _ = _visit(context, url, next(iter(MODELS)))
    before = cpu_seconds(pid)
    page.wait_for_timeout(1000 * seconds)
    used = cpu_seconds(pid) - before
    context.close()
    return {"seconds": seconds, "server_cpu_seconds": round(used, 2), "idle_server_cpu_seconds": round(idle, 2)}


def streamed(browser: Any, url: str, model: str, seconds: float) -> dict[str, Any]:
    """A visitor's first and second visit, and ``seconds`` of streaming in between."""
    context = browser.new_context(permissions=["camera"], viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    page, first, received = _visit(context, url, model)
    page.evaluate(_WATCH)
    page.wait_for_timeout(2000)
    page.evaluate("window.taken = window.boxLags.length = window.expressionLags.length = 0")
    page.wait_for_timeout(1000 * seconds)
    taken, boxes, expressions = page.evaluate("[window.taken, window.boxLags, window.expressionLags]")
    analysis = page.locator("#webcam .work").inner_text()
    where = page.locator("#webcam .where").inner_text()
    page.close()
    assert MODELS[model] in where, where
    page, second, again = _visit(context, url, model)
    context.close()
    return {
        "first_visit": {"click_to_answer_ms": first, "bytes": received},
        "second_visit": {"click_to_answer_ms": second, "bytes": again},
        "seconds": seconds,
        "frames_a_second": round(taken / seconds, 1),
        "expressions_a_second": round(len(expressions) / seconds, 1),
        "analysis_ms": int(analysis.removesuffix(" ms")),
        "camera_to_box_ms": _percentiles(boxes),
        "camera_to_expression_ms": _percentiles(expressions),
    }


def _percentiles(values: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(values, n=100)
    return {f"p{share}": round(cuts[share - 1], 1) for share in (50, 95)}


def _visit(context: Any, url: str, model: str) -> tuple[Any, int, int]:
    """The page with its stream running; milliseconds from click to answer; bytes of on-device files, as sent."""
    page = context.new_page()
    session, sizes, addresses = context.new_cdp_session(page), [], {}
    session.send("Network.enable")
    session.on("Network.requestWillBeSent", lambda it: addresses.update({it["requestId"]: it["request"]["url"]}))
    session.on(
        "Network.loadingFinished",
        lambda it: sizes.append(it["encodedDataLength"]) if "/browser/" in addresses[it["requestId"]] else None,
    )
    page.goto(url)
    page.get_by_role("tab", name="Webcam").click()
    page.get_by_label("Answers come from").select_option("this device")
    page.evaluate(
        "(model) => document.dispatchEvent(new CustomEvent('webcam-choice', {detail: {model, detector: null}}))", model
    )
    start = time.monotonic()
    page.get_by_role("button", name="Start the camera").click()
    page.locator("#webcam .person").first.wait_for()
    return page, round(1000 * (time.monotonic() - start)), round(sum(sizes))


async def crowd(url: str, pid: int, count: int, seconds: float) -> dict[str, Any]:
    """Let ``count`` visitors fetch the page and all a browser needs at once, and stay connected for a while."""
    errors: list[str] = []
    most = memory_megabytes(pid)

    async def visit(number: int) -> None:
        limits = httpx.Limits(max_connections=4)
        own = {"X-Forwarded-For": f"10.1.{number // 250}.{number % 250 + 1}"}  # each with an address of its own
        async with httpx.AsyncClient(base_url=url, timeout=300, limits=limits, headers=own) as line:
            (await line.get("/")).raise_for_status()
            device = (await line.get("browser/manifest.json")).raise_for_status().json()["device"]
            files = [device["runtime"][name] for name in ("core.js", "utilities.js", "plain.js", "plain.wasm")]
            network = next(one for one in device["networks"] if one["name"] == device["first"])
            for file in [*files, device["detector"]["file"], network["file"]]:
                async with line.stream("GET", file["url"], headers={"Accept-Encoding": "br"}) as answer:
                    answer.raise_for_status()
                    async for _ in answer.aiter_raw():
                        pass
            async with line.stream("GET", f"gradio_api/heartbeat/visitor{number}") as answer:
                answer.raise_for_status()
                await asyncio.sleep(seconds)

    async def counted(number: int) -> None:
        try:
            await visit(number)
        except httpx.HTTPError as error:
            errors.append(f"{type(error).__name__}: {error}"[:200])

    visits = asyncio.gather(*(counted(number) for number in range(count)))
    while not visits.done():
        most = max(most, memory_megabytes(pid))
        await asyncio.sleep(0.2)
    return {"visitors": count, "errors": sorted(set(errors)), "failed": len(errors), "server_megabytes": round(most)}


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process and its descendants."""
    ticks = 0
    for one in [pid, *_descendants(pid)]:
        fields = Path(f"/proc/{one}/stat").read_text().rpartition(") ")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _descendants(pid: int) -> list[int]:
    children = [
        int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [one for child in children for one in (child, *_descendants(child))]


def main() -> None:
    """Measure and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=Path, required=True, metavar="FOLDER", help="JPEG files")
    parser.add_argument("--most", type=int, default=200, help="photos that are compared (200)")
    parser.add_argument("--seconds", type=float, default=20, help="of each stream (20)")
    parser.add_argument("--stay", type=float, default=600, help="seconds of one visitor, for the server's work (600)")
    parser.add_argument("--visitors", type=int, default=200, help="who fetch the files at once (200)")
    parser.add_argument("--only", choices=PARTS, help="renew this part of the record")
    parser.add_argument("--out", type=Path, required=True, metavar="JSON")
    options = parser.parse_args()
    record: dict[str, Any] = {**(json.loads(options.out.read_text()) if options.only else {}), **begun()}
    wanted = [options.only] if options.only else PARTS
    photos = sorted(options.photos.glob("*.jpg"))[: options.most]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        film = write_film(folder / "camera.y4m", data.astronaut())
        runtime = os.environ["BROWSER_RUNTIME"]
        with page_server(folder, EMOTION_BROWSER_RUNTIME=runtime, EMOTION_TRUSTED_PROXIES="1") as url:
            [pid] = [one for one in _descendants(os.getpid()) if b"app.py" in Path(f"/proc/{one}/cmdline").read_bytes()]
            with sync_playwright() as playwright:
                browser = chromium(playwright, film)
                record["chromium"] = browser.version
                measured: dict[str, Callable[[], Any]] = {
                    "stream": lambda: {model: streamed(browser, url, model, options.seconds) for model in MODELS},
                    "one_visitor": lambda: stayed(browser, url, pid, options.stay),
                    "parity": lambda: compared(browser, url, photos, Path(os.environ["YUNET_ONNX"]).read_bytes()),
                }
                record.update({part: measured[part]() for part in wanted if part in measured})
                browser.close()
            if "crowd" in wanted:
                record["crowd"] = asyncio.run(crowd(url, pid, options.visitors, 20))
    keep(record, options.out)


if __name__ == "__main__":
    main()
