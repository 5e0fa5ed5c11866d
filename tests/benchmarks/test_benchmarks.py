"""Short forms of the benchmarks: they run and measure what they claim. Real figures come from the programs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from emotion_core import EmotionRecognizer, Settings
from support.rest_server import serving

BENCHMARKS = Path(__file__).parent
#: What is measured here is that the programs run, so the small network does.
MODEL = "fer2013-custom-cnn"


@pytest.fixture(scope="module")
def recognizer() -> EmotionRecognizer:
    """The small network with a detector that needs no download."""
    return EmotionRecognizer.load(MODEL, detector="haar")


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The programs' modules, with a reduced workload."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import inputs
    import speed
    import stages
    import timing

    monkeypatch.setattr(timing, "SECONDS", 0.05)
    monkeypatch.setattr(inputs, "CLIP_SECONDS", 1)
    monkeypatch.setattr(speed, "FACES", (1, 20))
    monkeypatch.setattr(speed, "WIDTHS", (320, 1280))
    monkeypatch.setattr(speed, "LENGTHS", (1, 2))
    return speed, stages, inputs


def test_stages_and_growth(short: Any, recognizer: EmotionRecognizer, tmp_path: Path) -> None:
    speed, stages, inputs = short
    clip = inputs.write_clip(tmp_path / "clip.mp4", 320, 240, 25, 1)
    photo, webcam, video = (
        stages.photo_stages(recognizer),
        stages.webcam_stages(recognizer),
        stages.video_stages(recognizer, clip),
    )
    assert all(cost > 0 for kind in (photo, webcam, video) for name, cost in kind.items() if name != "to RGB")
    assert photo["whole"] > photo["graph"]
    assert webcam["whole"] > webcam["decode"]
    assert video["floors"] < 3 * video["whole"]
    steps = stages.video_steps(recognizer, clip)
    assert steps.pop("all steps")["ratio"] == 1
    assert len(steps) >= 6
    assert all(step["without"] > 0 for step in steps.values())
    grown = speed.growth(recognizer, tmp_path)
    assert {name: len(curve["points"]) for name, curve in grown.items()}["clip_seconds"] == 2
    assert max(grown["faces"]["points"]) >= 20, "the faces of the large pictures are found"


def test_the_time_of_a_photo_is_compared_with_the_answers_to_many(
    short: Any, recognizer: EmotionRecognizer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import rest_load

    monkeypatch.setattr(rest_load, "CLIENTS", (1, 3))
    photo = short[2].write_photos(tmp_path)["VGA 1"]
    with serving(recognizer, Settings(rate_limit=0)) as url:
        record = rest_load.measured(url, os.getpid(), [photo], 2, 2)
    one, many = record["1"], record["3"]
    assert one["told"] == many["told"] == {"rest answered": 6}
    assert record["cores_over_photo"] == pytest.approx(2 / one["processor_seconds_a_photo"], rel=0.01)
    ratio = record["cores_over_photo"] / many["answers_a_second"]
    assert record["cores_over_photo_to_answers"] == pytest.approx(ratio, rel=0.01)


def test_fifty_clients_for_some_seconds(tmp_path: Path) -> None:
    """No errors except those that ask to retry later, and no file left."""
    out = tmp_path / "load.json"
    command = [
        sys.executable,
        str(BENCHMARKS / "load.py"),
        "--out",
        str(out),
        "--seconds",
        "8",
        "--webcam-seconds",
        "1",
    ]
    environment = {**os.environ, "EMOTION_MODEL": MODEL}
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=300, env=environment)
    record = json.loads(out.read_text())
    told = record["crowd"]["told"]
    assert sum(count for what, count in told.items() if what.endswith(" answered")) > 10, told
    assert all(what.split()[-1] in ("answered", "full", "busy", "429", "503") for what in told), told
    assert len(record["webcam"]["8"]["frames_a_second"]) == 8
    assert record["files_left"] == 0
