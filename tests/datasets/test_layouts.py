"""Data sets as they come: nested, in any case, with clutter around them, in their authors' own layouts."""

import codecs
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion_core import DataError
from emotion_core.datasets.classes import expression, name_classes
from emotion_core.datasets.faces import load
from emotion_core.datasets.splits import complete
from emotion_core.recognition.origin import Origin
from support import tiny
from support.small_sets import RNG, classes, picture, zipped


def test_what_lies_beside_classes_is_none(tmp_path: Path) -> None:
    root = classes(tmp_path / "mine", "Happy", "SAD", "neutral")
    classes(root, ".ipynb_checkpoints", "__MACOSX", "docs", count=3)
    picture(root / "Happy" / ".ipynb_checkpoints" / "0.png")
    (root / "notes").mkdir()
    (root / "notes" / "readme.md").write_text("no picture")
    data = load(root)
    assert data.labels == ("happy", "sad", "neutral")
    assert len(data) == 30
    assert data.origin == Origin("mine", "made")
    assert load(zipped(root)).digest() == data.digest()


def test_splits_and_classes_in_any_case_some_folders_down(tmp_path: Path) -> None:
    root = tmp_path / "archive"
    classes(root / "set" / "images" / "Train", "Happiness", "Surprised", count=4)
    classes(root / "set" / "images" / "TEST", "happy", "surprise", count=2)
    classes(root / "set" / "images" / "Validation", "HAPPY", "Surprise", count=3)
    classes(root / "__MACOSX", "set", count=1)
    data = load(root)
    assert data.labels == ("happy", "surprise")
    assert [len(data.of(split)) for split in ("train", "public", "private")] == [8, 6, 4]
    assert data.origin.splits == "given"


def test_a_table_some_folders_down(tmp_path: Path) -> None:
    tiny.write_csv(Path(shutil.copytree(tmp_path, tmp_path / "a" / "fer2013" / "fer2013")) / "fer2013.csv")
    (tmp_path / "a" / "__MACOSX").mkdir()
    data = load(tmp_path / "a")
    assert len(data) == 224
    assert data.origin == Origin("FER-2013", "official")


def test_pictures_deeper_in_a_class_belong_to_it(tmp_path: Path) -> None:
    classes(tmp_path / "happy", "monday", "tuesday", count=5)
    classes(tmp_path / "sad", "monday", count=7)
    data = load(tmp_path)
    assert np.bincount(data.emotion).tolist() == [10, 7]


@pytest.mark.parametrize(
    ("names", "says"),
    [
        (("happy",), "only one class, happy"),
        (("images", "masks"), "pictures in images/, which is no class"),
        (("images",), "pictures in images/, which is no class"),
        ((".",), "holds pictures, but no folders of classes"),
    ],
)
def test_folders_without_classes_are_refused_with_what_to_do(tmp_path: Path, names: tuple[str, ...], says: str) -> None:
    classes(tmp_path / "set", *names)
    with pytest.raises(DataError, match=f"{says}.*folder.*for each class"):
        load(tmp_path / "set")


def test_too_few_pictures_are_refused_with_how_many_are_wanted(tmp_path: Path) -> None:
    classes(tmp_path, "happy", "sad", count=3)
    picture(tmp_path / "happy" / "x.png"), picture(tmp_path / "happy" / "y.png")
    with pytest.raises(DataError, match=r"sad 3.*needs 5 at least, and 30"):
        load(tmp_path)
    shutil.copy(tmp_path / "sad" / "0.png", tmp_path / "sad" / "copy1.png")
    shutil.copy(tmp_path / "sad" / "0.png", tmp_path / "sad" / "copy2.png")
    with pytest.raises(DataError, match="sad 3"):  # a copy does not count as another picture
        load(tmp_path)


