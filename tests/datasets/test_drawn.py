"""Sources of data: drawn, a folder, the network; and subsets of it."""

from pathlib import Path

import numpy as np
import pytest

from emotion_core import DataError
from emotion_core.datasets.drawn import drawn_faces, drawn_pets, relabelled, write_folders
from emotion_core.datasets.faces import as_ferplus, load
from emotion_core.datasets.sources import faces_of, fer2013, fewer, pets
from emotion_core.labels import FERPLUS


def test_drawn_faces_are_like_the_real_set() -> None:
    data = drawn_faces(200)
    assert data.faces.shape == (200, 48, 48, 1)
    assert data.digest() == drawn_faces(200).digest() != drawn_faces(200, seed=1).digest()
    for split in ("train", "public", "private"):
        assert set(data.of(split).emotion) == set(range(7))
        assert set(as_ferplus(data).of(split).emotion) == set(range(8))
    assert data.votes is not None
    assert np.allclose(data.votes.sum(axis=1), 1, atol=1e-6)
    assert len(set(data.of("private").hashes()) & set(data.of("train").hashes())) == 2
    assert len(drawn_faces(20)) == 20
    assert drawn_pets(30, side=32).faces.shape == (30, 32, 32, 3)


def test_drawn_faces_as_a_folder(tmp_path: Path) -> None:
    part = relabelled(drawn_faces(200), {"happy": "happy", "sad": "low", "fear": "low"})
    assert part.labels == ("happy", "low")
    assert (part.emotion == 1).sum() == 60
    data = faces_of(str(write_folders(part, tmp_path / "mine")), side=48)
    assert data.labels == part.labels
    assert sorted(data.hashes()) == sorted(part.hashes())


def test_where_the_data_comes_from(
    tiny_csv: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fer2013(str(tiny_csv)).digest() == load(tiny_csv).digest()
    monkeypatch.setenv("FER2013_DIR", str(tiny_csv.parent))
    assert fer2013().digest() == load(tiny_csv).digest()
    assert "140 train, 42 public, 42 private" in capsys.readouterr().out
    monkeypatch.delenv("FER2013_DIR")
    asked: list[str] = []

    def download(name: str) -> Path:
        asked.append(name)
        return tiny_csv.parent

    monkeypatch.setattr("kagglehub.dataset_download", download)
    assert fer2013().digest() == load(tiny_csv).digest()
    assert asked == ["deadskull7/fer2013"]
    assert fer2013("drawn", 50, ferplus=True).labels == FERPLUS
    assert "Drawn faces, no data set" in capsys.readouterr().out
    assert pets("drawn", 40, side=32).labels == ("cat", "dog")


def test_data_that_cannot_be_had_says_what_to_do(tiny_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> str:
        raise OSError("no network")

    monkeypatch.setattr("kagglehub.dataset_download", refuse)
    monkeypatch.setattr("keras.utils.get_file", refuse)
    monkeypatch.delenv("FER2013_DIR", raising=False)
    with pytest.raises(DataError, match='SOURCE = "drawn"'):
        fer2013()
    with pytest.raises(DataError, match=r"Fetch it from https://.*fer2013new\.csv"):
        fer2013(str(tiny_csv), votes=True)


def test_fewer_keeps_the_classes() -> None:
    data = fewer(drawn_faces(400), 70)
    assert 60 <= (data.split == "train").sum() <= 80
    assert (np.bincount(data.of("public").emotion) >= 2).all()
