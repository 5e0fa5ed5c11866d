"""House rules: consistent versions, one-way imports, short modules, markup only in templates."""

import ast
import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def test_the_space_runs_the_gradio_that_is_installed() -> None:
    stated = re.search(r"^sdk_version: (\S+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert stated is not None
    assert stated[1].rsplit(".", 1)[0] == importlib.metadata.version("gradio").rsplit(".", 1)[0]


def test_the_page_holds_no_image_code() -> None:
    for module in (ROOT / "app.py", *(ROOT / "emotion_core" / "page").glob("*_tab.py")):
        found = re.search(r"^\s*(import|from) (cv2|keras|tensorflow|numpy)", module.read_text(), re.MULTILINE)
        assert found is None, module


def test_the_floors_hold() -> None:
    """The contracts in pyproject.toml: imports go down, serving imports no training library, only bulk imports Ray."""
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command; lint_imports_command()"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("module", sorted((ROOT / "emotion_core").rglob("*.py")), ids=lambda path: path.name)
def test_modules_are_short(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 250, f"{module}: two modules would be easier to read"


def test_no_room_has_more_than_about_a_fifth_of_the_lines() -> None:
    core = ROOT / "emotion_core"
    lines = {path: len(path.read_text().splitlines()) for path in core.rglob("*.py")}
    for room in {path.relative_to(core).parts[0] for path in lines if path.parent != core}:
        share = sum(count for path, count in lines.items() if core / room in path.parents) / sum(lines.values())
        assert share < 0.2, f"{room}: two rooms would be easier to see through"


@pytest.mark.parametrize("module", sorted((ROOT / "emotion_core").rglob("*.py")), ids=lambda path: path.name)
def test_markup_is_made_by_templates(module: Path) -> None:
    """Templates escape their values; with tags in f-strings or manual escaping it can be forgotten."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.JoinedStr):
            words = "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
            assert not re.search(r"</?(a|b|div|g|h\d|i|img|li|p|path|script|span|style|svg|t[dhr]|text)\b", words), (
                words
            )
        if isinstance(node, ast.Import):
            assert "html" not in {name.name for name in node.names}


def test_everything_that_is_no_python_is_installed_too() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"][
        "emotion_core"
    ]
    core = ROOT / "emotion_core"
    installed = {path for pattern in patterns for path in core.glob(pattern)}
    listed = subprocess.run(["git", "ls-files", "emotion_core"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("asks git which files there are")
    for name in listed.stdout.splitlines():
        assert name.endswith(".py") or ROOT / name in installed, name


def test_servers_in_the_tests_own_process_leave_its_logging_alone() -> None:
    """Only ``support.in_process`` makes uvicorn's settings; it says why."""
    tests = [file for file in (ROOT / "tests").rglob("*.py") if file.name not in ("in_process.py", Path(__file__).name)]
    assert [file.name for file in tests if "uvicorn.Config(" in file.read_text()] == []
