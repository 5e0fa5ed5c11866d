"""axe-core, which finds accessibility problems: from npm, never part of the project."""

import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
VERSION = "4.14.1"
#: The rules that must hold: WCAG 2.2 at level AA, and axe's own best practices.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
_RUN = """async (rules) => {
    // A colour on its way to another is none of the page's.
    const passing = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.allSettled(passing.map((one) => one.finished));
    const answer = await axe.run(document, {resultTypes: ["violations"], runOnly: rules});
    return answer.violations.filter((one) => ["serious", "critical"].includes(one.impact)).flatMap((one) =>
        one.nodes.map((node) => `${one.id}: ${node.target.join(" ")} ${node.html.slice(0, 120)}`));
}"""


@lru_cache(maxsize=1)
def source() -> str:
    """The script, from node_modules, the folder AXE_CORE, or npm; without it the test is skipped."""
    places = [ROOT / "node_modules" / "axe-core"]
    if named := os.environ.get("AXE_CORE"):
        places.append(Path(named))
    if not any(place.is_dir() for place in places) and (npm := shutil.which("npm")):
        folder = Path(mkdtemp(prefix="axe-"))
        command = [npm, "install", "--silent", "--no-save", "--prefix", str(folder), f"axe-core@{VERSION}"]
        subprocess.run(command, capture_output=True, timeout=120, check=False)
        places.append(folder / "node_modules" / "axe-core")
    for place in places:
        if (script := place / "axe.min.js").is_file():
            return script.read_text()
    pytest.skip("axe-core is not here: npm install, or set AXE_CORE to the package's folder")


def serious_findings(page: Any) -> list[str]:
    """axe's serious and critical findings on a page in its current state."""
    page.evaluate(source())
    found: list[str] = page.evaluate(_RUN, RULES)
    return found
