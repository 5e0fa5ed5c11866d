"""The real server: called by the Python client, and opened in Chromium."""

import base64
import json
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError
from PIL import Image

from emotion_core.recognition.bundle import EMBEDDED
from support.page_server import CHROMIUM, FLAGS, ROOT, page_server


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with page_server(tmp_path_factory.mktemp("server")) as url:
        yield url


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory, astronaut: np.ndarray, montage: np.ndarray) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    Image.fromarray(astronaut).save(folder / "astronaut.png")
    Image.fromarray(montage).save(folder / "montage.jpg", quality=95)
    Image.new("RGB", (320, 240), "gray").save(folder / "empty.png")
    (folder / "notes.png").write_text("no picture at all")
    return folder


@pytest.fixture(scope="module")
def client(server: str) -> Client:
    return Client(server, verbose=False)


class TestClient:
    def test_a_photo(self, client: Client, photos: Path) -> None:
        result = client.predict(handle_file(photos / "montage.jpg"), api_name="/analyze_image")
        assert len(result["faces"]) == 3
        assert result["faces"][0]["emotion"] == "happy"
        assert sum(result["faces"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)

    def test_no_face(self, client: Client, photos: Path) -> None:
        assert client.predict(handle_file(photos / "empty.png"), api_name="/analyze_image")["faces"] == []

    def test_errors_can_be_read(self, client: Client, photos: Path) -> None:
        with pytest.raises(AppError, match="not a picture"):
            client.predict(handle_file(photos / "notes.png"), api_name="/analyze_image")

    def test_the_endpoints_are_typed_and_the_only_ones(self, client: Client) -> None:
        endpoints: Any = client.view_api(return_format="dict", print_info=False)
        assert list(endpoints["named_endpoints"]) == ["/analyze_image", "/analyze_video", "/models"]
        [returned] = endpoints["named_endpoints"]["/analyze_image"]["returns"]
        assert set(returned["type"]["properties"]) == {"width", "height", "model", "detector", "faces"}
        [listed] = endpoints["named_endpoints"]["/models"]["returns"]
        assert {"name", "default", "labels", "figures"} <= set(listed["type"]["items"]["properties"])

    def test_models(self, client: Client) -> None:
        model, *others = client.predict(api_name="/models")
        assert {other["name"] for other in others} == {path.name for path in EMBEDDED.iterdir()} - {model["name"]}
        assert not any(other["default"] for other in others)
        assert model["default"]
        assert len(model["labels"]) == 7
        assert 0.5 < model["figures"]["private"]["accuracy"] < 1

    def test_rest_is_on_the_same_port(self, server: str, photos: Path) -> None:
        photo = (photos / "astronaut.png").read_bytes()
        answer = httpx.post(f"{server}api/v1/analyze", files={"image": photo}).raise_for_status()
        assert answer.json()["results"][0]["faces"][0]["emotion"] == "happy"
        assert httpx.get(f"{server}healthz").json()["status"] == "ok"
        assert httpx.get(f"{server}api/nowhere").json()["error"]["code"] == "not_found"
        assert httpx.get(f"{server}nowhere").json() == {"detail": "Not Found"}  # the page's own

    def test_many_at_once(self, client: Client, photos: Path) -> None:
        names = ["astronaut.png", "empty.png", "montage.jpg"] * 4
        with ThreadPoolExecutor(6) as pool:
            results = pool.map(
                lambda name: client.predict(handle_file(photos / name), api_name="/analyze_image"), names
            )
        assert [len(result["faces"]) for result in results] == [1, 0, 3] * 4

    def test_the_commands_of_the_readme(self, server: str, photos: Path) -> None:
        readme = (ROOT / "README.md").read_text().replace("http://127.0.0.1:7860", server.rstrip("/"))
        program = readme.split("```python\n")[1].split("```")[0]
        shell = next(part for part in readme.split("```bash\n")[1:] if part.startswith("URL=")).split("```")[0]
        shutil.copy(photos / "montage.jpg", photos / "photo.jpg")
        for command in ([sys.executable, "-c", program], ["bash", "-euc", shell]):
            done = subprocess.run(command, cwd=photos, capture_output=True, text=True, timeout=60, check=True)
            assert done.stdout.count("happy") >= 3, done.stdout

    @pytest.mark.parametrize("meta", [{}, {"meta": {"_type": "gradio.FileData"}}])
    def test_files_of_the_server_stay_there(self, server: str, photos: Path, meta: dict[str, Any]) -> None:
        """A picture that the server could read, and that nobody uploaded, offered to every handler that takes files."""
        config = httpx.get(f"{server}config").json()
        parts = {part["id"]: part for part in config["components"]}
        stranger = {"path": str(photos / "astronaut.png"), **meta}
        tried = 0
        for function in config["dependencies"]:
            types = [parts[number]["type"] for number in function["inputs"]]
            if not {"image", "photoinput", "file", "video", "videoinput"} & set(types):
                continue
            values = [parts[number]["props"].get("value") for number in function["inputs"]]
            offered = {"image": stranger, "photoinput": stranger, "file": [stranger], "video": stranger}
            data = [offered.get(kind, value) for kind, value in zip(types, values, strict=True)]
            body = {"data": data, "fn_index": function["id"], "session_hash": "x"}
            answer = httpx.post(f"{server}gradio_api/run/predict", json=body, timeout=30)
            tried += 1
            assert "happy" not in answer.text, function
        assert tried >= 7

    def test_a_picture_in_the_request_itself(self, server: str, photos: Path) -> None:
        content = base64.b64encode((photos / "astronaut.png").read_bytes()).decode()
        body = {"data": [{"url": f"data:image/png;base64,{content}"}, ""]}
        request = urllib.request.Request(
            f"{server}gradio_api/run/analyze_image", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert json.load(answer)["data"][0]["faces"][0]["emotion"] == "happy"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def camera(astronaut: np.ndarray, tmp_path: Path) -> Iterator[Any]:
    """Chromium with a camera that shows the astronaut."""
    import cv2
    from playwright.sync_api import sync_playwright

    frame = np.zeros((480, 640, 3), np.uint8)
    frame[:, 64:576] = astronaut[:480]
    planes = np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2YUV_I420)).tobytes()
    film = tmp_path / "camera.y4m"
    film.write_bytes(b"YUV4MPEG2 W640 H480 F10:1 Ip A1:1 C420\n" + (b"FRAME\n" + planes) * 5)
    flags = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, *flags, f"--use-file-for-fake-video-capture={film}"]
        )
        yield browser.new_context(permissions=["camera"])
        browser.close()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
