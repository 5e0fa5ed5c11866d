"""FER-2013 in both layouts, the FER+ votes, and errors that name the row or file."""

from pathlib import Path

import numpy as np
import pytest
import tiny
from PIL import Image

from emotion_core import DataError
from emotion_core.labels import FER2013, FERPLUS
from emotion_core.training.data import load

HEADER = "emotion,pixels,Usage\n"
GOOD = "3," + " ".join(["7"] * 2304) + ",Training\n"
VOTES = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"


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
    (tmp_path / "test" / "sad" / "PublicTest_x.png").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"PublicTest_x\.png"):
        load(tmp_path)
    Image.new("L", (50, 48)).save(tmp_path / "test" / "sad" / "PublicTest_x.png")
    with pytest.raises(DataError, match="50x48"):
        load(tmp_path)
    Image.new("L", (48, 48)).save(tmp_path / "test" / "sad" / "PublicTest_x.png")
    Image.new("L", (48, 48)).save(tmp_path / "test" / "sad" / "one.png")
    with pytest.raises(DataError, match=r"one\.png.*neither"):
        load(tmp_path)


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
    with pytest.raises(DataError, match="No folder train/angry"):
        load(tmp_path)
    with pytest.raises(DataError, match="Unknown split"):
        load(tiny_csv).of("test")


def test_votes(tmp_path: Path) -> None:
    data, votes = tmp_path / "fer2013.csv", tmp_path / "fer2013new.csv"
    data.write_text(HEADER + GOOD * 3)
    rows = (
        "Training,a.png,2,8,0,0,0,0,0,0,0,0",
        "Training,b.png,1,1,0,0,0,0,0,0,8,0",
        "Training,,0,0,0,0,0,0,0,0,0,10",
    )
    votes.write_text(VOTES + "\n".join(rows) + "\n")
    shares = load(data, votes).votes
    assert shares is not None
    assert np.isclose(shares[0, FERPLUS.index("happy")], 0.8)
    assert not shares[1:].any()
    votes.write_text(VOTES + "\n".join([rows[0], rows[1].replace("Training", "PublicTest")]) + "\n")
    with pytest.raises(DataError, match="line 3: Usage"):
        load(data, votes)
    with pytest.raises(DataError, match="not a readable CSV"):
        load(data, tmp_path / "absent.csv")
    votes.write_text(VOTES + rows[0] + "\n")
    with pytest.raises(DataError, match="3 rows"):
        load(data, votes)
    votes.write_text(VOTES + "Training,a.png,many" + ",0" * 9 + "\n")
    with pytest.raises(DataError, match="line 2"):
        load(data, votes)


@pytest.mark.fer2013
def test_fer2013_itself(fer2013: Path) -> None:
    data = load(fer2013)
    counts = {split: np.bincount(data.of(split).emotion).tolist() for split in ("train", "public", "private")}
    assert counts == {
        "train": [3995, 436, 4097, 7215, 4830, 3171, 4965],
        "public": [467, 56, 496, 895, 653, 415, 607],
        "private": [491, 55, 528, 879, 594, 416, 626],
    }
    known = set(data.of("train").hashes())
    assert sum(digest in known for digest in data.of("public").hashes()) == 280
    assert sum(digest in known for digest in data.of("private").hashes()) == 288