def test_the_split_is_stratified_and_keeps_twins_together() -> None:
    faces = RNG.integers(0, 256, (90, 4, 4, 1), dtype=np.uint8)
    faces[10:13] = faces[0]
    labels = np.repeat(["a", "b", "c"], 30)
    whole = complete(np.full(90, ""), faces, labels)
    for label, different in (("a", 27), ("b", 30), ("c", 30)):
        own = whole[labels == label]
        assert {split: (own == split).sum() for split in ("public", "private")}.keys() <= {"public", "private"}
        assert 3 <= (own == "public").sum() <= 6
        assert 3 <= (own == "private").sum() <= 6
        assert len(own) - different <= 3
    assert len(set(whole[[0, 10, 11, 12]])) == 1
    order = RNG.permutation(90)
    assert (complete(np.full(90, ""), faces[order], labels[order]) == whole[order]).all()


@pytest.mark.parametrize(
    ("delimiter", "encoding"),
    [(",", "utf-8"), (";", "utf-8-sig"), ("\t", "utf-16"), (",", "utf-16-le"), (";", "cp1252"), ("|", "utf-8")],
)
def test_tables_as_they_are_saved(tmp_path: Path, delimiter: str, encoding: str) -> None:
    rows = [("Image_Path", "Emotion", "Set")]
    for number in range(20):
        word = ("Fröhlich", "Happy")[number % 2]
        picture(tmp_path / "photos" / word / f"{number}.png")
        rows.append((f"photos\\{word}\\{number}.png", word, ("train", "Test")[number % 5 == 0]))
    text = "\r\n".join(delimiter.join(row) for row in rows)
    (tmp_path / "list.csv").write_bytes(text.encode(encoding))
    for path in (tmp_path, tmp_path / "list.csv"):
        data = load(path)
        assert data.labels == ("Fröhlich", "happy")
        assert not data.skipped
        assert len(data.of("private")) == 4


def test_errors_speak_of_the_table_given(tmp_path: Path) -> None:
    table = tmp_path / "mine.csv"
    table.write_text("photo_of;mood\na.png;happy\n")
    with pytest.raises(DataError, match=r"mine\.csv has no columns for paths .*It has: photo_of, mood"):
        load(table)
    table.write_text("path;label\na.png;happy\n;sad\n")
    with pytest.raises(DataError, match=r"mine\.csv, line 3: needs a path and a label"):
        load(table)
    table.write_text("path,label\na.png,happy\nb.png,sad\n")
    with pytest.raises(DataError, match=r"no usable pictures.*a\.png"):
        load(table)
    table.write_bytes(codecs.BOM_UTF8 + b"Pixels,emotion\n1 2,3\n")
    with pytest.raises(DataError, match=r"mine\.csv has no column Usage"):
        load(table)


def test_deep_gray_and_transparency_are_read_as_serving_reads_them(tmp_path: Path) -> None:
    classes(tmp_path, "happy", "sad", count=5)
    ramp = np.tile(np.arange(48, dtype=np.uint16) * 1300, (48, 1))
    Image.fromarray(ramp).save(tmp_path / "happy" / "deep.png")
    Image.new("LA", (48, 48), (0, 0)).save(tmp_path / "sad" / "clear.png")
    data = load(tmp_path)
    means = data.faces.reshape(len(data), -1).astype(float)
    assert (means.std(axis=1) > 60).sum() == 11  # ten of noise, plus the ramp
    assert (means.mean(axis=1) == 255).sum() == 1  # the one on white


def test_two_data_sets_are_not_mixed(tmp_path: Path) -> None:
    for name in ("first", "second"):
        classes(tmp_path / name / "train", "happy", "sad", count=3)
    with pytest.raises(DataError, match="several data sets, first and second"):
        load(tmp_path)


def test_words_for_expressions() -> None:
    words = {"Happiness": "happy", "  SAD ": "sad", "3 - Angry": "angry", "0_fearful": "fear", "Joy": "happy"}
    assert {word: expression(word) for word in words} == words
    assert expression("cat") is expression("7") is None
    labels, index = name_classes(["Cat", "cat", "Dog", "HAPPY"])
    assert labels == ("Cat", "Dog", "happy")
    assert index["cat"] == index["Cat"] == 0
