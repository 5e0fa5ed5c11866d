"""The page names what it will load, so that a slow line brings all of it at once, and nothing else."""

import re
from pathlib import Path
from typing import Any

import pytest

from emotion_core.page.hints import asset_hints


def test_a_component_brings_its_program() -> None:
    named = asset_hints(["html"])
    assert any(name.startswith("HTML-") for name in named)
    assert not any(name.startswith("JSON-") for name in named)
    assert len(set(named)) == len(named)


def test_another_gradio_loads_as_it_did(tmp_path: Path) -> None:
    """Without the files, or with files written in another way, there are no hints and no error."""
    assert asset_hints(["html"], tmp_path) == ()
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text('<script type="module" src="./assets/index-abc.js"></script>')
    assert asset_hints(["html"], tmp_path) == ()
    (tmp_path / "assets" / "index-abc.js").write_text("m.f=[]; import(`./core-1.js`),__vite__mapDeps([7])")
    (tmp_path / "assets" / "core-1.js").write_text("no list here")
    assert asset_hints(["html"], tmp_path) == ("core-1.js",)


@pytest.mark.browser
def test_the_hints_are_what_the_page_loads(chromium: Any, page_url: str) -> None:
    """Without them Chromium finds out by itself, later: the same files."""
    hint = re.compile(r'<link rel="(?:modulepreload|preload)"[^>]*href="\./assets/([^"]+)">')
    named: list[str] = []

    def without(route: Any) -> None:
        answer = route.fetch()
        named.extend(hint.findall(answer.text()))
        route.fulfill(response=answer, body=hint.sub("", answer.text()))

    page = chromium.new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url.removeprefix(f"{page_url}assets/")))
    page.route(page_url, without)
    page.goto(page_url)
    page.get_by_role("button", name="Choose a photo").wait_for()
    loaded = {name for name in asked if re.fullmatch(r"[\w.-]+\.(?:js|css)", name)}
    assert len(named) > 30
    assert {name for name in loaded if not name.startswith("index-")} == set(named)
    page.close()
