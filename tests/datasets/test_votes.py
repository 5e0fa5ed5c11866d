"""The FER+ votes: the majority, and which rows are refused."""

from pathlib import Path

import numpy as np
import pytest

from emotion_core import DataError
from emotion_core.datasets.faces import as_ferplus, load
from emotion_core.datasets.votes import majority
from emotion_core.labels import FERPLUS
from support.small_sets import GOOD, HEADER

VOTES = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF\n"


def test_the_majority_is_the_papers() -> None:
    ballots = np.zeros((5, 10), np.float32)
    ballots[0, [1, 2]] = (9, 1)  # one slip
    ballots[1, [1, 2]] = (5, 5)  # a tie
    ballots[2, [8, 1]] = (6, 4)  # most could not tell
    ballots[3, 9] = 10  # no face
    ballots[4, [7, 0, 1, 2]] = (4, 2, 1, 1)  # contempt, once the slips are dropped
    assert majority(ballots).tolist() == [1, -1, -1, -1, 7]


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
    eight = as_ferplus(load(data, votes))
    assert eight.labels == FERPLUS
    assert eight.emotion.tolist() == [FERPLUS.index("happy")]  # the others were not voted to be faces
    with pytest.raises(DataError, match="fer2013new"):
        as_ferplus(load(data))
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
