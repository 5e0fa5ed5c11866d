"""Sources and results in S3, by moto's server; other stores are in ``test_addresses``."""

import hashlib
import json
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from emotion_core import DataError, EmotionRecognizer
from emotion_core.cli.main import main
from support.bulk_rows import rows, rows_of, same
from support.processes import importing
from support.stores import needs_s3, upload
from support.waiting import until

ROOT = Path(__file__).parents[2]
RATE = 5.0


def metadata(address: str, table: str) -> dict[str, str]:
    """What the files of a table say of the schema and the model; AssertionError if they do not agree."""
    from pyarrow.dataset import dataset

    from emotion_core.bulk.places import reach

    system, path = reach(f"{address}/{table}")
    names = ("emotion.schema_version", "emotion.model", "emotion.model_sha256")
    told = [file.physical_schema.metadata for file in dataset(path, filesystem=system).get_fragments()]
    [one] = {tuple(metadata[name.encode()].decode() for name in names) for metadata in told}
    return dict(zip(names, one, strict=True))


@needs_s3
def test_from_s3_into_s3(bucket: str, mixed: Path, tmp_path: Path, recognizer: EmotionRecognizer) -> None:
    """The whole command: a table with columns, into partitions, in a store; then once more, which does nothing."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    def run(*options: str) -> tuple[int, list[dict[str, Any]]]:
        line = [sys.executable, "-m", "emotion_core", "bulk", *command, *options]
        done = subprocess.run(line, cwd=tmp_path, env=importing(), stdout=subprocess.PIPE, text=True, timeout=600)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines()]

    listed = ["three.png", "none.png", "deep/one.png", "walk.mp4", "gone.png", "broken.jpg", "three.png"]
    columns = {"file": listed, "id": range(7), "split": ["a", "b", "a/b c", "a", None, "b", "b"]}
    parquet.write_table(pa.table({name: list(values) for name, values in columns.items()}), mixed / "list.parquet")
    upload(mixed, f"{bucket}/some photos")
    source, out = f"{bucket}/some photos/list.parquet", f"{bucket}/some scores"
    command = [source, out, "--detector", "haar", "--rate", str(RATE), "--workers", "2", "--shard-files", "34"]
    command += ["--keep", "*", "--partition-by", "split", "--json"]
    code, lines = run("--max-failures", "50%")
    assert code == 0
    assert [line["event"] for line in lines[-2:]] == ["progress", "summary"]
    assert lines[0] == {
        "event": "progress",
        "files_total": 6,
        "files_done": 0,
        "faces": 0,
        "failed": 0,
        "files_per_second": 0.0,
        "seconds_left": None,
    }
    assert (lines[-2]["files_done"], lines[-2]["failed"]) == (6, 2)
    assert lines[-1]["succeeded"] is True
    assert {path.name for path in tmp_path.iterdir()} == {"in"}  # and no folder called s3:

    faces = rows(out, "faces")
    for name, split, number in (("three.png", "a", 0), ("deep/one.png", "a/b c", 2), ("none.png", "b", 1)):
        address = f"{bucket}/some photos/{name}"
        expected = [{**row, "path": address, "split": split, "id": number} for row in rows_of(recognizer, mixed / name)]
        found = [row for row in faces if row["path"] == address]
        assert len(found) == len(expected)
        assert all(map(same, found, expected))
    assert sum(row["path"].endswith("walk.mp4") for row in faces) > 1
    assert recognizer.bundle is not None
    network = hashlib.sha256((recognizer.bundle.folder / recognizer.bundle.serves_from()).read_bytes()).hexdigest()
    for table in ("faces", "failures", "files"):
        assert metadata(out, table) == {
            "emotion.schema_version": "2",
            "emotion.model": recognizer.config.name,
            "emotion.model_sha256": network,
        }
    failures = {row["path"].rpartition("/")[2]: row for row in rows(out, "failures")}
    assert {name: (row["code"], row["split"]) for name, row in failures.items()} == {
        "gone.png": ("missing", None),
        "broken.jpg": ("not_a_picture", "b"),
    }
    files = rows(out, "files")
    assert [(row["status"], row["id"]) for row in files if row["path"].endswith("gone.png")] == [("failed", 4)]
    assert [row["note"][:13] for row in files if row["status"] == "passed_over"] == ["Listed before"]
    assert len(files) == 7

    code, lines = run()  # nothing is left to do, and 2 of 6 failed
    assert code == 1
    assert lines[-1]["last_run"]["files"] == 0
    assert rows(out, "faces") == faces


@needs_s3
def test_killed_in_a_store(bucket: str, mixed: Path, tmp_path: Path) -> None:
    """The driver dies with shards under way; the same command goes on, and no row is lost or doubled."""
    from emotion_core.bulk.folder import Folder
    from emotion_core.bulk.tables import finished

    for number in range(30):
        shutil.copy(mixed / "deep" / "one.png", mixed / f"copy-{number:02}.png")
    for name in ("walk.mp4", "broken.mp4"):
        (mixed / name).unlink()
    upload(mixed, f"{bucket}/many")
    source, out = f"{bucket}/many", f"{bucket}/many-scores"
    command = [sys.executable, "-m", "emotion_core", "bulk", source, out, "--detector", "haar", "--shard-files", "2"]

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*command, "--max-failures", "1"],
            cwd=tmp_path,
            env=importing(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    folder = Folder.at(out)
    with start() as driver:
        until(lambda: len(finished(folder)) >= 3, 600, driver)
        driver.kill()
    before = finished(folder)
    with start() as driver:
        told, errors = driver.communicate(timeout=600)
    assert driver.returncode == 0, errors
    assert "34 files" in told
    assert 3 <= len(before) < len(finished(folder)) == 17
    counts = Counter(row["path"] for row in rows(out, "faces"))
    assert counts.pop(f"{bucket}/many/three.png") == 3
    assert set(counts.values()) == {1}
    assert len(counts) == 31
    assert [row["code"] for row in rows(out, "failures")] == ["not_a_picture"]
    assert not [name for name in folder.files() if name.startswith(".")]


@needs_s3
def test_what_is_found_in_a_bucket(bucket: str, mixed: Path) -> None:
    from emotion_core.bulk.find import find, kept

    (mixed / "deep" / ".hidden.png").write_bytes(b"x")
    shutil.copytree(mixed / "deep", mixed / "day=2024-01-02" / "deep")
    upload(mixed, f"{bucket}/found")
    passed: dict[str, str] = {}
    found = dict(find(f"{bucket}/found", None, passed.__setitem__, ["day"]))
    assert found.pop(f"{bucket}/found/day=2024-01-02/deep/one.png") == ("2024-01-02",)
    names = {"broken.jpg", "broken.mp4", "none.png", "three.png", "walk.mp4", "deep/one.png"}
    assert found == {f"{bucket}/found/{name}": (None,) for name in names}
    assert kept(f"{bucket}/found", None, ["day"]).names == ["day"]
    assert {path.removeprefix(f"{bucket}/found/") for path in passed} == {
        *("note.txt", "deep/.hidden.png", "day=2024-01-02/deep/.hidden.png"),
    }
    globbed = {path for path, _ in find(f"{bucket}/found/**/*.png")}
    assert globbed == {f"{bucket}/found/{name}" for name in names if name.endswith("png")} | {
        f"{bucket}/found/day=2024-01-02/deep/one.png"
    }
    with pytest.raises(DataError, match="pattern for its bucket"):
        list(find("s3://*/x.png"))
    for nothing in (f"{bucket}/nowhere", "s3://no-such-bucket/x"):
        with pytest.raises(DataError, match="cannot be read"):
            list(find(nothing))


@needs_s3
def test_a_file_that_kills_is_found_in_a_store_too(bucket: str) -> None:
    """The first attempts write nothing for each file; those after two deaths do, and two more tell the file."""
    from emotion_core.bulk.folder import Folder
    from emotion_core.bulk.trail import trail_of

    folder = Folder.at(f"{bucket}/trails")
    for attempt in range(5):
        trail = trail_of(folder, "run", 3)
        deadly = trail.deadly()
        assert deadly == ({1} if attempt == 4 else set())
        follow = trail.follow(["good", "bad", "after"], deadly)
        read = [next(follow), next(follow)]
        assert read == ["good", "after" if deadly else "bad"]
        follow.close()  # the process dies here
    assert trail_of(folder, "other-run", 3).deadly() == set()
    trail.forget()
    assert folder.files() == []


@needs_s3
def test_what_cannot_be_written_is_said(bucket: str, mixed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    upload(mixed / "deep", f"{bucket}/full")
    assert main(["bulk", str(mixed), f"{bucket}/full", "--detector", "haar"]) == 1
    assert "holds other files" in capsys.readouterr().err
    assert main(["bulk", str(mixed), "s3://no-such-bucket/x", "--detector", "haar"]) == 1
    assert "Nothing can be written into s3://no-such-bucket/x" in capsys.readouterr().err
