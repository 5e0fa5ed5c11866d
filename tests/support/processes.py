"""Environments for programs that tests start, which know nothing of pytest's own search path."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]


def importing(**more: str) -> dict[str, str]:
    """This environment in which the package and ``support`` are found first, and with these variables."""
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, **more}
