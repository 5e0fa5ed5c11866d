"""Answers on the visitor's own device, in a real Chromium with a real face in front of its camera."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from emotion_core import EmotionRecognizer
from emotion_core.images import RGB
from emotion_core.recognition.bundle import embedded
from emotion_core.recognition.classifier import Classifier
from emotion_core.recognition.detectors import YuNetDetector
from emotion_core.recognition.hub import YUNET
from emotion_core.serving.browser_runtime import CDN_HOST, FILES
from support.camera import chromium, write_film
from support.on_device import analyze, parity
from support.page_server import CHROMIUM, page_server
from support.stand_in_hub import Repo, StandInHub
from support.visits import KEPT, WAYS_OUT, pixels_sent, start, tried, visit, where

pytestmark = [pytest.mark.browser, pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")]
#: The bytes that each file of ours took, by its address.
TAKEN = """() => Object.fromEntries(performance.getEntriesByType("resource")
    .filter(({ name }) => name.includes("/browser/")).map(({ name, transferSize }) => [name, transferSize]))"""
#: Generous, for busy machines: nothing here is about speed.
PATIENCE = 120_000
#: Another choice, as a visitor makes it; returns how many boxes are left then.
_CHOOSE_SERVER = """list => {
  list.value = [...list.options].find(({ text }) => text === "the server").value;
  list.dispatchEvent(new Event("change", { bubbles: true }));
  return new Promise((told) => setTimeout(() => told(document.querySelectorAll("#webcam .box").length)));
}"""


@pytest.fixture(scope="module")
def server(browser_runtime_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, runtime = tmp_path_factory.mktemp("server"), str(browser_runtime_folder)
    with page_server(folder, EMOTION_BROWSER_RUNTIME=runtime, EMOTION_DETECTOR="auto") as url:
        yield url


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def film(astronaut: RGB, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_film(tmp_path_factory.mktemp("film") / "camera.y4m", astronaut)


@pytest.fixture(scope="module")
def browser(playwright: Any, film: Path) -> Iterator[Any]:
    browser = chromium(playwright, film)
    yield browser
    browser.close()


@pytest.fixture
def context(browser: Any) -> Iterator[Any]:
    context = browser.new_context(permissions=["camera"], viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE)
    # No script on the page may send pictures in any way; everything it sends is recorded here.
    context.sent = []
    context.on("request", lambda request: context.sent.append(request))
    yield context
    context.close()


class TestStream:
    def test_no_picture_leaves_the_page(self, context: Any, server: str, tmp_path: Path) -> None:
        page = visit(context, server)
        assert where(page) == "On this device: no picture leaves it."
        sockets: list[Any] = []
        page.on("websocket", lambda socket: sockets.append(socket))
        start(page)
        assert where(page) == "On this device, by “Small and fast”: no picture leaves it."
        page.wait_for_function("document.querySelectorAll('#webcam .person li').length === 7")
        count = len(context.sent)
        page.wait_for_timeout(3000)
        later = [request.url for request in context.sent[count:]]
        assert later == []  # no request of any kind while faces are being answered
        assert pixels_sent(context) == []
        assert sockets == []
        kept = page.evaluate(KEPT)
        assert kept["files"]  # the runtime and models are cached
        assert all(address.startswith(f"{server}browser/") for address in kept["files"]), kept
        assert kept["others"] == []
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save CSV").click()
        head, *rows = saved.value.path().read_text().splitlines()
        assert head.startswith(
            "time_seconds,person,emotion,confidence,uncertain,x,y,width,height,detection_score,angry"
        )
        assert len(rows) > 3
        assert all(",happy," in row for row in rows)
        page.screenshot(path=tmp_path / "device.png", full_page=True)
        # The same check finds the pictures sent in server mode, so it would have caught them.
        page.get_by_label("Answers come from").select_option("the server")
        page.get_by_text("On the server: each frame is sent there").wait_for()
        page.wait_for_function("document.querySelector('#webcam .trip').textContent !== '–'")
        deadline = 100
        while not pixels_sent(context) and deadline:
            page.wait_for_timeout(200)
            deadline -= 1
        assert pixels_sent(context)
        assert page.problems == []

    def test_the_worker_cannot_connect(self, context: Any, server: str) -> None:
        """The code that sees the pictures cannot send anything out: the browser enforces that."""
        page = visit(context, server)
        policy = page.evaluate(
            """async () => {
              const { device } = await (await fetch("browser/manifest.json")).json();
              return (await fetch(device.worker)).headers.get("content-security-policy");
            }"""
        )
        assert policy.startswith("default-src 'none'")
        assert "connect-src" not in policy
        # In the test's own worker, which does nothing else.
        for way in WAYS_OUT:
            assert tried(page, way, "default-src 'self' 'unsafe-inline'; connect-src *") == "sent", way
            assert tried(page, way, policy) == "refused", way

    def test_stopping_between_two_frames_is_no_failure(self, context: Any, server: str) -> None:
        """Else the next start would send pictures to the server."""
        page = visit(context, server)
        for _ in range(2):
            start(page)
            # No frame comes any more, so that the stream is stopped while it waits for one.
            page.locator("#webcam video").evaluate("it => { it.requestVideoFrameCallback = () => 0; }")
            page.wait_for_timeout(700)
            page.get_by_role("button", name="Stop").click()
            page.wait_for_timeout(700)
            page.locator("#webcam video").evaluate("it => { delete it.requestVideoFrameCallback; }")
        start(page, asked=False)
        assert where(page) == "On this device, by “Small and fast”: no picture leaves it."
        assert len(page.workers) == 1
        assert pixels_sent(context) == []
        assert page.problems == []

    def test_another_network_and_detector(self, context: Any, server: str) -> None:
        page = visit(context, server)
        start(page)
        page.get_by_role("button", name="Choose who answers").last.click()
        page.get_by_label("Answered by").last.click()
        page.get_by_role("option", name="Accurate").click()  # already selected
        page.get_by_text("On this device, by “Accurate”").wait_for()
        page.locator("#webcam .box").first.wait_for()
        page.get_by_label("Faces are found by").last.click()
        page.get_by_role("option", name=re.compile("^Simple")).click()
        page.get_by_text("Haar cascade runs there alone").wait_for()
        assert page.problems == []

    def test_offline_and_the_second_visit(self, context: Any, server: str) -> None:
        """All large files are cached: a second visit does not fetch them, and needs no network to continue."""
        page = visit(context, server)
        start(page)
        heavy = {".wasm", ".tflite"}
        first = [request.url for request in context.sent if any(request.url.endswith(kind) for kind in heavy)]
        assert len(first) == 3  # one build of the runtime, one detector, one network
        page.close()
        count = len(context.sent)
        page = visit(context, server)
        page.get_by_text("On this device: no picture").wait_for()
        context.set_offline(True)
        start(page)
        assert "no picture leaves it" in where(page)
        again = [request.url for request in context.sent[count:] if any(request.url.endswith(kind) for kind in heavy)]
        assert again == []
        # Nor does it ask whether a file has changed: that takes bytes, too.
        taken = page.evaluate(TAKEN)
        assert len(taken) > 3
        assert set(taken.values()) == {0}, taken
        assert page.problems == []


#: The real steps, each begun this much later (ms).
_SLOWED = """async ([find, predict]) => {
  const place = (name) => new URL(name, location.href).href;
  const { Recognizer } = await import(place("stream.js")), { FaceSearch } = await import(place("face_search.js"));
  for (const [{ prototype }, name, late] of [[FaceSearch, "find", find], [Recognizer, "predict", predict]]) {
    const original = prototype[name];
    prototype[name] = async function (...values) {
      await new Promise((done) => setTimeout(done, late));
      return original.apply(this, values);
    };
  }
}"""
#: What is on the page whenever it changes, and at every refresh, since a box whose face rests does not change: of each
#: box its person, its caption and when the frame that it follows was captured; and the people who have a card.
_WATCHED = """() => {
  window.seen = [];
  const part = (name) => document.querySelector(`#webcam ${name}`);
  const note = (kind) => () => window.seen.push({ kind, now: performance.now(),
    boxes: [...part(".boxes").children].map((box) =>
      ({ person: box.dataset.person, captured: box.motion.captured, said: box.innerText })),
    people: [...part(".people").querySelectorAll("article")].map((it) => it.dataset.person) });
  const all = { subtree: true, childList: true, attributes: true };
  new MutationObserver(note("boxes")).observe(part(".boxes"), all);
  new MutationObserver(note("people")).observe(part(".people"), { subtree: true, childList: true });
  const refreshed = () => { note("refresh")(); requestAnimationFrame(refreshed); };
  requestAnimationFrame(refreshed);
}"""
#: Counts the captions that are drawn on canvases.
_DRAWN = """() => {
  window.drawn = 0;
  const original = CanvasRenderingContext2D.prototype.fillText;
  CanvasRenderingContext2D.prototype.fillText = function (...values) {
    window.drawn += 1;
    return original.apply(this, values);
  };
}"""


class TestBoxesFirst:
    """The faces are known long before the network is done; here it starts later than it would."""

    def slowed(self, page: Any, find: int, predict: int) -> None:
        """With everything loaded, and nobody seen yet."""
        start(page)
        page.get_by_role("button", name="Stop").click()
        [worker] = [one for one in page.workers if one.url.endswith("worker.js")]
        worker.evaluate(_SLOWED, [find, predict])
        page.evaluate(_WATCHED)

    def saved_captions(self, page: Any) -> int:
        """How many captions a picture has that is saved now."""
        page.evaluate("window.drawn = 0")
        with page.expect_download():
            page.get_by_role("button", name="Save picture").click()
        return int(page.evaluate("window.drawn"))

    def test_boxes_move_before_the_expression_is_known(self, context: Any, server: str, tmp_path: Path) -> None:
        late = 400
        page = visit(context, server)
        self.slowed(page, 0, late)
        page.get_by_role("button", name="Start the camera").click()
        page.locator("#webcam .box").wait_for()
        page.locator("#webcam .box b").filter(has_text="happy").first.wait_for()
        page.wait_for_timeout(5 * late)
        page.screenshot(path=tmp_path / "boxes.png", full_page=True)
        seen = page.evaluate("window.seen.filter(({ boxes }) => boxes.length)")
        # A newcomer's box says nothing, and there is no card of the person. From the first answer on both say it.
        assert seen[0]["people"] == []
        for step in seen:
            for box in step["boxes"]:
                named = box["person"] in step["people"]
                assert box["said"].startswith(f"{box['person']} happy") if named else box["said"] == "", step
        # Each frame's boxes are there at least as long before its answer as the network was late, and never go back.
        newest = [max(box["captured"] for box in step["boxes"]) for step in seen]
        assert newest == sorted(newest)
        answers = [(step, captured) for step, captured in zip(seen, newest, strict=True) if step["kind"] == "people"]
        assert len(answers) >= 3
        for answer, captured in answers:
            assert answer["now"] - seen[newest.index(captured)]["now"] > 0.8 * late
        assert page.problems == []

    def test_a_picture_that_is_saved_has_boxes_with_expressions_alone(self, context: Any, server: str) -> None:
        page = visit(context, server)
        page.evaluate(_DRAWN)
        start(page)
        assert self.saved_captions(page) == 1
        page.get_by_role("button", name="Stop").click()
        self.slowed(page, 0, 10_000)
        page.get_by_role("button", name="Start the camera").click()
        page.locator("#webcam .box").wait_for()
        assert self.saved_captions(page) == 0
        assert page.problems == []

    def test_nothing_comes_after_the_end(self, context: Any, server: str) -> None:
        """Neither boxes nor answers of a frame that was under way when the stream was stopped, or given to another."""
        page = visit(context, server)
        self.slowed(page, 700, 700)
        for until in ("", "boxes"):
            page.get_by_role("button", name="Start the camera").click()
            if until:
                page.locator("#webcam .box").wait_for()
            else:
                page.wait_for_function("document.querySelector('#webcam .cover').hidden")
                page.wait_for_timeout(300)
            page.get_by_role("button", name="Stop").click()
            page.evaluate("window.seen.length = 0")
            page.wait_for_timeout(2000)
            assert [step for step in page.evaluate("window.seen") if step["boxes"] or step["people"]] == []
        # Another choice: its own stream begins with nobody's number taken.
        page.get_by_role("button", name="Start the camera").click()
        page.locator("#webcam .box b").filter(has_text="1 happy").wait_for()
        assert page.get_by_label("Answers come from").evaluate(_CHOOSE_SERVER) == 0, "boxes of the stream that was left"
        page.wait_for_function("document.querySelector('#webcam .trip').textContent !== '–'")
        page.get_by_text("On the server: each frame is sent there").wait_for()
        page.locator("#webcam .person h3").filter(has_text="Person 1").wait_for()
        assert page.problems == []

    def test_the_places_are_the_answers(self, context: Any, server: str) -> None:
        page = visit(context, server)
        page.evaluate(_DEVICE)
        found = page.evaluate(
            """async () => {
              await window.device.use("fer2013-custom-cnn");
              const video = document.querySelector("#webcam video"), pairs = [];
              video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
              await video.play();
              for (let number = 0; number < 12; number++) {
                const told = [], answer = await window.device.frame(video, number / 10, (it) => told.push(it));
                pairs.push([told, answer]);
              }
              video.srcObject.getTracks().forEach((track) => track.stop());
              return pairs;
            }"""
        )
        for told, answer in found:
            faces = [{"person": face["person"], "box": face["box"]} for face in answer["faces"]]
            assert told == [{"width": answer["width"], "height": answer["height"], "faces": faces}]
            assert len(faces) == 1


_CHOOSE = """(model) => document.dispatchEvent(
  new CustomEvent("webcam-choice", { detail: { model, detector: null } }))"""
_NETWORK = """async (name) => (await (await fetch("browser/manifest.json")).json())
  .device.networks.find((one) => one.name === name).file.url.split("/").at(-1)"""
#: The networks that the worker is given.
_TAKEN_NETWORKS = """
  window.networks = [];
  const original = Worker.prototype.postMessage;
  Worker.prototype.postMessage = function (message, ...more) {
    if (message.method === "takeNetwork") window.networks.push(message.values[1].name);
    return original.call(this, message, ...more);
  };
