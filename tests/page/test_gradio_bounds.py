"""Gradio's per-visitor state stays bounded, however many session names visitors use."""

import asyncio
import contextlib
import socket
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import gradio as gr
import httpx
import pytest
import uvicorn
from fastapi import FastAPI
from gradio import route_utils

from emotion_core import Settings
from emotion_core.errors import BusyError
from emotion_core.page import gradio_bounds, uploads
from emotion_core.page.bad_calls import answer_bad_calls
from emotion_core.page.fair_queue import EACH_WAITING, MOST_WAITING
from emotion_core.page.gradio_bounds import MAX_FILES, GradioBounds
from emotion_core.page.visitor import refused
from emotion_core.serving.bodies import Bodies
from emotion_core.serving.refusals import ApiError, answer_lost_uploads
from emotion_core.serving.server import listen
from emotion_core.serving.video_queue import MOST_ON_THE_PAGE
from emotion_core.serving.workshop import Workshop
from support.in_process import config_of
from support.waiting import until


class Running:
    """A small page on a real port: a function that answers at once, one that waits, and a component's own."""

    def __init__(self, folder: Path) -> None:
        self.go_on, self.now = threading.Event(), 0.0
        #: The words of calls that wait, in the order in which they began.
        self.begun: list[str] = []
        with gr.Blocks() as self.page:
            gr.HTML(server_functions=[self.echo], elem_id="component")
            state, word = gr.State(None), gr.Textbox()
            gr.Button().click(lambda text: (text * 10, text), [word], [word, state], api_name="repeat")
            gr.Button().click(self.wait, [word], [word], api_name="wait")
            gr.Button().click(self.wait, [word], [word], api_name="four_wait", concurrency_limit=4)
            gr.Button().click(self.wait, [word], [word], api_name="all_wait", concurrency_limit=None)
            gr.Button().click(self.refuse, [word], [word], api_name="refuse")
        self.page.queue(default_concurrency_limit=1)
        app = FastAPI()
        app.add_middleware(Bodies, settings=Settings())
        gr.mount_gradio_app(app, self.page, path="/", show_error=False)
        self.page.has_launched = True
        mounted: Any = app.routes[-1]
        self.app = mounted
        self.app.app.uploaded_file_dir = str(folder)
        answer_lost_uploads(self.app.app)
        self.bounds = GradioBounds(self.page, self.app.app, Workshop(Settings()), lambda: self.now)
        answer_bad_calls(self.page, self.app.app)
        self.asgi = app
        self.url, self.line = "", httpx.Client(timeout=20)

    @staticmethod
    def echo(value: Any) -> Any:
        return value

    def wait(self, word: str) -> str:
        self.begun.append(word)
        if word != "quick":
            self.go_on.wait(20)
        return word

    @staticmethod
    def refuse(word: str) -> str:
        if word == "broken":
            raise RuntimeError("a secret")
        raise refused(BusyError("Come later.") if word == "busy" else "Not this.")

    @property
    def queue(self) -> Any:
        return self.page._queue

    def forget(self) -> None:
        self.bounds.tidy()
        self.post("run/repeat", data=["x"])  # when this is answered, the other is done

    def post(self, address: str, **body: Any) -> httpx.Response:
        return self.line.post(f"{self.url}/gradio_api/{address}", json=body)


