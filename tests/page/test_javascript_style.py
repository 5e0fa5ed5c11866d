"""The page's JavaScript: its own tests, types, style, and the length of its modules."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")


def test_its_own_tests() -> None:
    files = sorted(map(str, (ROOT / "tests" / "browser").glob("*.test.js")))
    done = subprocess.run(["node", "--test", *files], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    "command", [["tsc"], ["eslint", "emotion_core/page/browser", "tests/browser"]], ids=lambda it: it[0]
)
def test_types_and_style(command: list[str]) -> None:
    program = ROOT / "node_modules" / ".bin" / command[0]
    if not program.exists():
        pytest.skip("npm install brings the compiler and the linter")
    done = subprocess.run([program, *command[1:]], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("module", sorted((ROOT / "emotion_core" / "page").rglob("*.js")), ids=lambda it: it.name)
def test_modules_are_short(module: Path) -> None:
    assert len(module.read_text().splitlines()) <= 250
