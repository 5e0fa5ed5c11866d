"""What bulk accepts and what it skips: never silently, and with all kinds of names and tables."""

import os
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

from emotion_core import EmotionRecognizer, VideoOptions
from emotion_core.images import RGB
from support.bulk_rows import needs_ray, paths_of


@needs_ray
def test_nothing_is_passed_over_silently(mixed: Path, tmp_path: Path, astronaut: RGB) -> None:
    """Whatever is not scored is listed in ``files`` with its reason; files from phones and recorders are scored."""
    import pyarrow.parquet as parquet

    from emotion_core.bulk.folder import Folder
    from emotion_core.bulk.plan import make_plan
    from emotion_core.bulk.tables import FILES, tally

    picture = Image.fromarray(astronaut)
    for name, kind in (("a.jfif", "JPEG"), ("b.heic", "HEIF"), ("c.mpo", "MPO"), ("d.HIF", "HEIF"), ("e.dib", "BMP")):
        picture.save(mixed / name, kind)
    for name in ("f.m2v", "g.3gp"):
        shutil.copy(mixed / "walk.mp4", mixed / name)
    for name in ("h.jxl", "i.docx", "j"):
        (mixed / name).write_bytes(b"other")
    (mixed / ".thumbnails").mkdir()
    taken = {Path(path).name for path in paths_of(mixed)}
    assert {"a.jfif", "b.heic", "c.mpo", "d.HIF", "e.dib", "f.m2v", "g.3gp"} < taken
    out = tmp_path / "out"
    plan = make_plan(Folder.at(out), str(mixed), {"shard_files": 256}, ("one",))
    rows = parquet.read_table(out / FILES).to_pylist()
    assert {Path(row["path"]).name for row in rows} == {"note.txt", "h.jxl", "i.docx", "j", ".thumbnails"}
    assert {row["status"] for row in rows} == {"passed_over"}
    assert all(len(row["note"]) > 10 for row in rows)
    assert (plan.files, tally(Folder.at(out))["passed_over"]) == (len(taken), 5)
    everything = sum(len(files) for _, _, files in os.walk(mixed))
    assert plan.files + 5 == everything + 1  # plus the hidden folder
    # An interrupted plan is made again.
    (out / "plan.json").unlink()
    assert make_plan(Folder.at(out), str(mixed), {"shard_files": 256}, ("one",)) == plan


@needs_ray
@pytest.mark.skipif(sys.platform != "linux", reason="other file systems take no bytes that are no text")
def test_names_that_are_no_text(tmp_path: Path, astronaut: RGB, recognizer: EmotionRecognizer) -> None:
    from emotion_core.bulk.folder import Folder
    from emotion_core.bulk.plan import make_plan
    from emotion_core.bulk.score import score

    folder = tmp_path / "in"
    folder.mkdir()
    for name in (b"caf\xe9.png", b"\\udce9.png", "\U0001f600[1].png".encode()):
        Image.fromarray(astronaut).save(folder / os.fsdecode(name))
    plan = make_plan(Folder.at(tmp_path / "out"), str(folder), {"shard_files": 256}, ("one",))
    assert plan.files == 3
    assert [len(one.faces) for one in score(recognizer, plan.paths(0), VideoOptions())] == [1, 1, 1]


@needs_ray
@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("id;Image Path\n1;three.png\n2;deep\\one.png\n3;\n", "utf-8-sig"),
        ("id\tFilePath\n1\tthree.png\n2\tdeep/one.png\n3\t \n", "utf-16"),
        ('PATH,id\n"three.png",1\n"deep\\one.png",2\n"",3\n', "latin-1"),
    ],
)
def test_tables_as_people_save_them(mixed: Path, content: str, encoding: str) -> None:
    table = mixed / "listed.csv"
    table.write_text(content, encoding=encoding)
    told: dict[str, str] = {}
    assert paths_of(table, None, told.__setitem__) == [str(mixed / "three.png"), str(mixed / "deep" / "one.png")]
    assert told == {f"{table}:4": "The row has no path."}
