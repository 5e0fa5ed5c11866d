"""Visitors' files: how long they live, what a killed process leaves, and how much there may be."""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from emotion_core import EmotionError, SettingsError
from emotion_core.serving.temporary import LOCK, ShortLivedFolder, keep
from support.rest_server import ROOT
from support.waiting import until

_KILLED = """
import os, signal, sys
from emotion_core.serving.temporary import ShortLivedFolder
files = ShortLivedFolder(90, sys.argv[1])
(files.path / "photo.jpg").write_bytes(b"x")
print(files.path, flush=True)
if sys.argv[2] == "die":
    os.kill(os.getpid(), signal.SIGKILL)
sys.stdin.read()
"""


def process(folder: Path, what: str) -> "subprocess.Popen[str]":
    """A process with a photo in its store, which kills itself with SIGKILL or lives on."""
    return subprocess.Popen(
        [sys.executable, "-c", _KILLED, str(folder), what],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_files_live_as_long_as_stated(tmp_path: Path) -> None:
    folder = ShortLivedFolder(0.4, str(tmp_path / "made" / "for it"))
    kept = folder.path / "deep" / "photo.jpg"
    kept.parent.mkdir()
    kept.write_bytes(b"x")
    folder.sweep()
    assert kept.exists()
    time.sleep(0.7)
    assert not kept.exists()


def test_an_upload_can_be_kept(tmp_path: Path) -> None:
    folder = ShortLivedFolder(0.4, str(tmp_path), result_seconds=60)
    upload = folder.path / "clip.mp4"
    upload.write_bytes(b"x")
    with folder.results() as results:
        kept = keep(upload, results)
    time.sleep(0.9)
    assert not upload.exists()
    assert kept.read_bytes() == b"x"
    with pytest.raises(EmotionError, match="Upload it again"):
        keep(upload, results)


def test_a_folder_of_results_is_found_by_its_name_alone(tmp_path: Path) -> None:
    """Whoever asks may have made the name up."""
    folder = ShortLivedFolder(60, str(tmp_path))
    with folder.results() as results:
        assert folder.file_in(results.name) is None
        (results / "clip.mp4").write_bytes(b"x")
    assert folder.file_in(results.name) == results / "clip.mp4"
    for made_up in (
        None,
        3,
        "",
        "..",
        f"../results/{results.name}",
        f"{results.name}/..",
        "x" * 22,
        f"{results.name}\0",
    ):
        assert folder.file_in(made_up) is None
    (results / "table.csv").write_bytes(b"x")
    assert folder.file_in(results.name) is None, "an answer's folder, not a clip's"


def test_the_sweeper_survives_whatever_it_meets(tmp_path: Path) -> None:
    """Folders that vanish and a failing chore do not keep it from deleting everything else."""
    files = ShortLivedFolder(0.2, str(tmp_path))
    files.also(lambda: (_ for _ in ()).throw(PermissionError("not yours")))
    stop = threading.Event()

    def come_and_go() -> None:
        while not stop.is_set():
            for number in range(20):
                (files.path / f"{number}" / "deep").mkdir(parents=True, exist_ok=True)
            for number in range(20):
                shutil.rmtree(files.path / f"{number}", ignore_errors=True)

    restless = threading.Thread(target=come_and_go)
    restless.start()
    try:
        for _ in range(300):
            files.sweep()
    finally:
        stop.set()
        restless.join()
    photo = files.path / "photo.jpg"
    photo.write_bytes(b"x")
    until(lambda: not photo.exists(), 5)
    assert "sweeper" in [thread.name for thread in threading.enumerate() if thread.is_alive()]
    files.delete()


def test_what_a_killed_process_left_goes_at_the_next_start(tmp_path: Path) -> None:
    with process(tmp_path, "die") as killed:
        left = Path(killed.communicate(timeout=60)[0].strip())
    assert killed.returncode == -signal.SIGKILL
    assert (left / "photo.jpg").exists()
    with process(tmp_path, "live") as living:
        assert living.stdout is not None
        alive = Path(living.stdout.readline().strip())
        assert not left.exists()
        files = ShortLivedFolder(90, str(tmp_path))
        assert (alive / "photo.jpg").exists()  # a running process keeps its files
        living.communicate("", timeout=60)
    files.delete()
    assert list(tmp_path.iterdir()) == []


def test_what_a_stop_left_goes_at_the_next_start(tmp_path: Path) -> None:
    """A process that is ended while it deletes thousands of files had deleted the lock by which they are known."""
    files = ShortLivedFolder(90, str(tmp_path))
    (files.path / "a hash").mkdir()
    (files.path / "a hash" / "photo.jpg").write_bytes(b"x")
    for number in range(50):
        (files.path / f"begun{number}").write_bytes(b"x")
    order, unlink = list[str](), os.unlink

    def noted(path: Any, **more: Any) -> None:
        order.append(Path(path).name)
        unlink(path, **more)

    with patch("os.unlink", noted):
        files.delete()
    assert (order.index(LOCK), len(order)) == (51, 52)
    assert list(tmp_path.iterdir()) == []


def test_thousands_of_files_do_not_outlive_a_stop(tmp_path: Path) -> None:
    """On a busy disk each takes milliseconds to delete."""
    folder, delete = ShortLivedFolder(90, str(tmp_path)), shutil.rmtree
    for number in range(400):
        (folder.path / str(number)).mkdir()
        (folder.path / str(number) / "a").write_bytes(b"x")

    def slow(path: Path, **options: Any) -> None:
        time.sleep(0.01)
        delete(path, **options)

    with patch("shutil.rmtree", slow):
        start = time.monotonic()
        folder.delete()
        assert time.monotonic() - start < 2
    assert not folder.path.exists()


def test_what_is_left_when_python_ends_is_deleted(tmp_path: Path) -> None:
    """By then no thread begins."""
    folder, left = tmp_path, process(tmp_path, "live")
    left.communicate()
    assert list(folder.iterdir()) == []


def test_empty_folders_go_too(tmp_path: Path) -> None:
    files = ShortLivedFolder(0.3, str(tmp_path))
    (files.path / "a hash" / "deep").mkdir(parents=True)
    with files.results() as results:
        (results / "x").write_bytes(b"x")
    apart = files.apart("jobs")
    until(lambda: sorted(path.name for path in files.path.iterdir()) == [LOCK, "jobs", "results"], 5)
    until(lambda: list((files.path / "results").iterdir()) == [], 5)
    assert apart.is_dir()
    files.delete()


def test_a_folder_that_cannot_be_one_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"GRADIO_TEMP_DIR: .*file \(File exists\)\. Name a folder"):
        ShortLivedFolder(1, str(tmp_path / "file"))


def test_a_full_disk_costs_no_place(tmp_path: Path) -> None:
    """A job that got no folder takes no place."""
    from emotion_core.serving.jobs import JobQueue, Progress
    from emotion_core.serving.line import Line

    files = ShortLivedFolder(90, str(tmp_path))

    def idle(*_: object) -> Generator[Progress, None, None]:
        yield from ()

    jobs = JobQueue(idle, Line(1), 60, files)
    shutil.rmtree(files.path / "jobs")
    (files.path / "jobs").write_bytes(b"")  # no folder can be created in it, as on a full disk
    for _ in range(3):
        with pytest.raises(NotADirectoryError):
            jobs.reserve()
    (files.path / "jobs").unlink()
    (files.path / "jobs").mkdir()
    assert jobs.reserve() is not None
    jobs.close()
    files.delete()
