"""Stores beside S3: Google's by an emulator, the Hub's by a stand-in, ``file://``; addresses that lead nowhere."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from emotion_core import DataError, EmotionRecognizer, ImageError, MissingPackageError, VideoOptions
from emotion_core.cli.main import main
from support.bulk_rows import needs_ray, paths_of, rows, rows_of, same
from support.stand_in_hub import TOKEN, Repo, StandInHub
from support.stores import BUCKET, gs, needs_gs, needs_s3, upload

ROOT = Path(__file__).parents[2]


def whole_command(mixed: Path, source: str, out: str, recognizer: EmotionRecognizer) -> None:
    """Run ``bulk`` from one address into another, as its users do, check every row, and run it again for nothing."""

    def run() -> list[dict[str, Any]]:
        line = [sys.executable, "-m", "emotion_core", "bulk", source, out, "--detector", "haar", "--workers", "1"]
        line += ["--shard-files", "2", "--max-failures", "50%", "--json"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
        done = subprocess.run(
            line, cwd=mixed.parent, env=environment, stdout=subprocess.PIPE, text=True, timeout=600, check=True
        )
        return [json.loads(line) for line in done.stdout.splitlines()]

    assert run()[-1]["succeeded"] is True
    assert not [path for path in mixed.parent.iterdir() if path.name.startswith(source[:2])]  # no folder called gs:
    found = rows(out, "faces")
    for name, faces in (("three.png", 3), ("deep/one.png", 1), ("none.png", 0)):
        expected = [{**row, "path": f"{source}/{name}"} for row in rows_of(recognizer, mixed / name)]
        written = [row for row in found if row["path"] == f"{source}/{name}"]
        assert len(written) == len(expected) == faces
        assert all(map(same, written, expected))
    assert [(row["path"], row["code"]) for row in rows(out, "failures")] == [(f"{source}/broken.jpg", "not_a_picture")]
    assert len(rows(out, "files")) == 4
    assert run()[-1]["last_run"]["files"] == 0
    assert rows(out, "faces") == found


@needs_gs
def test_the_whole_command_from_and_into_googles_store(
    mixed: Path, monkeypatch: pytest.MonkeyPatch, recognizer: EmotionRecognizer
) -> None:
    for name in ("walk.mp4", "broken.mp4", "note.txt"):
        (mixed / name).unlink()
    with gs() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        upload(mixed, f"gs://{BUCKET}/photos")
        whole_command(mixed, f"gs://{BUCKET}/photos", f"gs://{BUCKET}/scores", recognizer)


@needs_ray
@pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # the Hub's client, of its own client
def test_the_whole_command_from_and_into_the_hub(
    mixed: Path, hub: StandInHub, monkeypatch: pytest.MonkeyPatch, recognizer: EmotionRecognizer
) -> None:
    names = ("three.png", "none.png", "deep/one.png", "broken.jpg")
    hub.repos["datasets/we/faces"] = Repo({f"photos/{name}": (mixed / name).read_bytes() for name in names})
    hub.repos["datasets/we/out"] = Repo({"README.md": b"x"})
    for name, value in {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}.items():
        monkeypatch.setenv(name, value)
    whole_command(mixed, "hf://datasets/we/faces/photos", "hf://datasets/we/out/scores", recognizer)
    assert "scores/files" in " ".join(hub.repos["datasets/we/out"].files)


@needs_s3
def test_files_are_read_ahead_in_order(bucket: str, mixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever are left out, and one that is too large or gone is an error of its own."""
    from emotion_core.bulk import ahead
    from emotion_core.bulk.codes import code_of

    for number in range(30):
        (mixed / f"{number:02}.png").write_bytes(bytes([number]) * (100 if number == 7 else 10))
    upload(mixed, f"{bucket}/ahead")
    paths = [f"{bucket}/ahead/{number:02}.png" for number in range(31)]
    monkeypatch.setattr(ahead, "MOST", 50)
    with ahead.Ahead(paths) as content:
        for number in (0, 1, *range(5, 31)):
            if number in (7, 30):
                with pytest.raises((ImageError, OSError)) as caught:
                    content(paths[number])
                assert code_of(caught.value) == ("picture_limit" if number == 7 else "missing")
            else:
                assert content(paths[number]) == bytes([number]) * 10
        assert content(paths[2]) == bytes([2]) * 10  # asked for late


