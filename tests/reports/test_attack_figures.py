"""What documents say of the attacks."""

import json
import shutil
from pathlib import Path

import pytest

from emotion_core.reports.attack_figures import attacks_table, slope_of
from support.page_server import ROOT

RECORDS = ROOT / "tests" / "attacks"


def test_the_slope_and_how_sure_it_is() -> None:
    start = [[hour / 100, 900.0 - hour] for hour in range(26)]  # the first quarter does not count
    straight = [[hour / 100, 300 + 7 * hour / 100] for hour in range(26, 101)]
    slope, error = slope_of(start + straight)
    assert slope == pytest.approx(7)
    assert error == pytest.approx(0, abs=1e-6)
    restless = [[hour, held + 20 * (-1) ** number] for number, (hour, held) in enumerate(straight)]
    slope, error = slope_of(start + restless)
    assert error == pytest.approx(10.7, abs=0.3)  # 20 over the root of the sum of squared hours
    assert abs(slope - 7) < error


def test_what_is_not_recorded_is_not_told(tmp_path: Path) -> None:
    others = shutil.ignore_patterns("*.py", "image.json", "names.json", "rounds.json")
    shutil.copytree(RECORDS, tmp_path / "attacks", ignore=others)
    told = attacks_table(tmp_path / "benchmarks")
    assert "on the image" not in told
    assert "new names" not in told
    assert "rounds of" not in told
    shutil.copy(RECORDS / "attacks.json", tmp_path / "attacks" / "image.json")
    names = {"names": 10_000, "megabytes": [[0, 250.0]], "megabytes_when_all_has_expired": 262.2}
    names["megabytes_a_thousand_names_after_the_first_quarter"] = 0.44
    (tmp_path / "attacks" / "names.json").write_text(json.dumps({"names": names}))
    told = attacks_table(tmp_path / "benchmarks")
    assert "on the image" in told
    assert "10,000 new names" in told
    assert "**+0.4 MB**; 250 MB before, 262 MB when all has expired" in told


def test_rounds_are_told(tmp_path: Path) -> None:
    shutil.copytree(RECORDS, tmp_path / "attacks", ignore=shutil.ignore_patterns("*.py"))
    rounds = {
        "rounds": 4,
        "minutes": 8.2,
        "attacks": ["webcam", "videos"],
        "megabytes": [300.0, 320.0, 331.2, 330.0, 330.4],
        "server_itself": [205.0, 220.0, 225.0, 224.0, 225.0],
        "megabytes_a_hundred_rounds_in_the_last_half": -40.0,
    }
    (tmp_path / "attacks" / "rounds.json").write_text(json.dumps({"rounds": rounds}))
    told = attacks_table(tmp_path / "benchmarks")
    assert "4 rounds of 2 kinds of attack and every visitor, 8 minutes" in told
    assert "**-40 MB**; 300 MB at the start, then 330 to 331 MB; of the server itself 205, and 225 at the end" in told
