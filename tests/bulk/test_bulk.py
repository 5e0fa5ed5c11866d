"""Bulk scoring: a file's rows, the plan, and that a kill loses and doubles nothing."""

import contextlib
import csv
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion_core import EmotionRecognizer, VideoOptions, analyze_video
from emotion_core.cli.main import main
from emotion_core.recognition.detectors import WholePicture
from support.bulk_rows import needs_ray, paths_of, rows_of, same
from support.waiting import until

ROOT = Path(__file__).parents[2]
RATE = 5.0


@needs_ray
def test_rows_are_the_recognizers_answers(mixed: Path, tmp_path: Path, recognizer: EmotionRecognizer) -> None:
    from emotion_core.bulk.score import score

    options = VideoOptions(rate=RATE)
    scored = {Path(one.path).name: one for one in score(recognizer, paths_of(mixed), options)}
    assert list(scored) == ["broken.jpg", "broken.mp4", "none.png", "three.png", "walk.mp4", "one.png"]
    for name, count in (("none.png", 0), ("three.png", 3), ("deep/one.png", 1)):
        expected, rows = rows_of(recognizer, mixed / name), scored[Path(name).name].faces
        assert len(rows) == len(expected) == count
        assert all(map(same, rows, expected))
    assert scored["none.png"].file_row()["status"] == "no_face"
    assert "not a picture" in scored["broken.jpg"].error
    assert (scored["broken.jpg"].code, scored["broken.mp4"].code) == ("not_a_picture", "not_a_video")
    assert "not a video" in scored["broken.mp4"].error

    for _ in analyze_video(mixed / "walk.mp4", tmp_path / "video", recognizer, options):
        pass
    with (tmp_path / "video" / "walk.mp4.csv").open(newline="") as file:
        lines = list(csv.DictReader(file))
    clip = scored["walk.mp4"]
    assert len(clip.faces) == len(lines) > 1
    assert clip.frames == RATE
    for row, line in zip(clip.faces, lines, strict=True):
        for name in ("person", "x", "y", "width", "height", "emotion", "uncertain"):
            assert str(row[name]) == line[name]
        assert row["time_seconds"] == pytest.approx(float(line["time_seconds"])) == pytest.approx(row["frame"] / 25)
        assert row["happy"] == pytest.approx(float(line["happy"]), abs=1e-4)


@needs_ray
def test_a_face_that_is_cut_out_already(tmp_path: Path, recognizer: EmotionRecognizer) -> None:
    from emotion_core.bulk.score import score

    rng = np.random.default_rng(0)
    for number, size in enumerate([(48, 48), (60, 40)]):
        Image.fromarray(rng.integers(0, 255, size, np.uint8)).save(tmp_path / f"{number}.png")
    whole = EmotionRecognizer(recognizer.classifier, WholePicture())
    first, second, clip = score(whole, [str(tmp_path / name) for name in ("0.png", "1.png", "a.mp4")], VideoOptions())
    assert "is for pictures" in clip.error
    crop = np.asarray(Image.open(tmp_path / "0.png"))[None, ..., None]
    expected = recognizer.classifier.probabilities(crop)[0]
    assert [first.faces[0][label] for label in recognizer.config.labels] == pytest.approx(expected, abs=1e-4)
    assert (second.faces[0]["width"], second.faces[0]["height"]) == (40, 60)


@needs_ray
def test_a_plan_is_the_same_every_time(mixed: Path, tmp_path: Path) -> None:
    from emotion_core.bulk.plan import cut

    everything = paths_of(mixed)
    assert len(everything) == 6
    pictures = paths_of(mixed / "**" / "*.png")
    assert sorted(pictures) == sorted(path for path in everything if path.endswith(".png"))
    assert paths_of(mixed / "**" / "**" / "*.png") == pictures == paths_of(mixed / "**" / "*.png")
    table = tmp_path / "in" / "listed.csv"
    table.write_text("id,file\n1,three.png\n2,gone.png\n3,deep/one.png\n")
    assert [Path(path).name for path in paths_of(table)] == ["three.png", "gone.png", "one.png"]
    import pyarrow as pa
    import pyarrow.parquet as parquet

    parquet.write_table(pa.table({"where": ["none.png"]}), tmp_path / "in" / "listed.parquet")
    assert paths_of(tmp_path / "in" / "listed.parquet", "where") == [str(mixed / "none.png")]
    shards = list(cut([(path, ()) for path in (*"abcde", "f.mp4", "g.mp4", "h")], 34))
    shards_of_paths = [[path for path, _ in shard] for shard in shards]
    assert shards_of_paths == [[*"abcde"], ["f.mp4"], ["g.mp4", "h"]]  # a video counts as 32


@needs_ray
def test_a_file_that_kills_is_passed_over(tmp_path: Path) -> None:
    from emotion_core.bulk.trail import LocalTrail

    trail = LocalTrail(tmp_path, "this-run-7")
    none: set[int] = set()
    for deadly in (none, none, {1}):
        assert trail.deadly() == deadly
        worker = trail.follow(["good", "bad", "after"], trail.deadly())
        assert list(itertools.islice(worker, 2)) == ["good", "after" if deadly else "bad"]
        worker.close()  # the process dies here
    assert LocalTrail(tmp_path, "another-run-7").deadly() == set()


