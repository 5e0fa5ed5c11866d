"""FER-2013 in both layouts, the FER+ votes, and errors that name the row or file."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion_core import DataError
from emotion_core.datasets.faces import FaceData, load
from emotion_core.labels import FER2013, FERPLUS
from emotion_core.reports.data_report import as_text, contact_sheet, describe
from support import tiny
from support.small_sets import GOOD, HEADER, zipped


def test_csv(tiny_csv: Path) -> None:
    data = load(tiny_csv)
    faces, emotion, _ = tiny.drawn_faces()
    assert np.array_equal(data.faces[..., 0], faces)
    assert np.array_equal(data.emotion, emotion)
    assert [len(data.of(split)) for split in ("train", "public", "private")] == list(tiny.COUNTS)
    assert load(tiny_csv.parent).digest() == data.digest()


def test_tree_has_the_same_faces(tmp_path: Path, tiny_csv: Path) -> None:
    faces, emotion, usage = tiny.drawn_faces()
    for row, (face, label, split) in enumerate(zip(faces, emotion, usage, strict=True)):
        folder = tmp_path / ("train" if split == "Training" else "test") / FER2013[label]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(face).save(folder / f"{split}_{row}.png")
    data, other = load(tmp_path), load(tiny_csv)
    for split in ("train", "public", "private"):
        left, right = data.of(split), other.of(split)
        assert sorted(zip(left.hashes(), left.emotion, strict=True)) == sorted(
            zip(right.hashes(), right.emotion, strict=True)
        )
    assert other.labels == data.labels
    assert not data.skipped


def folder_of(root: Path, *names: str, count: int = 12, size: tuple[int, int] = (60, 48), mode: str = "L") -> None:
    """Write a few noisy pictures into each folder."""
    rng = np.random.default_rng(len(names))
    for name in names:
        (root / name).mkdir(parents=True, exist_ok=True)
        for number in range(count):
            pixels = rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
            Image.fromarray(pixels).convert(mode).save(root / name / f"{number}.png")


def same(left: FaceData, right: FaceData) -> bool:
    return left.digest() == right.digest() and left.labels == right.labels and left.skipped == right.skipped


def test_icml_csv_with_spaces_zipped_or_not(tmp_path: Path, tiny_csv: Path) -> None:
    (tmp_path / "icml").mkdir()
    rows = tiny_csv.read_text().splitlines()
    order = [",".join(row.split(",")[i] for i in (0, 2, 1)) for row in rows[1:]]
    (tmp_path / "icml" / "icml_face_data.csv").write_text("emotion, Usage, pixels\n" + "\n".join(order) + "\n")
    assert same(load(tmp_path / "icml"), load(tiny_csv))
    assert same(load(zipped(tmp_path / "icml")), load(tiny_csv))


def test_images_with_a_validation_folder(tmp_path: Path) -> None:
    for split, count in (("train", 4), ("validation", 2)):
        folder_of(tmp_path / "images" / split, *FER2013, count=count, size=(48, 48))
    data = load(tmp_path)
    assert data.labels == FER2013
    assert [len(data.of(split)) for split in ("train", "public")] == [28, 14]
    with pytest.raises(DataError, match="no private faces"):
        data.of("private")
    assert same(load(zipped(tmp_path)), data)


def test_any_class_folders(tmp_path: Path) -> None:
    folder_of(tmp_path / "pets", "Cat", "Dog", count=60, size=(90, 60), mode="RGB")
    (tmp_path / "pets" / "Cat" / "notes.txt").write_text("not a picture, and no mistake")
    data = load(tmp_path, side=32, channels=3)
    assert data.labels == ("Cat", "Dog")
    assert data.faces.shape == (120, 32, 32, 3)
    assert not data.skipped
    sizes = {split: len(data.of(split)) for split in ("train", "public", "private")}
    assert sizes["train"] > 70
    assert min(sizes.values()) > 3
    # By content: renamed copies of the same pictures get the same split.
    for number, file in enumerate(sorted((tmp_path / "pets" / "Dog").iterdir())):
        file.rename(file.with_name(f"z{999 - number}.png"))
    again = load(tmp_path, side=32, channels=3)
    assert dict(zip(again.hashes(), again.split, strict=True)) == dict(zip(data.hashes(), data.split, strict=True))


def test_train_and_test_without_validation(tmp_path: Path) -> None:
    folder_of(tmp_path / "train", "cats", "dogs", count=60)
    folder_of(tmp_path / "test", "cats", "dogs", count=5)
    data = load(tmp_path)
    assert len(data.of("private")) == 10
    assert 2 < len(data.of("public")) < 30


def test_affectnet(tmp_path: Path) -> None:
    folder_of(tmp_path / "numbered" / "train", *"01234567", count=2)
    folder_of(tmp_path / "numbered" / "val", *"01234567", count=1)
    numbered = load(tmp_path / "numbered")
    assert numbered.labels == FERPLUS
    first = Image.open(tmp_path / "numbered" / "val" / "6" / "0.png").crop((6, 0, 54, 48))
    angry = numbered.of("public").only(numbered.of("public").emotion == FERPLUS.index("angry"))
    assert np.array_equal(angry.faces[0, ..., 0], np.asarray(first))
    named = tmp_path / "named"
    words = ("Neutral", "Happiness", "Sadness", "Surprise", "Fear", "Disgust", "Anger", "Contempt")
    for split, short in (("train", "train"), ("val", "val")):
        for number, word in enumerate(words):
            shutil.copytree(tmp_path / "numbered" / short / str(number), named / split / word)
    assert sorted(load(named).hashes()) == sorted(numbered.hashes())
    assert load(named).labels == FERPLUS


def test_a_listing_of_paths_and_labels(tmp_path: Path) -> None:
    folder_of(tmp_path, "anger", "happiness", "contempt", count=10)
    paths = sorted(path.relative_to(tmp_path) for path in tmp_path.glob("*/*.png"))
    rows = [f"{path},{path.parent},{('train', 'val')[number % 5 == 0]}" for number, path in enumerate(paths)]
    table = tmp_path / "labels.csv"
    table.write_text("pth,label,split\n" + "\n".join([*rows, "anger/absent.png,anger,train"]) + "\n")
    data = load(tmp_path)
    assert data.labels == ("happy", "angry", "contempt")
    assert [len(data.of(split)) for split in ("train", "public")] == [24, 6]
    [line] = data.skipped
    assert "absent.png" in line
    assert load(zipped(tmp_path)).digest() == data.digest()
    for path, says in (("../secret.png", "leads out"), ("/etc/passwd", "leads out"), ("", "needs a path")):
        table.write_text(f"pth,label\n{path},anger\n")
        with pytest.raises(DataError, match=f"line 2: .*{says}"):
            load(tmp_path)


def test_unusable_files_are_listed_and_skipped(tmp_path: Path) -> None:
    folder_of(tmp_path, "a", "b", count=20)
    whole = (tmp_path / "a" / "1.png").read_bytes()
    (tmp_path / "a" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "a" / "empty.png").write_bytes(b"")
    (tmp_path / "b" / "words.jpg").write_bytes(b"no picture at all")
    Image.new("L", (8, 40)).save(tmp_path / "b" / "sliver.png")
    data = load(tmp_path)
    assert len(data) == 40
    assert [re.search(r"(\w+)\.\w+:", line)[1] for line in data.skipped] == ["cut", "empty", "sliver", "words"]  # type: ignore[index]
    report = describe(data)
    assert len(report["skipped"]) == 4
    assert "Skipped files: 4" in as_text(report)


def test_folders_that_are_no_data(tmp_path: Path) -> None:
    (tmp_path / "only").mkdir()
    with pytest.raises(DataError, match="no two folders"):
        load(tmp_path)
    for name in ("a", "b"):
        (tmp_path / "pair" / name).mkdir(parents=True)
        (tmp_path / "pair" / name / "x.png").write_bytes(b"?")
    with pytest.raises(DataError, match=r"no usable pictures.*x\.png"):
        load(tmp_path / "pair")
    (tmp_path / "notes.txt").write_text("?")
    with pytest.raises(DataError, match="neither a CSV file nor a zip"):
        load(tmp_path / "notes.txt")
    (tmp_path / "fer2013.csv").write_text(HEADER + GOOD)
    with pytest.raises(DataError, match="48x48 gray"):
        load(tmp_path, channels=3)


def test_the_report_counts_twins(tiny_csv: Path) -> None:
    data = load(tiny_csv)
    public = np.flatnonzero(data.split == "public")
    data.faces[public[0]] = data.faces[0]  # a twin with the same label
    data.faces[public[1]] = data.faces[1]
    data.emotion[public[1]] = (data.emotion[1] + 1) % 7  # and one with another
    data.faces[public[2]] = data.faces[public[3]]
    report = describe(data)
    assert report["twins"] == {"public": 2, "private": 0}
    assert report["duplicates"]["public"] == 1
    assert report["contradictions"] >= 2
    assert sum(report["counts"]["train"].values()) == 140
    assert contact_sheet(data).size == (150 + 12 * 50, 7 * 50)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("emotion,pixels\n", "no column Usage"),
        (HEADER, "holds no faces"),
        (HEADER + GOOD + GOOD.replace("3,", "9,", 1), "line 3: emotion 9"),
        (HEADER + GOOD.replace("3,", "x,", 1), "line 2: .*whole numbers"),
        (HEADER + GOOD + "3,1 2 3,Training\n", "line 3: 3 pixels"),
        (HEADER + GOOD.replace("7 ", "700 ", 1), "line 2: a pixel is outside"),
        (HEADER + GOOD.replace("Training", "Test"), "line 2: Usage 'Test'"),
        (HEADER + "3\n", "line 2"),
        (HEADER + GOOD.replace("7 ", "9" * 30 + " ", 1), "line 2"),
        ("\0" * 100, "no column|not a readable CSV"),
    ],
)
def test_bad_rows_are_named(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "fer2013.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=says):
        load(path)


def test_missing_data(tmp_path: Path, tiny_csv: Path) -> None:
    with pytest.raises(DataError, match="No data at"):
        load(tmp_path / "nowhere.csv")
    with pytest.raises(DataError, match="Unknown split"):
        load(tiny_csv).of("test")


@pytest.mark.fer2013
def test_fer2013_itself(fer2013: Path) -> None:
    data = load(fer2013)
    counts = {split: np.bincount(data.of(split).emotion).tolist() for split in ("train", "public", "private")}
    assert counts == {
        "train": [3995, 436, 4097, 7215, 4830, 3171, 4965],
        "public": [467, 56, 496, 895, 653, 415, 607],
        "private": [491, 55, 528, 879, 594, 416, 626],
    }
    assert describe(data)["twins"] == {"public": 280, "private": 288}
