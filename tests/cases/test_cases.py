"""Every case comes out right, if ``CASES_DIR`` names the folder of the inputs."""

import os
from pathlib import Path

import pytest

from cases.case import Case, outcome
from cases.run import CASES, recognizer_at_hand
from emotion_core import EmotionRecognizer


@pytest.fixture(scope="module")
def cases_recognizer() -> EmotionRecognizer:
    return recognizer_at_hand()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_case(case: Case, cases_recognizer: EmotionRecognizer) -> None:
    folder = os.environ.get("CASES_DIR")
    if not folder:
        pytest.skip("set CASES_DIR to the folder of the cases' inputs")
    got = outcome(case, Path(folder), cases_recognizer)
    assert got.right, f"{case.name}: wanted {case.wanted}, got {got.words}"