def test_without_ray_it_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)  # as if not installed
    assert main(["bulk", str(tmp_path), str(tmp_path / "out")]) == 1
    assert "bulk needs ray" in (told := capsys.readouterr().err)
    assert "pip install -e '.[bulk]'" in told


@needs_ray
def test_refusals(mixed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def refused(source: Path, out: Path, *options: str) -> str:
        assert main(["bulk", str(source), str(out), "--detector", "haar", *options]) == 1
        return capsys.readouterr().err

    out = tmp_path / "out"
    assert "no folder, file or table" in refused(tmp_path / "gone", out)
    (tmp_path / "empty").mkdir()
    assert "no picture and no video" in refused(tmp_path / "empty", out)
    (tmp_path / "list.csv").write_text("a,b\n1,2\n")
    assert "no column of paths. It has: a, b" in refused(tmp_path / "list.csv", out)
    assert "No model 'nobody'" in refused(mixed, out, "--model", "nobody")
    assert "holds other files" in refused(mixed, mixed)
    assert "Nothing can be written" in refused(mixed, mixed / "none.png")
    assert not out.exists()
    from emotion_core.bulk.folder import Folder
    from emotion_core.bulk.plan import make_plan

    asked = {"rate": None, "shard_files": 256}
    plan = make_plan(Folder.at(out), str(mixed), asked, ("one", "two"))
    assert make_plan(Folder.at(out), str(mixed), asked, ("one", "two")) == plan
    told = refused(mixed, out, "--rate", "3")
    assert "holds a run with another model," in told
    assert ", rate: ask for the same" in told


@needs_ray
def test_killed_twice_and_nothing_is_lost_or_doubled(
    mixed: Path, tmp_path: Path, recognizer: EmotionRecognizer
) -> None:
    import pyarrow.parquet as parquet

    for number in range(40):
        shutil.copy(mixed / "deep" / "one.png", mixed / f"copy-{number:02}.png")
    out = tmp_path / "out"
    options = ["--detector", "haar", "--rate", str(RATE), "--workers", "2", "--shard-files", "2"]
    command = [sys.executable, "-m", "emotion_core", "bulk", str(mixed), str(out), *options]

    def start() -> subprocess.Popen[str]:
        return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    with start() as driver:
        until(lambda: len(list((out / "files").glob("shard-*.parquet"))) >= 2, 600, driver)
        os.kill(driver.pid, signal.SIGKILL)
    before = {path.name: path.stat().st_mtime_ns for path in (out / "files").glob("shard-*.parquet")}
    assert 2 <= len(before) < len(json.loads((out / "plan.json").read_text())["sizes"])
    killed_run = {path.name.partition("-")[0] for path in (out / ".trails").iterdir()}

    with start() as driver:
        found: set[int] = set()
        until(lambda: bool(workers(out, killed_run, found)), 600, driver)
        os.kill(found.pop(), signal.SIGKILL)
        told, errors = driver.communicate(timeout=600)
    assert driver.returncode == 1, errors  # as with every command when some files (here two) cannot be used
    assert "46 files" in told
    assert f"why: {out}/failures" in told
    assert "More failed than 1% of the files" in errors
    after = {path.name: path.stat().st_mtime_ns for path in (out / "files").glob("shard-*.parquet")}
    assert before.items() <= after.items()  # finished shards were not done again

    faces = parquet.read_table(out / "faces").to_pylist()
    pictures = sorted(mixed.rglob("*.png"))
    for path in pictures:
        like = mixed / "deep" / "one.png" if path.name.startswith("copy") else path
        expected = [{**row, "path": str(path)} for row in rows_of(recognizer, like)]
        rows = sorted((row for row in faces if row["path"] == str(path)), key=lambda row: row["face"])
        assert len(rows) == len(expected)
        assert all(map(same, rows, expected))
    assert {row["path"] for row in faces} - {str(path) for path in pictures} == {str(mixed / "walk.mp4")}
    files = {row["path"]: row for row in parquet.read_table(out / "files").to_pylist()}
    assert len(files) == parquet.read_table(out / "files").num_rows == 47
    assert files.pop(str(mixed / "note.txt"))["status"] == "passed_over"
    assert sum(row["faces"] for row in files.values()) == len(faces)
    failures = {Path(row["path"]).name: row["error"] for row in parquet.read_table(out / "failures").to_pylist()}
    assert failures.keys() == {"broken.jpg", "broken.mp4"}
    assert "not a picture" in failures["broken.jpg"]
    assert not list(out.rglob(".*"))


def workers(out: Path, but: set[str], found: set[int]) -> set[int]:
    """Add the process ids of workers that are reading a file, except in the runs ``but``."""
    for trail in (out / ".trails").glob("*"):
        with contextlib.suppress(FileNotFoundError):  # its shard has finished by now
            lines = trail.read_text().splitlines()
            if len(lines) > 1 and trail.name.partition("-")[0] not in but:
                found.add(int(lines[0].split()[1]))
    return found