"""


class TestChosenMeanwhile:
    """A choice counts that is made while an earlier one is still being got ready."""

    def held(self, context: Any, page: Any, network: str) -> list[Any]:
        """The requests for a network's file, which are answered no sooner than the test does it."""
        routes: list[Any] = []
        context.route(f"**/{page.evaluate(_NETWORK, network)}", lambda route: routes.append(route))
        return routes

    def wait_for(self, page: Any, routes: list[Any]) -> None:
        for _ in range(PATIENCE // 50):
            if routes:
                return
            page.wait_for_timeout(50)
        raise AssertionError("nothing was asked for")

    def choose_and_wait(self, page: Any, routes: list[Any], network: str) -> None:
        page.evaluate(_CHOOSE, network)
        page.get_by_text("Getting ready to answer on this device").wait_for()
        self.wait_for(page, routes)

    def test_the_server(self, context: Any, server: str) -> None:
        page = visit(context, server)
        start(page)
        routes = self.held(context, page, "fer2013-resnet50v2")
        self.choose_and_wait(page, routes, "fer2013-resnet50v2")
        # What was said of the people before is on the page no longer.
        assert page.locator("#webcam .person, #webcam .box").count() == 0
        assert page.locator("#webcam .trip").inner_text() == "–"
        page.get_by_label("Answers come from").select_option("the server")
        routes[0].continue_()
        page.locator("#webcam .person").first.wait_for()
        assert where(page).startswith("On the server: each frame is sent there")
        assert pixels_sent(context)
        assert page.problems == []

    def test_this_device(self, context: Any, server: str) -> None:
        """Else the page would say that no picture leaves it, and send them."""
        page = visit(context, server)
        page.get_by_label("Answers come from").select_option("the server")
        routes: list[Any] = []
        first = "component_server"  # here for a place on the server
        context.route(re.compile(first), lambda route: route.continue_() if routes else routes.append(route))
        page.get_by_role("button", name="Start the camera").click()
        self.wait_for(page, routes)
        page.get_by_label("Answers come from").select_option("this device")
        routes[0].continue_()
        page.get_by_text("On this device, by “Small and fast”").wait_for()
        page.locator("#webcam .person").first.wait_for()
        assert pixels_sent(context) == []
        assert page.problems == []

    def test_another_network_in_another_stream(self, context: Any, server: str) -> None:
        """The stream that was stopped does not give its network to the one that runs."""
        context.add_init_script(_TAKEN_NETWORKS)
        page = visit(context, server)
        start(page)
        routes = self.held(context, page, "ferplus-residual-cnn")
        self.choose_and_wait(page, routes, "ferplus-residual-cnn")
        page.get_by_role("button", name="Stop").click()
        page.evaluate(_CHOOSE, "fer2013-custom-cnn")
        start(page)
        with page.expect_event("requestfinished", lambda request: request.url == routes[0].request.url):
            routes[0].continue_()
        page.wait_for_timeout(2000)
        assert page.evaluate("window.networks") == ["fer2013-custom-cnn"]
        assert where(page) == "On this device, by “Small and fast”: no picture leaves it."
        assert page.problems == []


class TestInstead:
    """If this device cannot answer, the server does, and the page says why."""

    def test_without_what_a_browser_needs(self, context: Any, tmp_path: Path) -> None:
        with page_server(tmp_path) as url:
            page = visit(context, url)
            start(page, asked=False)
            assert where(page) == "On the server: each frame is sent there, analysed in memory and dropped."
            assert page.locator("#webcam .place").is_hidden()
            assert page.problems == []
            page.close()

    def test_a_file_that_is_another(self, context: Any, server: str) -> None:
        context.route("**/*.wasm", lambda route: route.fulfill(body=b"\0asm other", content_type="application/wasm"))
        page = visit(context, server)
        start(page, asked=False)
        assert "This device cannot answer by itself: A file that this needs did not come" in where(page)
        # On request, the page tries again.
        context.unroute("**/*.wasm")
        page.get_by_label("Answers come from").select_option("this device")
        page.get_by_text("On this device, by “Small and fast”").wait_for()
        assert page.problems == []

    def test_webassembly_is_switched_off(self, context: Any, server: str) -> None:
        context.add_init_script("delete window.WebAssembly;")
        page = visit(context, server)
        assert "This browser has WebAssembly switched off." in where(page)
        start(page, asked=False)
        assert where(page).startswith("On the server")

    def test_in_a_frame(self, context: Any, server: str) -> None:
        """As embedded in other sites, with camera permission delegated."""
        page = context.new_page()
        context.route("**/around.html", lambda route: route.fulfill(
            body=f'<iframe src="{server}" allow="camera" width="1200" height="800"></iframe>', content_type="text/html",
            headers={"Cross-Origin-Embedder-Policy": "require-corp"},
        ))  # fmt: skip
        page.goto(f"{server}around.html")
        frame = page.frame_locator("iframe")
        frame.get_by_role("tab", name="Webcam").click()
        frame.get_by_role("button", name="Start the camera").click()
        frame.locator("#webcam .box b").filter(has_text="happy").first.wait_for()
        frame.get_by_text("On this device, by “Small and fast”").wait_for()


def test_the_runtime_from_a_public_network(
    context: Any, browser_runtime_folder: Path, yunet: bytes, tmp_path: Path
) -> None:
    """The privacy line says so; each file is checked against our hash, whoever sends it."""
    [name] = YUNET.sha256
    hub = StandInHub()
    hub.repos[YUNET.repo_id] = Repo({name: yunet}, commit=YUNET.revision or "")
    spoilt = ["plain.wasm", "threaded.wasm"]

    def answer(route: Any) -> None:
        [own] = [own for own, file in FILES.items() if file.address == route.request.url]
        body = (browser_runtime_folder / own).read_bytes()
        headers = {"Access-Control-Allow-Origin": "*", "Cross-Origin-Resource-Policy": "cross-origin"}
        route.fulfill(body=body + b" " if own in spoilt else body, headers=headers)

    context.route(f"{CDN_HOST}/**", answer)
    cache = str(tmp_path / "hub")
    with page_server(tmp_path, HF_ENDPOINT=hub.url, HF_HOME=cache, EMOTION_BROWSER_RUNTIME="cdn") as url:
        page = visit(context, url)
        assert "The program that does it comes from cdn.jsdelivr.net" in where(page)
        start(page, asked=False)
        assert "is not the one that was published" in where(page)
        spoilt.clear()
        page.get_by_label("Answers come from").select_option("this device")
        page.get_by_text("On this device, by “Small and fast”").wait_for()
        page.locator("#webcam .box").first.wait_for()
        assert page.problems == []
        page.close()
    hub.close()


@pytest.mark.parametrize("model", ["fer2013-custom-cnn", "ferplus-residual-cnn", "fer2013-resnet50v2"])
def test_the_same_answers(model: str, context: Any, server: str, yunet: bytes, astronaut: RGB, montage: RGB) -> None:
    """Light and dark frames, upright and rotated, with no, one, three and small faces."""
    bundle = embedded(model)
    assert bundle is not None
    recognizer = EmotionRecognizer(Classifier.from_bundle(bundle), YuNetDetector(yunet))
    image = Image.fromarray(astronaut)
    three = np.asarray(Image.fromarray(montage).resize((640, 640)))
    pictures = [astronaut, three, astronaut[:, ::-1].copy(), (astronaut * 0.2).astype(np.uint8), astronaut[300:]]
    pictures += [np.asarray(image.rotate(angle)) for angle in (-14, 9, 40)]
    pictures += [np.asarray(image.crop((150, 40, 290, 200)).resize((side, side))) for side in (90, 141)]
    found = parity(recognizer, pictures, analyze(visit(context, server), model, pictures))
    assert found["faces"]["core"] == found["faces"]["browser"] == found["found_by_both"] >= 10
    assert found["same_label"] == found["same_doubts"] == 1
    assert found["probability_gap"]["largest"] < 0.02
    # The same face is found at two sizes with scores equal to four digits, so either box may win.
    assert found["box_gap"]["largest"] < 0.06


_DEVICE = """async () => {
  const manifest = await (await fetch("browser/manifest.json")).json();
  const { Device } = await import(new URL(manifest.entry, location.href));
  window.device = await Device.start(manifest.device, location.href);
}"""
_USED = """async (model) => { await window.device.use(model); return window.device.accelerator; }"""
#: Chromium's program that stands in for a card is many times slower than WebAssembly.
_TAKEN_FOR_A_CARD = 'Object.defineProperty(GPUAdapterInfo.prototype, "isFallbackAdapter", { get: () => false })'
_AS_QUICK = "let now = 0; performance.now = () => (now += 10);"


def test_a_graphics_card(playwright: Any, film: Path, server: str, yunet: bytes, astronaut: RGB) -> None:
    """Used where it gives the same answers and is no slower; only a real one is tried."""
    model = "fer2013-custom-cnn"
    bundle = embedded(model)
    assert bundle is not None
    recognizer = EmotionRecognizer(Classifier.from_bundle(bundle), YuNetDetector(yunet))
    browser = chromium(playwright, film, "--enable-unsafe-webgpu")
    used = []
    for changes in ("", _AS_QUICK, _TAKEN_FOR_A_CARD, f"{_TAKEN_FOR_A_CARD}; {_AS_QUICK}"):
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        page.goto(server)
        if not page.evaluate("async () => Boolean(await navigator.gpu?.requestAdapter())"):
            pytest.skip("this Chromium has no WebGPU")
        page.evaluate(_DEVICE)
        [worker] = [one for one in page.workers if one.url.endswith("worker.js")]
        worker.evaluate(f"() => {{ {changes} }}")
        used.append(page.evaluate(_USED, model))
        if used[-1] == "webgpu":
            pictures = [astronaut, astronaut[:, ::-1].copy()]
            found = parity(recognizer, pictures, analyze(page, model, pictures))
            assert found["found_by_both"] == 2
            assert found["same_label"] == found["same_doubts"] == 1
            assert found["probability_gap"]["largest"] < 0.02
        page.close()
    browser.close()
    assert used == ["wasm", "wasm", "wasm", "webgpu"]