def test_a_snapshot_from_the_camera(camera: Any, server: str) -> None:
    page = camera.new_page()
    page.goto(server)
    page.get_by_label("Capture from camera").click()
    page.get_by_text("Click to Access Webcam").click()
    page.wait_for_function("document.querySelector('video').videoWidth > 0")
    page.wait_for_timeout(1000)  # the first frames of a camera are dark
    page.get_by_label("capture photo").click()
    page.get_by_text("1 face: happy").wait_for()


@pytest.mark.browser
@pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed")
class TestBrowser:
    @pytest.fixture(params=["light desktop", "dark phone"])
    def page(self, request: pytest.FixtureRequest, browser: Any, server: str) -> Iterator[Any]:
        dark, phone = request.param == "dark phone", request.param == "dark phone"
        context = browser.new_context(
            color_scheme="dark" if dark else "light",
            viewport={"width": 390, "height": 844} if phone else {"width": 1280, "height": 900},
        )
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.hosts, complaints = set(), []
        page.on("console", lambda message: complaints.append(message.text))
        page.on("request", lambda sent: page.hosts.add(sent.url.split("/")[2]))
        page.goto(server)
        yield page
        assert [text for text in complaints if "policy" in text.lower()] == []
        context.close()

    def drop(self, page: Any, photo: Path) -> None:
        page.locator("input[type=file]").first.set_input_files(str(photo))

    def test_a_photo_comes_back_boxed(self, page: Any, photos: Path, tmp_path: Path) -> None:
        self.drop(page, photos / "montage.jpg")
        page.locator("#faces article").nth(2).wait_for()
        assert page.locator("#faces h3").inner_text() == "3 faces: 3 happy"
        assert page.locator("#faces article").first.locator("li").count() == 7
        page.locator("#figures tbody tr").nth(2).wait_for()
        for empty in ("#compared", "#reasons"):
            page.locator(empty).wait_for(state="hidden")
        link = page.locator("#faces a[download='emotions.json']").get_attribute("href")
        assert len(json.loads(base64.b64decode(link.split(",")[1]))["faces"]) == 3
        with page.expect_download() as saved:
            page.locator("#faces a[download='emotions.csv']").click()
        assert saved.value.path().read_text().startswith("face,emotion")
        picture = page.locator("img[src*='/file=']").last
        assert picture.evaluate("image => image.naturalWidth") > 1000
        # Nothing sticks out sideways, and nobody else was asked for anything.
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        assert all(host.startswith("127.0.0.1") for host in page.hosts if host)
        page.screenshot(path=tmp_path / "page.png", full_page=True)

    def test_no_face_is_a_friendly_answer(self, page: Any, photos: Path) -> None:
        self.drop(page, photos / "empty.png")
        page.get_by_text("Nothing in this picture looks like a face").wait_for()

    def test_a_bad_file_is_explained_and_the_next_one_works(self, page: Any, photos: Path) -> None:
        self.drop(page, photos / "astronaut.png")
        page.get_by_text("1 face: happy").wait_for()
        page.get_by_label("Remove Image").click()
        page.locator("#faces article").wait_for(state="detached")
        self.drop(page, photos / "notes.png")
        page.get_by_text("This is not a picture that can be read").wait_for()
        assert page.locator("#faces article, #figures tr").count() == 0
        page.get_by_label("Remove Image").click()
        self.drop(page, photos / "astronaut.png")
        page.get_by_text("1 face: happy").wait_for()

    def test_what_is_not_there_takes_no_room(self, page: Any, photos: Path) -> None:
        self.drop(page, photos / "astronaut.png")
        page.get_by_text("Which pixels spoke?").click()
        page.locator("#reasons figure").wait_for()
        assert page.locator("#figures").is_visible()
        page.get_by_label("Remove Image").click()
        for answer in ("#figures", "#compared", "#reasons"):
            page.locator(answer).wait_for(state="hidden")

    def test_the_page_says_what_it_is(self, page: Any) -> None:
        text = page.locator("#about").inner_text()
        for words in ("Perceived expression, not feeling", "AI Act", "PrivateTest", "fer2013-resnet50v2"):
            assert words in text
