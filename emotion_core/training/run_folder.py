"""The files of a run: its starting record, its history, and the origin of its weights."""

import csv
import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ..errors import ReportError, TrainingError
from ..files import unfinished
from ..project import VERSION
from ..recognition.bundle_config import CONFIG, BundleConfig
from ..recognition.origin import stages_of

RUN: Final = "run.json"
HISTORY: Final = "history.csv"
#: The project's recorded runs, one JSON file per model.
RUNS: Final = Path(__file__).parents[2] / "training_notebooks" / "runs"


def open_run(folder: Path, record: dict[str, Any], resume: bool) -> None:
    """Create the run's folder, or check that it holds the same run and may continue.

    A run that stopped before the end of its first epoch simply starts over. Raises TrainingError
    when the folder holds another run, or one that is not to be resumed.
    """
    run = folder / RUN
    if run.is_file() and (folder / HISTORY).is_file():
        if not resume:
            raise TrainingError(f"{folder} already holds a run: add --resume to continue, or choose another --out.")
        begun = read_json(run)
        # Newer code, or another machine, may resume and is not recorded; the data's content matters, not its name.
        passed_over = dict.fromkeys(("code", "data", "backend", "hardware", "probe", "base_model"))
        if {**begun, **passed_over} != {**record, **passed_over}:
            raise TrainingError(
                f"{run} was started with other data or settings: resume with the same, or choose another --out."
            )
        return
    folder.mkdir(parents=True, exist_ok=True)
    write_json(run, record)


def write_json(path: Path, record: Mapping[str, Any]) -> None:
    """Write a record whole, or not at all."""
    with unfinished(path) as part:
        part.write_text(json.dumps(record, indent=1) + "\n")


def code_version() -> dict[str, str]:
    """The package's version and, in a clone, the commit, with ``+`` if files have changed since."""
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
    """The result of ``code_version``, in words."""
    commit = f"commit {code['commit'][:12]}" if code["commit"] else "outside a clone"
    changed = ", with changes of its own" if code["commit"].endswith("+") else ""
    return f"version {code['version']}, {commit}{changed}"


def read_stages(folder: Path) -> list[dict[str, Any]]:
    """A run's record with its history so far, preceded by the runs that its weights came from.

    For a bundle's folder, the stages in its config. An empty list if nothing is recorded.
    """
    if (folder / RUN).is_file():
        record = read_json(folder / RUN)
        return [*record.pop("earlier"), {**record, "history": read_history(folder)}]
    config = folder / CONFIG
    return stages_of(BundleConfig.from_json(config.read_bytes())) if config.is_file() else []


def read_history(folder: Path) -> list[dict[str, str]]:
    """The rows of a run's history.csv; an empty list before the first epoch ends."""
    path = folder / HISTORY
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def keep_history(folder: Path, epochs: int) -> None:
    """Keep only the rows of the first ``epochs`` epochs."""
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
    """Add an epoch's row; the first one creates the file and its header, and later ones keep to its columns."""
    path = folder / HISTORY
    past = read_history(folder)
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(past[0] if past else row), extrasaction="ignore")
        if not past:
            writer.writeheader()
        writer.writerow(row)


def read_json(path: Path) -> Any:
    """The content of a recorded JSON file; ReportError if it is missing."""
    if not path.is_file():
        raise ReportError(f"{path.name} is not recorded yet in {path.parent}.")
    return json.loads(path.read_text())