SESSIONS, UPLOADS = 40, 20


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[Running]:
    """Runs in a thread with an event loop; otherwise Gradio would create a loop for its locks and leave it open."""
    made: list[tuple[Running, uvicorn.Server]] = []

    async def serve() -> None:
        with patch.object(gradio_bounds, "SESSIONS", SESSIONS):
            running = Running(folder)
        with listen("127.0.0.1", 0, 1) as listener:
            running.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
            server = uvicorn.Server(config_of(running.asgi, lifespan="on"))
            made.append((running, server))
            await server.serve(sockets=[listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    until(lambda: bool(made) and made[0][1].started, 60)
    [(running, server)] = made
    try:
        yield running
    finally:
        running.line.close()
        running.go_on.set()
        running.app.app.stop_event.set()
        server.should_exit = True
        thread.join()


@pytest.fixture(autouse=True)
def _quiet(running: Running) -> Iterator[None]:
    """No call is pending before or after a test."""
    running.go_on.clear()
    running.begun.clear()
    running.now = 0.0
    yield
    running.go_on.set()
    until(lambda: len(running.queue) == 0 and running.queue.get_active_worker_count() == 0)


def test_sessions(running: Running) -> None:
    """Every route that takes a session name, with more names than are kept."""
    config = running.line.get(f"{running.url}/config").json()
    [component] = [part["id"] for part in config["components"] if part["props"].get("elem_id") == "component"]
    for number in range(SESSIONS + 30):
        sent = {"data": "x", "component_id": component, "fn_name": "echo", "session_hash": f"a{number}"}
        assert running.post("component_server", **sent).json() == "x"
        if number % 10 == 0:
            assert running.post("run/repeat", data=["y"], session_hash=f"b{number}").json()["data"][0] == "y" * 10
    held = running.app.app.state_holder.session_data
    assert len(held) == SESSIONS
    assert all(not state.config_values for state in held.values())
    assert any(state.state_data for state in held.values())  # a visitor's own state is kept


def test_a_call_without_a_session_makes_no_copy_of_the_page(running: Running) -> None:
    """Gradio would build every component's configuration each time: half of the work of a small call."""
    kind = type(running.page.default_config)
    with patch.object(kind, "config_for_block", autospec=True, side_effect=kind.config_for_block) as configured:
        assert running.post("run/repeat", data=["y"]).json()["data"][0] == "y" * 10
    assert configured.call_count <= 1  # for the one component whose state changed


@pytest.mark.parametrize(("word", "status"), [("busy", 503), ("bad", 422), ("broken", 500)])
def test_a_refused_call_says_why(running: Running, word: str, status: int) -> None:
    """For calls that bypass the queue, Gradio itself answers every refusal with 500."""
    answer = running.post("run/refuse", data=[word])
    assert answer.status_code == status
    assert answer.headers.get("Retry-After") == ("2" if word == "busy" else None)
    assert answer.json()["error"] == {"busy": "Come later.", "bad": "Not this."}.get(word)
    assert running.post("run/repeat", data=["y"]).status_code == 200  # the next call is unaffected


def test_answers_that_nobody_fetches(running: Running) -> None:
    for number in range(15):
        until(lambda: running.post("call/repeat", data=["z"]).status_code == 200)
        sent = {"data": ["z"], "fn_index": 0, "session_hash": f"c{number}"}
        until(lambda sent=sent: running.post("queue/join", **sent).status_code == 200)  # type: ignore[misc]
    ready = running.queue.pending_messages_per_session
    until(lambda: not running.queue.event_ids_to_events and len(ready) >= 30, 60)
    running.forget()
    running.now = 50
    running.forget()
    assert len(ready) >= 30  # not expired yet
    running.now = 120
    running.forget()
    until(lambda: not ready)
    assert running.queue.pending_event_ids_session == {}
    assert running.queue.event_ids_to_events == {}
    answer = running.post("call/repeat", data=["z"]).json()
    with running.line.stream("GET", f"{running.url}/gradio_api/call/repeat/{answer['event_id']}") as events:
        assert "z" * 10 in events.read().decode()


def test_answers_of_one_session_that_nobody_fetches(running: Running) -> None:
    """While others came it was not idle: six thousand events of eight sessions took 240 MB, and it went on."""
    ready = running.queue.pending_messages_per_session
    event = running.post("call/wait", data=["slow"]).json()["event_id"]
    with patch.object(gradio_bounds, "MOST_UNFETCHED", 40):
        sent = {"data": ["z"], "fn_index": 0, "session_hash": "greedy"}
        for count in (30, 1):  # with the one they are counted, when all that waited have been answered
            for _ in range(count):
                until(lambda: running.post("queue/join", **sent).status_code == 200)
            until(lambda: len(running.queue) == 0)
        until(lambda: sum(messages.qsize() for messages in ready.values()) <= 50)  # the last event may be ending
        for _ in range(60):
            ready["cancels"] = ready.get("cancels") or asyncio.Queue()
            ready["cancels"].put_nowait(None)
        running.forget()
        until(lambda: "cancels" not in ready)
    running.go_on.set()
    with running.line.stream("GET", f"{running.url}/gradio_api/call/wait/{event}") as events:
        assert "slow" in events.read().decode()


def test_a_visitor_who_waits_is_not_forgotten(running: Running) -> None:
    event = running.post("call/wait", data=["slow"]).json()["event_id"]
    for now in (0, 40, 80, 120, 200):
        running.now = now
        running.forget()
    running.go_on.set()
    with running.line.stream("GET", f"{running.url}/gradio_api/call/wait/{event}") as events:
        assert "slow" in events.read().decode()


def test_a_session_that_is_forgotten_while_its_event_waits_stops_nobody(running: Running) -> None:
    """With more sessions than are kept, the oldest is; Gradio's loop then ended, and its queue for everybody."""
    functions = {fn.api_name: number for number, fn in running.page.fns.items()}
    for number in range(4):  # the first runs, the others wait
        sent = {"data": ["x"], "fn_index": functions["wait"], "session_hash": f"d{number}"}
        assert running.post("queue/join", **sent).status_code == 200
    until(lambda: running.queue.get_active_worker_count() == 1)
    for number in range(SESSIONS):
        running.queue.pending_messages_per_session[f"e{number}"] = asyncio.Queue()
    assert "d3" not in running.queue.pending_messages_per_session
    running.go_on.set()
    until(lambda: len(running.queue) == 0 and running.queue.get_active_worker_count() == 0)
    for number in range(SESSIONS):
        running.queue.pending_messages_per_session.pop(f"e{number}", None)
    event = running.post("call/repeat", data=["z"]).json()["event_id"]
    with running.line.stream("GET", f"{running.url}/gradio_api/call/repeat/{event}") as events:
        assert "z" * 10 in events.read().decode()


def test_one_address_does_not_fill_the_queue(running: Running) -> None:
    answers = [running.post("call/wait", data=["x"]) for _ in range(EACH_WAITING + 5)]
    refused = [answer for answer in answers if answer.status_code != 200]
    assert 3 <= len(refused) <= 5
    assert refused[0].status_code == 503
    assert "Too many of your requests" in refused[0].text


def join(running: Running, address: str, function: str, *words: str) -> None:
    """Put calls of a visitor at this loopback address into the queue."""
    with httpx.Client(transport=httpx.HTTPTransport(local_address=address), timeout=20) as visitor:
        for word in words:
            called = visitor.post(f"{running.url}/gradio_api/call/{function}", json={"data": [word]})
            assert called.status_code == 200


def test_one_address_has_half_of_a_functions_places(running: Running) -> None:
    """With Gradio's own order its twelve calls began first, four at a time."""
    join(running, "127.0.0.2", "four_wait", *(f"one {number}" for number in range(EACH_WAITING)))
    until(lambda: len(running.begun) == 2)
    join(running, "127.0.0.3", "four_wait", "quick")
    until(lambda: "quick" in running.begun)
    assert running.begun == ["one 0", "one 1", "quick"]


def test_functions_without_a_limit_do_not_take_all_threads(running: Running) -> None:
    """Videos wait for their turn in them: forty of these took every thread, and nobody else was answered."""
    join(running, "127.0.0.2", "all_wait", *(f"one {number}" for number in range(EACH_WAITING)))
    join(running, "127.0.0.3", "all_wait", *(f"two {number}" for number in range(EACH_WAITING)))
    join(running, "127.0.0.4", "all_wait", *(f"three {number}" for number in range(EACH_WAITING)))
    until(lambda: len(running.begun) == MOST_ON_THE_PAGE)
    time.sleep(0.2)
    words = Counter(word.split()[0] for word in running.begun)
    assert words.total() == MOST_ON_THE_PAGE
    assert words["one"] == MOST_ON_THE_PAGE // 2


def test_addresses_leave_room_in_the_queue(running: Running) -> None:
    """Eight kept all places of the page's queue, and everybody else was refused for as long as they went on."""
    running.queue.max_size = MOST_WAITING
    for number in range(2, 12):
        with contextlib.suppress(AssertionError):
            join(running, f"127.0.0.{number}", "wait", *map(str, range(EACH_WAITING)))
    assert len(running.queue) <= 58
    join(running, "127.0.0.99", "wait", "honest")
    running.queue.max_size = None


def test_an_event_that_waits_holds_once_what_was_sent(running: Running) -> None:
    """The request held it twice more: the events of a full queue took 400 MB."""
    join(running, "127.0.0.2", "wait", "a", "b")
    [event] = [event for line in running.queue.event_queue_per_concurrency_id.values() for event in line.queue]
    assert event.data.data == ["b"]
    assert not {"_body", "_json"} & set(vars(event.request))


def test_addresses_take_turns(running: Running) -> None:
    join(running, "127.0.0.2", "wait", "a 0", "a 1", "a 2", "a 3")
    until(lambda: running.begun == ["a 0"])
    join(running, "127.0.0.3", "wait", "b 0", "b 1")
    join(running, "127.0.0.4", "wait", "c 0")
    running.go_on.set()
    until(lambda: len(running.begun) == 7)
    assert running.begun == ["a 0", "b 0", "c 0", "a 1", "b 1", "a 2", "a 3"]


def test_uploads(running: Running, folder: Path) -> None:
    for number in range(UPLOADS + 20):
        files = {"files": ("x.txt", b"%d" % number)}
        assert running.line.post(f"{running.url}/gradio_api/upload?upload_id=u{number}", files=files).status_code == 200
    for path in folder.rglob("x.txt"):
        path.unlink()
    running.post("call/repeat", data=["z"])
    with patch.object(gradio_bounds, "UPLOADS", UPLOADS):
        running.forget()
    until(lambda: running.page.upload_file_set == set())
    from gradio.routes import file_upload_statuses

    assert len(file_upload_statuses._statuses) <= UPLOADS
    assert len(file_upload_statuses._signals) <= UPLOADS


def test_a_field_in_place_of_a_file(running: Running) -> None:
    """Form text is held in memory: 400 MB of it took three gigabytes."""
    for size, status in ((50_000, 200), (150_000, 413)):
        sent = {"name": (None, b"x" * size), "files": ("x.txt", b"x")}
        assert running.line.post(f"{running.url}/gradio_api/upload", files=sent).status_code == status


def test_an_upload_to_a_slow_disk(running: Running) -> None:
    """Gradio made each file on the loop that serves everybody: a busy disk held all visitors up."""
    begun, go_on, make = threading.Event(), threading.Event(), tempfile.NamedTemporaryFile

    def slow(*values: Any, **options: Any) -> Any:
        begun.set()
        go_on.wait(20)
        return make(*values, **options)

    with patch.object(route_utils, "NamedTemporaryFile", slow), ThreadPoolExecutor() as pool:
        address = f"{running.url}/gradio_api/upload"
        sent = pool.submit(lambda: httpx.post(address, params={"upload_id": "slow"}, files={"files": ("x", b"x" * 99)}))
        assert begun.wait(20)
        assert running.line.get(f"{running.url}/config", timeout=10).is_success
        go_on.set()
        [path] = sent.result(20).json()
    assert Path(path).read_bytes() == b"x" * 99
    told = running.line.get(f"{running.url}/gradio_api/upload_progress", params={"upload_id": "slow"}).text
    assert '"done"' in told


def test_an_upload_that_ends_midway(running: Running, folder: Path) -> None:
    """Its visitor goes away, or its form is cut: nothing waits for the rest, and the next one is taken."""
    address = httpx.URL(running.url)
    head = "POST /gradio_api/upload HTTP/1.1\r\nHost: x\r\nContent-Length: 900\r\n"
    form = '--x\r\nContent-Disposition: form-data; name="files"; filename="a.png"\r\n\r\nbegun'
    before = threading.active_count()
    for _ in range(5):
        with socket.create_connection((address.host, address.port or 80), 10) as line:
            line.sendall(f"{head}Content-Type: multipart/form-data; boundary=x\r\n\r\n{form}".encode())
            until(lambda: any(folder.glob("tmp*")))
        for file in folder.glob("tmp*"):
            file.unlink()
    assert running.line.post(f"{running.url}/gradio_api/upload", files={"files": ("x", b"x")}).is_success
    until(lambda: threading.active_count() <= before + 2)


def test_a_form_for_a_component_leaves_no_file(running: Running, tmp_path: Path) -> None:
    """Cut short inside a file, it left that in the system's temporary folder, whatever its size, for ever."""
    form = b'--x\r\nContent-Disposition: form-data; name="a"; filename="a.png"\r\n\r\nbegun'
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    with patch.object(tempfile, "tempdir", str(tmp_path)):
        address = f"{running.url}/gradio_api/component_server"
        assert running.line.post(address, content=form, headers=headers).status_code == 415
    assert not list(tmp_path.iterdir())


def test_a_form_of_a_thousand_files(running: Running) -> None:
    """Each was kept open and then moved: a handful of such forms took every descriptor, and held all up for 19 s."""
    for count, status in ((MAX_FILES + 1, 400), (MAX_FILES, 200)):
        sent = [("files", (f"{number}.txt", b"x")) for number in range(count)]
        assert running.line.post(f"{running.url}/gradio_api/upload", files=sent).status_code == status


@pytest.mark.parametrize("address", ["run/repeat", "call/repeat", "api/repeat", "call/refuse"])
def test_what_a_visitor_sent_is_not_logged(
    running: Running, address: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """A call of too few values quoted them all in its error: a photo was written to the log."""
    answer = running.post(address, data=["broken"] if "refuse" in address else [])
    if "call" in address:
        running.line.get(f"{running.url}/gradio_api/{address}/{answer.json()['event_id']}")
    assert ("A call failed with" in caplog.text) == ("refuse" in address)  # the others do not fit
    written = caplog.text + "".join(capfd.readouterr())
    assert not any(word in written for word in ("Traceback", "a secret", "Received"))


def test_the_files_of_an_upload_are_counted(running: Running) -> None:
    """However small: forms of sixty tiny ones filled the folder with more files than can be deleted at the end."""
    told = list[int]()

    def tell(files: int) -> None:
        told.append(files)
        if files > 3:
            raise ApiError(503)

    with patch.object(uploads, "TELL_FILES", Mock(get=lambda: tell)):
        for count, status in ((3, 200), (4, 503)):
            sent = [("files", (f"{number}.txt", b"x")) for number in range(count)]
            assert running.line.post(f"{running.url}/gradio_api/upload", files=sent).status_code == status
            assert told[-1] == count


def test_a_form_of_many_texts(running: Running) -> None:
    """Each is kept in memory: a thousand of them were a hundred megabytes for each form."""
    for count, status in ((11, 400), (10, 200)):
        sent = [(f"{number}", (None, b"x")) for number in range(count)]
        assert running.line.post(f"{running.url}/gradio_api/upload", files=sent).status_code == status


def test_very_many_parameters_of_a_files_header(running: Running) -> None:
    """A form of 8 MB full of them held everybody up for half a minute."""
    part = b'--x\r\nContent-Disposition: form-data; name="files"; filename="a%b.png"\r\n\r\n-\r\n'
    for more, status in ((b";" * 3000, 400), (b";" * 20, 200)):
        body = part.replace(b"%b", more) + b"--x--\r\n"
        headers = {"Content-Type": "multipart/form-data; boundary=x"}
        assert (
            running.line.post(f"{running.url}/gradio_api/upload", content=body, headers=headers).status_code == status
        )


@pytest.mark.parametrize("address", ["call/v2/nonsense", "call/nonsense", "run/nonsense", "queue/join"])
def test_unknown_names_are_told_in_json(running: Running, address: str) -> None:
    body: dict[str, Any] = (
        {"fn_index": None, "session_hash": "s", "data": []} if address == "queue/join" else {"data": []}
    )
    answer = running.post(address, **body)
    assert answer.status_code in (400, 404)
    assert answer.headers["content-type"] == "application/json"


def test_a_queue_without_work_sleeps(running: Running) -> None:
    """Its loops do not look for anything until an event comes; then they are as quick as ever, each time."""
    assert running.post("run/repeat", data=["x"]).is_success
    looks = 0

    class Jobs(list[Any]):
        def __iter__(self) -> Iterator[Any]:
            nonlocal looks
            looks += 1
            return super().__iter__()

    for number in range(3):
        began = time.monotonic()
        joined = running.post("queue/join", data=["x"], fn_index=0, session_hash=f"idle{number}")
        assert joined.is_success
        with running.line.stream(
            "GET", f"{running.url}/gradio_api/queue/data", params={"session_hash": f"idle{number}"}
        ) as answer:
            assert any("process_completed" in line for line in answer.iter_lines())
        assert time.monotonic() - began < 3
        until(lambda: not any(running.queue.active_jobs))
        time.sleep(0.3)  # longer than the loops sleep while there is work
        running.queue.active_jobs = Jobs(running.queue.active_jobs)
        looks = 0
        time.sleep(1)
        assert looks == 0
