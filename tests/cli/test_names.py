"""The command line copes with real-world file names: in its own process, as started by a user."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from support import clips

ROOT = Path(__file__).parents[2]
LONG = "a" * 240 + ".png"
EMOJI = "\U0001f600 smile.png"
BYTES = os.fsdecode(b"caf\xe9 \xff.png")


def run(folder: Path, *arguments: str, encoding: str = "cp1252") -> "subprocess.CompletedProcess[bytes]":
    """Run ``python -m emotion_core ...`` in a folder, with an old code page as console encoding and without a shell."""
    return subprocess.run(
        [sys.executable, "-m", "emotion_core", *arguments, "--detector", "haar"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=600,
        check=False,
    )


@pytest.fixture
def photo(tmp_path: Path, astronaut: np.ndarray) -> Path:
    path = tmp_path / "one.png"
    Image.fromarray(astronaut).save(path)
    return path


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems take no bytes that are no text")
def test_every_name_survives(photo: Path) -> None:
    names = [LONG, EMOJI, BYTES, "-dash.png", "new\nline.png"]
    for name in names:
        shutil.copy(photo, photo.with_name(name))
    (photo.parent / "\U0001f4a5.jpg").write_bytes(b"nothing")
    out = photo.parent / "out"
    given = [name if name[0] != "-" else f"./{name}" for name in names]
    done = run(photo.parent, "image", *given, "\U0001f4a5.jpg", "gone \U0001f47b.jpg", "--out", "out")
    told, errors = done.stdout.decode("cp1252"), done.stderr.decode("cp1252")
    assert done.returncode == 1, errors
    assert "Traceback" not in errors
    assert told.count("happy") == len(names)
    assert "\\U0001f600 smile.png:" in told
    assert "\\udce9 \\udcff.png:" in told
    assert "\\U0001f4a5.jpg: This is not a picture" in errors
    assert "\\U0001f47b.jpg: There is no file" in errors
    assert len(list(out.glob("*.annotated.png"))) == len(list(out.glob("*.json"))) == len(names)
    assert (out / f"{EMOJI}.json").is_file()
    assert (out / f"{BYTES}.json").is_file()

    reports = json.loads(run(photo.parent, "image", LONG, EMOJI, BYTES, "--json").stdout)
    assert [report["file"] for report in reports] == [LONG, EMOJI, BYTES]
    assert all(report["faces"][0]["emotion"] == "happy" for report in reports)


def test_patterns_and_folders_where_no_shell_helps(photo: Path) -> None:
    album = photo.parent / "album [1]"
    (album / "deep").mkdir(parents=True)
    for name in ("a.png", "b[2].png", "deep/a.png"):
        shutil.copy(photo, album / name)
    (album / "notes.txt").write_text("no picture")

    reports = json.loads(run(album, "image", "*.png", "--json").stdout)
    assert [report["file"] for report in reports] == ["a.png", "b[2].png"]
    reports = json.loads(run(photo.parent, "image", "album [1]/b[2].png", "album [1]/[ab]*.png", "--json").stdout)
    assert [Path(report["file"]).name for report in reports] == ["b[2].png", "a.png", "b[2].png"]
    none = run(photo.parent, "image", "*.gif", "--json")
    assert (none.returncode, "no file '*.gif'" in json.loads(none.stdout)[0]["error"]) == (1, True)

    for _ in range(2):  # the second time its own output is already there
        done = run(photo.parent, "image", "album [1]", "--out", "album [1]/out")
        assert done.returncode == 0, done.stderr
        assert done.stdout.count(b"1 happy") + done.stdout.count(b"  happy") == 3
        assert b"notes.txt: passed over. Names in .txt" in done.stderr
        assert b"out: passed over. The folder of the answers." in done.stderr
    written = {path.relative_to(album / "out").as_posix() for path in (album / "out").rglob("*.json")}
    assert written == {"a.png.json", "b[2].png.json", "deep/a.png.json"}

    (photo.parent / "empty").mkdir()
    nothing = run(photo.parent, "image", "empty")
    assert nothing.returncode == 1
    assert b"nothing in this folder" in nothing.stderr


@pytest.mark.skipif(sys.platform != "linux", reason="other file systems take no bytes that are no text")
def test_videos_of_every_name(tmp_path: Path) -> None:
    clip = tmp_path / "clips" / f"\U0001f3ac {'b' * 230}.mp4"
    clip.parent.mkdir()
    still = clips.scene({1: clips.across(90, 0)}, 0)[0]
    clips.encode(clip, [still] * 5)
    shutil.copy(clip, clip.with_name(os.fsdecode(b"\xff.m2v")))
    (clip.parent / "broken.mp4").write_bytes(b"nothing")
    done = run(tmp_path, "video", "clips", "--out", "out")
    told, errors = done.stdout.decode("cp1252"), done.stderr.decode("cp1252")
    assert done.returncode == 1, errors
    assert "Traceback" not in errors
    assert told.count("5 frames") == 2
    assert told.count("person 1") == 2
    assert "broken.mp4: This is not a video" in errors
    assert len(list((tmp_path / "out").glob("*.annotated.mp4"))) == 2
    assert not list((tmp_path / "out").glob(".*"))


def test_libraries_write_nothing_beside_the_answer(photo: Path) -> None:
    done = run(photo.parent, "image", photo.name)
    assert done.stdout
    assert done.stderr == b""


def test_tensorflow_writes_nothing_beside_a_document(tmp_path: Path) -> None:
    """Nor does Keras: of the commands that import them without training."""
    (tmp_path / "page.md").write_text("<!-- table: comparison -->\n<!-- /table -->\n")
    told = {name: text for name, text in os.environ.items() if not name.startswith("TF_CPP")}
    done = subprocess.run(
        [sys.executable, "-m", "emotion_core", "tables", "page.md"],
        cwd=tmp_path,
        env={**told, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=600,
        check=False,
    )
    assert done.stdout.decode().strip() == "page.md: renewed"
    assert done.stderr == b""