@needs_gs
def test_googles_store(mixed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from emotion_core.bulk.ahead import Ahead
    from emotion_core.bulk.find import find
    from emotion_core.bulk.folder import Folder

    with gs() as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        folder = Folder.at(f"gs://{BUCKET}/scores")
        assert folder.files() == []
        for name in ("three.png", "none.png"):
            folder.write(f"in/{name}", (mixed / name).read_bytes())
        found = [path for path, _ in find(f"gs://{BUCKET}/scores/in")]
        assert found == [f"gs://{BUCKET}/scores/in/{name}" for name in ("none.png", "three.png")]
        with Ahead(found) as content:
            assert content(found[1]) == (mixed / "three.png").read_bytes()
        url = f"{environment['CLOUD_STORAGE_EMULATOR_ENDPOINT']}/upload/storage/v1/b/{BUCKET}/o"
        for name in ("a.png", "deep/er/b.png", ".hidden/c.png"):  # as its own tools do, which mark no folders
            asked = {"uploadType": "media", "name": f"plain/{name}"}
            httpx.post(url, params=asked, content=b"x", headers={"Content-Type": "image/png"}).raise_for_status()
        below = [path for path, _ in find(f"gs://{BUCKET}/plain")]
        assert below == [f"gs://{BUCKET}/plain/{name}" for name in ("a.png", "deep/er/b.png")]
        folder.remove("in/none.png")
        assert folder.files() == ["in/three.png"]
        assert folder.has("in/three.png")
        assert not folder.has("in/none.png")


@needs_ray
def test_a_data_set_on_the_hub(mixed: Path, hub: StandInHub, recognizer: EmotionRecognizer) -> None:
    from emotion_core.bulk.score import score

    names = ("photos/deep/one.png", "photos/none.png", "photos/note.txt", "readme.md")
    hub.repos["datasets/we/faces"] = Repo(
        {name: (mixed / name.removeprefix("photos/")).read_bytes() if "photos" in name else b"x" for name in names}
    )
    source = "hf://datasets/we/faces/photos"
    found = paths_of(source)
    assert found == [f"{source}/none.png", f"{source}/deep/one.png"]
    assert [len(one.faces) for one in score(recognizer, found, VideoOptions())] == [0, 1]


@needs_ray
@pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning")  # the Hub's client, of its own client
def test_a_result_on_the_hub(hub: StandInHub, monkeypatch: pytest.MonkeyPatch) -> None:
    from emotion_core.bulk.folder import Folder

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)  # the stand-in does not support Xet
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    repo = hub.repos["datasets/we/out"] = Repo({"README.md": b"x"})
    folder = Folder.at("hf://datasets/we/out/scores")
    assert folder.files() == []
    for name, content in (("files/a", b"small"), ("files/b", bytes(range(256)) * 200)):
        folder.write(name, content)
        assert repo.files[f"scores/{name}"] == content
        assert folder.read(name) == content
    repo.files["scores/files/c"] = b"of another worker"
    assert folder.files() == ["files/a", "files/b", "files/c"]
    assert folder.has("files/c")
    folder.remove("files/a")
    assert folder.files("files") == ["files/b", "files/c"]
    folder.remove_below("files")
    assert repo.files.keys() == {"README.md"}
    monkeypatch.setenv("HF_TOKEN", "not that one")
    with pytest.raises(OSError, match="401"):  # a refusal at the end is not passed over
        folder.write("files/d", b"lost?")


@needs_ray
def test_file_addresses_are_paths(mixed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from emotion_core.bulk.folder import Folder
    from emotion_core.bulk.places import absolute

    monkeypatch.chdir(tmp_path)
    assert absolute("in") == str(mixed)
    assert absolute(mixed.as_uri()) == str(mixed)
    assert absolute((mixed / "a b").as_uri()) == str(mixed / "a b")
    assert Folder.at(f"file://localhost{mixed}").local == mixed
    table = tmp_path / "list.csv"
    table.write_text(f"path\n{mixed.as_uri()}/none.png\ns3://bucket/x/y.png\nin/three.png\n")
    assert paths_of(table) == [str(mixed / "none.png"), "s3://bucket/x/y.png", str(mixed / "three.png")]


@needs_ray
@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("s3:/bucket/x", "lost a slash"),
        ("file://folder/x", "as if it were a machine"),
        ("s3://", "names no bucket"),
        ("nothing://x/y", "cannot be reached"),
        ("abfs://container/x", "pip install adlfs"),
    ],
)
def test_addresses_that_lead_nowhere(
    place: str,
    told: str,
    mixed: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    from emotion_core.bulk.find import find
    from emotion_core.bulk.places import absolute

    monkeypatch.chdir(tmp_path)
    assert main(["bulk", str(mixed), place, "--detector", "haar"]) == 1
    assert told in capsys.readouterr().err
    with pytest.raises((DataError, MissingPackageError), match=told):
        list(find(absolute(place)))
    assert list(tmp_path.iterdir()) == [mixed]
