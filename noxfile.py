"""The project's habits as commands, in the environment at hand: ``nox -s check``; ``nox --list`` names them all.

They need ``pip install -e '.[dev]'``; none makes an environment of its own, so each starts at once.
"""

import shutil
import sys
from pathlib import Path

import nox

nox.needs_version = ">=2025.5"
nox.options.default_venv_backend = "none"
nox.options.sessions = ["check", "fast"]
ROOT = Path(__file__).parent
#: Documents with tables that are made from recorded runs.
DOCUMENTS = (
    "README.md",
    "SECURITY.md",
    "tests/benchmarks/README.md",
    *sorted(str(path) for path in Path("docs").glob("*.md")),
)


def run(session: nox.Session, *command: str, **environment: str) -> None:
    """A program of this environment, from the clone's root."""
    session.run(sys.executable, "-m", *command, env={"PYTHONPATH": str(ROOT), **environment}, external=True)


@nox.session
def check(session: nox.Session) -> None:
    """What every change must pass beside the tests: linter, format, types, floors, the page's JavaScript."""
    run(session, "ruff", "check", ".")
    run(session, "ruff", "format", "--check", ".")
    run(session, "mypy")
    session.run(str(Path(sys.executable).with_name("lint-imports")), env={"PYTHONPATH": str(ROOT)}, external=True)
    if (ROOT / "node_modules").is_dir() and shutil.which("npm"):
        session.run("npm", "run", "check", external=True)


@nox.session
def fix(session: nox.Session) -> None:
    """Mend what the linter can mend, and format."""
    run(session, "ruff", "check", "--fix", ".")
    run(session, "ruff", "format", ".")


@nox.session
def test(session: nox.Session) -> None:
    """All tests, and which lines they reach; more arguments go to pytest: ``nox -s test -- tests/video``."""
    run(session, "pytest", "--cov", "--cov-report=term:skip-covered", *session.posargs)


@nox.session
def accelerator(session: nox.Session) -> None:
    """The tests of training on JAX, as on a GPU and on several devices; installs JAX for the processor."""
    run(session, "pip", "install", "jax>=0.7,<1")
    run(session, "pytest", "tests/training/test_compiled.py", "tests/training/test_devices.py", *session.posargs)


@nox.session
def fast(session: nox.Session) -> None:
    """The tests that train nothing and open no browser, in under a minute."""
    run(session, "pytest", "-m", "not slow and not browser and not notebooks", *session.posargs)


@nox.session
def browser(session: nox.Session) -> None:
    """The tests that drive the page in Chromium."""
    run(session, "pytest", "-m", "browser", *session.posargs)


@nox.session
def screenshots(session: nox.Session) -> None:
    """Photograph the page for the README, in light and dark, in Chromium."""
    run(session, "emotion_core", "screenshots", "docs/images")


@nox.session
def figures(session: nox.Session) -> None:
    """Renew the tables of the documents from the recorded runs; nothing is measured."""
    run(session, "emotion_core", "tables", *DOCUMENTS)
