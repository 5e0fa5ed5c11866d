"""Which files are selected by names, patterns and folders."""

import os
import socket
from pathlib import Path

import pytest

from emotion_core import inputs
from emotion_core.files import MAX_NAME, fitting, unfinished
from emotion_core.inputs import files_in, matches

PICTURES = (".jpg", ".heic")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    names = ("a.jpg", "b.JPG", "c.txt", ".hidden.jpg", "x[1].jpg", "x1.jpg", "[2]/d.jpg", "2/e.jpg", "2/deep/f.jpg")
    for name in names:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


@pytest.mark.parametrize(
    ("pattern", "meant"),
    [
        ("a.jpg", ["a.jpg"]),
        ("x[1].jpg", ["x[1].jpg"]),  # the file of that name, not x1.jpg
        ("x[12].jpg", ["x1.jpg"]),
        ("x?.jpg", ["x1.jpg"]),
        ("x[1]*.jpg", ["x1.jpg"]),
        ("x[1].*", ["x1.jpg"]),
        ("x\\*.jpg", []),
        ("*.txt", ["c.txt"]),
        ("[2]/*.jpg", ["[2]/d.jpg"]),  # a folder with that name
        ("[23]/*.jpg", ["2/e.jpg"]),
        ("**/*.jpg", ["2/deep/f.jpg", "2/e.jpg", "[2]/d.jpg", "a.jpg", "x1.jpg", "x[1].jpg"]),
        (".*.jpg", [".hidden.jpg"]),
        ("./*.txt", ["c.txt"]),
        ("2/../*.txt", ["2/../c.txt"]),
        ("gone.jpg", []),
        ("gone/*.jpg", []),
        ("*.gone", []),
    ],
)
@pytest.mark.skipif(os.name == "nt", reason="there, names are alike in whatever case, and back-slashes part them")
def test_what_a_pattern_stands_for(folder: Path, pattern: str, meant: list[str]) -> None:
    assert matches(pattern) == meant
    absolute = [str(folder / name) for name in meant]
    assert matches(f"{folder}/{pattern}") == absolute


def test_brackets_are_letters_where_no_class_matches(folder: Path) -> None:
    (folder / "x1.jpg").unlink()
    assert matches("x[1]*.jpg") == ["x[1].jpg"]
    (folder / "[2]" / "y[a.jpg").write_bytes(b"")
    assert matches("[2]/y[*") == [str(Path("[2]", "y[a.jpg"))]


@pytest.mark.skipif(os.name == "nt", reason="links and sockets are not for every user there")
def test_of_a_folder_every_file_is_either_taken_or_told(folder: Path) -> None:
    (folder / "g.HEIC").write_bytes(b"")
    (folder / "no-ending").write_bytes(b"")
    (folder / ".git").mkdir()
    (folder / ".git" / "h.jpg").write_bytes(b"")
    (folder / "around").symlink_to(folder)
    (folder / "gone.jpg").symlink_to(folder / "nowhere")
    (folder / "loop.jpg").symlink_to(folder / "loop.jpg")
    (folder / "out").mkdir()
    (folder / "out" / "i.jpg").write_bytes(b"")
    os.mkfifo(folder / "pipe.jpg")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket.jpg")
        told: dict[str, str] = {}
        taken = list(files_in(str(folder), PICTURES, told.__setitem__, str(folder / "out")))
    names = [
        "a.jpg",
        "b.JPG",
        "g.HEIC",
        "gone.jpg",
        "loop.jpg",
        "x1.jpg",
        "x[1].jpg",
        "2/e.jpg",
        "2/deep/f.jpg",
        "[2]/d.jpg",
    ]
    assert taken == [str(folder / name) for name in names]
    reasons = {Path(path).name: reason for path, reason in told.items()}
    assert reasons.keys() == {
        *("c.txt", ".hidden.jpg", "no-ending", ".git", "around", "out", "pipe.jpg", "socket.jpg"),
    }
    assert ".txt" in reasons["c.txt"]
    assert "without an ending" in reasons["no-ending"]
    assert "hidden" in reasons[".git"].lower()
    assert "link" in reasons["around"]
    assert "pipe" in reasons["pipe.jpg"]
    assert list(files_in(str(folder / "nothing"), PICTURES, told.__setitem__)) == []
    assert "cannot be read" in told[str(folder / "nothing")]


@pytest.mark.parametrize("name", ["a" * 244 + ".jpg", "ä" * 120 + ".jpeg", "\U0001f600" * 61 + ".png", "b.jpg"])
def test_names_that_fit(name: str, tmp_path: Path) -> None:
    made = fitting("", name, ".annotated.png")
    assert len(os.fsencode(made)) <= MAX_NAME
    assert made.endswith(".annotated.png")
    (tmp_path / made).write_bytes(b"")
    other = fitting("", f"{name[:150]}x{name[151:]}", ".annotated.png")
    assert other != made or len(name) < 150
    with unfinished(tmp_path / name) as part:
        part.write_text("whole")
        assert part.suffix == Path(name).suffix
    assert (tmp_path / name).read_text() == "whole"
    assert not list(tmp_path.glob(".part-*"))


def test_short_names_stay_as_they_are() -> None:
    assert fitting("", "a.jpg", ".json") == "a.jpg.json"
    longest = "a" * (MAX_NAME - len(".json"))
    assert fitting("", longest, ".json") == longest + ".json"
    assert "~" in fitting("", longest + "a", ".json")


def test_a_folder_too_large_to_be_sorted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "SORTED", 3)
    (tmp_path / "inner").mkdir()
    paths = {str(tmp_path / f"{number}.png") for number in range(10)} | {str(tmp_path / "inner" / "x.png")}
    for path in paths:
        Path(path).touch()
    (tmp_path / "note.txt").touch()
    passed: dict[str, str] = {}
    found = list(files_in(str(tmp_path), {".png"}, passed.__setitem__))
    assert len(found) == len(paths)
    assert set(found) == paths
    assert list(passed) == [str(tmp_path / "note.txt")]
