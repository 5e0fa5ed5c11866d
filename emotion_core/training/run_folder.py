"""The files of a run: what it was begun with, its history, and what its weights came from."""

import csv
import json
import subprocess
from pathlib import Path
from typing import Any, Final

from ..errors import ReportError, TrainingError
from ..files import unfinished
from ..project import VERSION
from ..recognition.bundle_config import CONFIG, BundleConfig

RUN: Final = "run.json"
HISTORY: Final = "history.csv"
#: The project's recorded runs, one JSON a model.
RUNS: Final = Path(__file__).parents[2] / "training_notebooks" / "runs"


def open_run(folder: Path, record: dict[str, Any], resume: bool) -> None:
    """Create the run's folder, or check that it holds the same run and may go on.

    A start that came to nothing, before the end of the first epoch, is simply begun again.
    """
    run = folder / RUN
    if run.is_file() and (folder / HISTORY).is_file():
        if not resume:
            raise TrainingError(f"{folder} already holds a run: add --resume to continue, or choose another --out.")
        begun = read_json(run)
        # Newer code may go on, and is not recorded; the data's content counts, not its name.
        passed_over = dict.fromkeys(("code", "data", "probe", "base_model"))
        if {**begun, **passed_over} != {**record, **passed_over}:
            raise TrainingError(
                f"{run} was started with other data or settings: resume with the same, or choose another --out."
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    with unfinished(run) as part:
        part.write_text(json.dumps(record, indent=1) + "\n")


def code_version() -> dict[str, str]:
    """The package's version and, in a clone, the commit; ``+`` where files were changed since."""
    here = Path(__file__).parent
    try:
        commit, changed = (
            subprocess.run(["git", *words], cwd=here, capture_output=True, text=True, check=True, timeout=20).stdout
            for words in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.SubprocessError):
        return {"version": VERSION, "commit": ""}
    return {"version": VERSION, "commit": commit.strip() + ("+" if changed.strip() else "")}


def code_words(code: dict[str, str]) -> str:
    """What ``code_version`` found, for people."""
    commit = f"commit {code['commit'][:12]}" if code["commit"] else "outside a clone"
    changed = ", with changes of its own" if code["commit"].endswith("+") else ""
    return f"version {code['version']}, {commit}{changed}"


def read_stages(folder: Path) -> list[dict[str, Any]]:
    """What is recorded of a run, with its history so far, after the runs that its weights came from.

    For the folder of a bundle: what its config says. An empty list where nothing is recorded.
    """
    if (folder / RUN).is_file():
        record = read_json(folder / RUN)
        return [*record.pop("earlier"), {**record, "history": read_history(folder)}]
    config = folder / CONFIG
    return list(BundleConfig.from_json(config.read_bytes()).training.get("stages", [])) if config.is_file() else []


def read_history(folder: Path) -> list[dict[str, str]]:
    """The rows of a run's history.csv; an empty list before the first epoch's end."""
    path = folder / HISTORY
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def keep_history(folder: Path, epochs: int) -> None:
    """Forget the rows after so many epochs."""
    rows = read_history(folder)[:epochs]
    kept = folder / "kept"
    kept.mkdir(exist_ok=True)
    for row in rows:
        append_history(kept, row)
    if rows:
        (kept / HISTORY).replace(folder / HISTORY)
    else:
        (folder / HISTORY).unlink(missing_ok=True)
    kept.rmdir()


def append_history(folder: Path, row: dict[str, Any]) -> None:
    """Add an epoch's row; the first one makes the file and its header."""
    path = folder / HISTORY
    new = not path.is_file()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row))
        if new:
            writer.writeheader()
        writer.writerow(row)


def read_json(path: Path) -> Any:
    """What a recorded file says; ReportError where it is missing."""
    if not path.is_file():
        raise ReportError(f"{path.name} is not recorded yet in {path.parent}.")
    return json.loads(path.read_text())
