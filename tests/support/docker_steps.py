"""The Dockerfile's steps, carried out in an empty folder without Docker: what they copy and set."""

import json
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path
from typing import Final

from support.page_server import ROOT

#: Steps that do not change the folder or cannot be done here: base system, user, ports, health checks.
_WITHOUT: Final = ("FROM", "WORKDIR", "ARG", "USER", "EXPOSE", "HEALTHCHECK")


@dataclass
class Built:
    """folder: the image's ``/app``. environment: set by ENV. command: the words of CMD, starting with python."""

    folder: Path
    python: str = sys.executable
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)


def build(folder: Path, install: bool = False) -> Built:
    """Carry out the steps. install: run the pip steps in a new environment; otherwise use this one's packages.

    The RUN step of the browser's runtime is skipped, as with ``--build-arg BROWSER_RUNTIME=no``.
    Raises ValueError for an unknown step.
    """
    built = Built(folder)
    folder.mkdir()
    for line in _steps((ROOT / "Dockerfile").read_text()):
        what, _, rest = line.partition(" ")
        match what:
            case "COPY":
                *sources, target = shlex.split(rest)
                for source in sources:
                    _copy(ROOT / source, folder / target)
            case "ENV":
                built.environment |= dict(pair.split("=", 1) for pair in shlex.split(rest))
            case "RUN" if rest.startswith("pip install "):
                if install:
                    environment = folder.parent / "environment"
                    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
                    built.python = str(environment / "bin" / "python")
                    subprocess.run([built.python, "-m", *shlex.split(rest)], cwd=folder, check=True)
            case "RUN" if rest.startswith(("useradd ", 'if [ "$BROWSER_RUNTIME" = yes ]')):
                continue
            case "CMD":
                built.command = [str(word) for word in json.loads(rest)]
            case _ if what not in _WITHOUT:
                raise ValueError(f"A step that is not known here: {line}")
    return built


def _steps(text: str) -> list[str]:
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [" ".join(step.split()) for step in "\n".join(lines).replace("\\\n", " ").splitlines()]


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=_ignored)
    else:
        shutil.copy(source, target if target.is_dir() else target.parent / source.name)


def _ignored(folder: str, names: list[str]) -> set[str]:
    """The names that ``.dockerignore`` excludes; supports only the patterns used in it."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    patterns = [line.strip().removeprefix("**/") for line in lines if line.strip() and not line.startswith("#")]
    within = Path(folder).relative_to(ROOT)
    return {
        name
        for name in names
        if any(fnmatch((within / name).as_posix(), pattern) or fnmatch(name, pattern) for pattern in patterns)
    }
