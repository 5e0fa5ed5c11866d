"""AffectNet, RAF-DB and FER+ in their authors' own layouts."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from emotion_core import DataError
from emotion_core.datasets.faces import load
from emotion_core.labels import FERPLUS
from emotion_core.recognition.origin import Origin
from support.small_sets import picture, zipped


def test_affectnets_arrays(tmp_path: Path) -> None:
    for part, count in (("train_set", 16), ("val_set", 8)):
        for number in range(count):
            picture(tmp_path / part / "images" / f"{number}.jpg", gray=20 * (number % 8))
            notes = tmp_path / part / "annotations"
            notes.mkdir(exist_ok=True)
            np.save(notes / f"{number}_exp.npy", np.array(str(number % 8)))
            np.save(notes / f"{number}_val.npy", np.array("0.5"))
    picture(tmp_path / "val_set" / "images" / "99.jpg")
    data = load(tmp_path)
    assert data.labels == FERPLUS
    assert data.origin == Origin("AffectNet", "official")
    assert [len(data.of(split)) for split in ("train", "public")] == [16, 8]
    # AffectNet's 6 is anger
    angry = data.faces[data.emotion == FERPLUS.index("angry")]
    assert np.abs(angry.astype(int) - 120).max() < 3
    [line] = data.skipped
    assert "99.jpg: no expression" in line
    assert load(zipped(tmp_path)).digest() == data.digest()


def test_affectnets_tables(tmp_path: Path) -> None:
    """Numbers over 7 are not expressions; the face is cropped to the table's box."""
    header = "subDirectory_filePath,face_x,face_y,face_width,face_height,facial_landmarks,expression,valence,arousal"
    for name, count in (("training", 22), ("validation", 11)):
        rows = []
        for number in range(count):
            path = tmp_path / "Manually_Annotated_Images" / str(number % 3) / f"{name}{number}.jpg"
            picture(path, gray=0, size=(96, 96))
            with Image.open(path) as image:
                image.paste(200, (24, 24, 72, 72))
                image.save(path, quality=95)
            rows.append(f"{number % 3}/{path.name},24,24,48,48,1;2,{number % 11},0.1,0.2")
        table = tmp_path / "Manually_Annotated_file_lists" / f"{name}.csv"
        table.parent.mkdir(exist_ok=True)
        table.write_text("\n".join([header, *rows]) + "\n")
    data = load(tmp_path)
    assert data.labels == FERPLUS
    assert [len(data.of(split)) for split in ("train", "public")] == [16, 8]
    assert data.faces[:, 4:-4, 4:-4].min() > 180
    assert data.origin.name == "AffectNet"
    assert not data.skipped


def test_rafdb(tmp_path: Path) -> None:
    lines = []
    for number in range(1, 15):
        for kind in ("train", "test"):
            stem = f"{kind}_{number:05}"
            picture(tmp_path / "basic" / "Image" / "aligned" / f"{stem}_aligned.jpg", gray=10 * number)
            lines.append(f"{stem}.jpg {(number - 1) % 7 + 1}")
    labels = tmp_path / "basic" / "EmoLabel" / "list_patition_label.txt"
    labels.parent.mkdir()
    labels.write_text("\n".join(lines) + "\n")
    data = load(tmp_path)
    assert data.labels[3] == "happy"
    assert data.origin == Origin("RAF-DB", "official")
    test = data.of("private")
    # RAF-DB's 4 is happiness
    assert sorted(test.faces[test.emotion == 3].mean(axis=(1, 2, 3)).round().astype(int).tolist()) == [40, 110]
    labels.write_text("train_00001.jpg happy\n")
    with pytest.raises(DataError, match="line 1: expected a file's name and 1 to 7"):
        load(tmp_path)


def test_ferplus_as_its_repository_makes_it(tmp_path: Path) -> None:
    ballots = {0: "8,1,1,0,0,0,0,0,0,0", 1: "0,9,0,0,0,0,0,0,1,0", 2: "0,0,0,0,0,0,0,0,0,10", 3: "4,4,0,2,0,0,0,0,0,0"}
    for folder in ("FER2013Train", "FER2013Valid", "FER2013Test"):
        rows = []
        for number, votes in ballots.items():
            picture(tmp_path / "FERPlus" / "data" / folder / f"fer{number:07}.png")
            rows.append(f'fer{number:07}.png,"(0, 0, 48, 48)",{votes}')
        (tmp_path / "FERPlus" / "data" / folder / "label.csv").write_text("\n".join(rows) + "\n")
    data = load(tmp_path / "FERPlus")
    assert data.labels == FERPLUS
    assert data.origin == Origin("FER+", "official", "votes")
    # Rows without a face are left out; faces without a majority are used for training, but not for testing.
    assert [len(data.of(split)) for split in ("train", "public", "private")] == [3, 2, 2]
    assert data.of("private").emotion.tolist() == [FERPLUS.index("neutral"), FERPLUS.index("happy")]
    assert data.votes is not None
    assert np.isclose(data.votes[0, FERPLUS.index("neutral")], 0.8)
