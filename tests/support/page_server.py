"""``python app.py`` in its own process, and the Chromium that opens it."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from support.waiting import free_port, is_up, until

ROOT = Path(__file__).parents[2]
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run"]


@contextlib.contextmanager
def page_server(folder: Path, nonsense: bool = False, root: Path | str = ROOT, **settings: str) -> Iterator[str]:
    """The address of a server with these environment variables; at its end it must leave no files or errors.

    nonsense: the input may make Gradio's own routes fail and log errors. root: the checkout to serve.
    """
    port = free_port()
    environment = {
        **os.environ,
        "GRADIO_SERVER_PORT": str(port),
        "GRADIO_TEMP_DIR": str(folder / "cache"),
        "EMOTION_DETECTOR": "haar",
        **settings,
    }
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([sys.executable, "app.py"], cwd=root, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/"
    try:
        try:
            until(lambda: is_up(url), 300, process)
        except AssertionError as error:
            raise AssertionError((folder / "log").read_text()) from error
        yield url
    finally:
        process.terminate()
        status = process.wait(60)
    assert status == 0, (folder / "log").read_text()
    # Gradio 6.31 fails on the second cancellation of an event, and its own client sends two; the first one
    # has already worked.
    said = (folder / "log").read_text()
    complaints = [line for line in said.splitlines() if "A request failed" in line and "in cancel_event" not in line]
    assert nonsense or not complaints, complaints
    assert "Exception in ASGI application" not in said
    assert [path for path in (folder / "cache").rglob("*") if path.is_file()] == []  # no visitor's file is left behind
