"""Several photos at once in Chromium."""

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

pytestmark = pytest.mark.browser


def test_twenty_photos_one_of_which_is_none(
    chromium: Any, page_url: str, astronaut: np.ndarray, tmp_path: Path
) -> None:
    """Nineteen are answered, the bad one is reported by name, and everything can be saved."""
    photo = Image.fromarray(astronaut[:256, 96:352])
    for number in range(19):
        photo.resize((300 + number, 300 + number)).save(tmp_path / f"{number:02}.jpg")
    (tmp_path / "notes.jpg").write_text("no picture at all")
    page = chromium.new_page(viewport={"width": 390, "height": 844})
    page.set_default_timeout(60_000)
    page.goto(page_url)
    page.get_by_role("button", name="Choose a photo").wait_for()
    page.get_by_text("Several photos at once").click()
    page.locator("input[type=file][multiple]").set_input_files(sorted(tmp_path.iterdir()))
    page.locator(".file-preview tr").nth(19).wait_for()
    page.get_by_role("button", name="Analyse all").click()
    page.locator("#album tbody tr").nth(19).wait_for()
    rows = page.locator("#album tbody tr").all_inner_texts()
    assert len(rows) == 20
    assert sum("happy" in row for row in rows) == 19
    assert any(row.startswith("notes.jpg") and "not a picture that can be read" in row for row in rows)
    assert page.locator("#album-pictures img").count() >= 19
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save everything (zip)").click()
    with zipfile.ZipFile(saved.value.path()) as archive:
        names = archive.namelist()
    assert {"table.csv", "notes.jpg.error.json", "00.jpg.json", "18.jpg.annotated.jpg"} <= set(names)
    page.close()
