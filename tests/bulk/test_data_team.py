"""What a data team asks of a bulk run: columns, partitions, codes, limits, metadata, a plan of any size."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from emotion_core import DataError, EmotionRecognizer, ImageError, VideoOptions
from emotion_core.bulk.limits import USUAL, Failures, names, share
from emotion_core.bulk.pool import Workers
from support.bulk_rows import needs_ray, paths_of
from support.processes import importing

ROOT = Path(__file__).parents[2]


@needs_ray
def test_each_failure_has_a_code(mixed: Path, recognizer: EmotionRecognizer) -> None:
    from emotion_core.bulk.codes import CODES, code_of
    from emotion_core.bulk.score import score

    Image.new("RGB", (8, 8)).save(mixed / "tiny.png")
    paths = [str(mixed / name) for name in ("gone.png", "gone.mp4", "tiny.png", "broken.jpg", "broken.mp4", "deep")]
    if os.geteuid():  # root may read everything
        (mixed / "secret.png").write_bytes(b"x")
        (mixed / "secret.png").chmod(0)
        paths.append(str(mixed / "secret.png"))
    found = {Path(one.path).name: one.code for one in score(recognizer, paths, VideoOptions())}
    assert found.pop("secret.png", "forbidden") == "forbidden"
    assert found == {
        "gone.png": "missing",
        "gone.mp4": "missing",
        "tiny.png": "picture_limit",
        "broken.jpg": "not_a_picture",
        "broken.mp4": "not_a_video",
        "deep": "unreadable",
    }
    assert code_of(PermissionError(13, "no")) == "forbidden"
    assert code_of(OSError("AWS Error SLOW_DOWN")) == "unreadable"
    assert code_of(OSError("When reading: AWS Error ACCESS_DENIED during GetObject operation")) == "forbidden"
    assert code_of(MemoryError()) == code_of(KeyError("x")) == "internal"
    by_hand = ImageError("This is not a picture.")
    by_hand.__cause__ = OSError("image file is truncated")  # Pillow's, which says nothing of the disk
    assert code_of(by_hand) == "not_a_picture"
    told = (ROOT / "docs" / "bulk.md").read_text()
    for code, meaning in CODES.items():
        assert f"| `{code}` | {meaning} |" in told


@needs_ray
def test_columns_are_passed_through_with_their_types(mixed: Path, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as parquet

    from emotion_core.bulk.find import find, kept
    from emotion_core.bulk.folder import Folder
    from emotion_core.bulk.metadata import metadata_of
    from emotion_core.bulk.plan import make_plan
    from emotion_core.bulk.tables import FACES, FAILURES, FILES, ShardWriter, finished

    # A table of several files, as Spark leaves it
    for day, listed in (("2024-01-02", ["none.png"]), ("2024-01-03", ["three.png", "deep/one.png"])):
        part = mixed / "lists" / f"day={day}"
        part.mkdir(parents=True)
        table = pa.table({"where": [f"../{name}" for name in listed], "tags": [["a", "b"]] * len(listed)})
        parquet.write_table(table, part / "part-0.parquet")
    source, keep = str(mixed / "lists"), ["tags", "day"]
    paths = [str(mixed / name) for name in ("none.png", "three.png", "deep/one.png")]
    assert [path for path, _ in find(source, "where", keep=keep)] == paths
    plan = make_plan(
        Folder.at(tmp_path / "out"),
        source,
        {"shard_files": 256, "column": "where", "keep": keep, "partition_by": "day"},
        ("happy",),
    )
    planned = plan.rows(0)
    assert planned.schema.field("tags").type == pa.list_(pa.string())
    assert planned["tags"].to_pylist()[0] == ["a", "b"]

    asked = {"model": "m", "model_sha256": "1" * 64, "config_sha256": "2" * 64, "detector": "d", "rate": 1.0}
    writer = ShardWriter(plan.folder, ("happy",), planned.schema.remove(0), metadata_of(asked), "day")
    rows: dict[str, list[dict[str, Any]]] = {
        FACES: [{"path": paths[1], "face": 1, "happy": 1.0}],
        FAILURES: [{"path": paths[0], "code": "missing", "error": "Gone."}],
        FILES: [{"path": path, "status": "faces"} for path in paths],
    }
    writer.write(0, planned, rows)
    assert finished(plan.folder) == {0}
    out = tmp_path / "out"
    [face] = parquet.read_table(out / "faces").to_pylist()
    assert (face["path"], face["happy"], face["tags"]) == (paths[1], 1.0, ["a", "b"])
    assert str(face["day"]) == "2024-01-03"
    # Also where there is no row, so that doing a shard again leaves nothing of the first attempt
    assert len(list((out / "faces").rglob("day=*/shard-000000.parquet"))) == 2
    assert "day" not in parquet.read_schema(next((out / "faces").rglob("*.parquet"))).names
    told = parquet.read_schema(out / "files" / "shard-000000.parquet").metadata
    assert told[b"emotion.schema_version"] == b"2"
    assert told[b"emotion.model_sha256"] == b"1" * 64
    assert told[b"emotion.config_sha256"] == b"2" * 64
    assert told[b"emotion.rate"] == b"1.0"
    # Failures are a table again, of what to try once more; so is a folder that Spark calls a file.
    assert paths_of(out / "failures", "path") == [paths[0]]
    (mixed / "spark.parquet").mkdir()
    parquet.write_table(pa.table({"path": ["none.png"]}), mixed / "spark.parquet" / "part-0.parquet")
    assert paths_of(mixed / "spark.parquet") == [paths[0]]
    csv = mixed / "list.csv"
    csv.write_text("file,id\nnone.png,007\nnone.png,8\n")
    passed: dict[str, str] = {}
    assert list(find(str(csv), None, passed.__setitem__, ["*"])) == [(paths[0], ("007",))]
    assert passed.keys() == {paths[0]}
    assert kept(str(csv), None, ["*"]).names == ["id"]


@needs_ray
def test_columns_that_cannot_be_kept(mixed: Path, tmp_path: Path) -> None:
    from emotion_core.bulk.folder import Folder
    from emotion_core.bulk.plan import make_plan

    table = mixed / "list.csv"
    table.write_text("file,emotion,id\nnone.png,happy,1\n")

    def refused(source: Path, **asked: object) -> str:
        with pytest.raises(DataError) as caught:
            make_plan(Folder.at(tmp_path / "out"), str(source), {"shard_files": 256, **asked}, ("happy",))
        return str(caught.value)

    assert "no column ids to keep. It has: file, emotion, id" in refused(table, keep=["ids"])
    assert "a column emotion of its own" in refused(table, keep=["*"])
    assert "Name it with --keep" in refused(table, keep=["id"], partition_by="file")
    assert "Only a table's columns" in refused(mixed, keep=["*"])
    assert not (tmp_path / "out").exists()


def test_values_of_options() -> None:
    assert Failures.from_text("3") == Failures(3)
    assert not Failures(3).exceeded(3, 10)
    assert Failures(3).exceeded(4, 10**9)
    assert not Failures.from_text("0.1%").exceeded(10, 10_000)
    assert Failures.from_text("0.1%").exceeded(11, 10_000)
    assert not USUAL.exceeded(1, 10**7)
    assert [str(Failures.from_text(text)) for text in ("0", "0.1%")] == ["0", "0.1%"]
    assert Workers.from_text("4") == Workers(4, 4)
    assert Workers.from_text("2-16") == Workers(2, 16)
    assert names("a, b,,a") == ("a", "b")
    assert (share("0.25"), share("2")) == (0.25, 2)
    for parse, wrong in (
        *((Failures.from_text, text) for text in ("-1", "200%", "x", "1.5")),
        *((Workers.from_text, text) for text in ("0", "3-2", "2-", "-2", "x")),
        *((share, text) for text in ("-1", "1.5", "x")),
        (names, ","),
    ):
        with pytest.raises(ValueError, match=r"give|could not convert"):
            parse(wrong)


@needs_ray
def test_too_many_failures_end_the_run(mixed: Path, tmp_path: Path) -> None:
    """And the same command with a higher limit goes on."""
    out = tmp_path / "out"
    options = ["--detector", "haar", "--rate", "5", "--workers", "1-2", "--shard-files", "1", "--max-failures"]
    command = [sys.executable, "-m", "emotion_core", "bulk", mixed.as_uri(), out.as_uri(), *options]
    first = subprocess.run([*command, "0"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert first.returncode == 1
    assert "1 of 6 files failed, more than --max-failures 0" in first.stderr
    assert not (out / "summary.json").exists()
    again = subprocess.run([*command, "40%"], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert again.returncode == 0, again.stderr
    assert "failed: 2" in again.stdout


@needs_ray
def test_a_plan_is_written_as_files_are_found(tmp_path: Path) -> None:
    """A hundred times the paths take no more memory: of 3 million, a tenth of what their text alone would."""
    code = """
import sys
from emotion_core.bulk import plan
from emotion_core.bulk.folder import Folder
import resource
def listed(count):
    return ((f"/photos/of/a/camera/{n // 1000:06}/{n:09}.jpg", ()) for n in range(count))
def make(name, count):
    plan.find = lambda *_, **__: listed(count)
    found = plan.make_plan(Folder.at(sys.argv[1] + name), "/photos/*", {"shard_files": 256}, ("one",))
    assert found.files == count and found.paths(count // 256 - 1)[-1].endswith(".jpg")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
make("/first", 10_000)
few = make("/few", 100_000)
many = make("/many", 1_000_000)
print(many - few)
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=importing(),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 20_000  # KiB; the text alone is 43,000
