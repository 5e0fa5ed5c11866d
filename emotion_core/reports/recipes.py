"""The networks that only taught others: their commands and what they are worth."""

from pathlib import Path
from typing import Final

from ..training.card import table
from ..training.recipe import fenced, flags, replaced, wrapped
from ..training.run_folder import RUNS, read_json

#: The teachers' configurations and their figures on PublicTest; their weights are not kept.
TEACHERS: Final = "teachers.json"


def teachers_recipe(folder: Path = RUNS) -> str:
    """The commands that train the teachers, as a fenced block."""
    lines = []
    for run in read_json(folder / TEACHERS)["runs"]:
        lines += replaced(run, run["name"])
        words = ["python -m emotion_core train --data fer2013.csv --votes fer2013new.csv"]
        words += [f"--arch {run['config']['arch']}", *flags(run["config"], run["name"]), f"--out {run['name']}"]
        lines.append(wrapped(words))
    return fenced(lines)


def teachers_table(folder: Path = RUNS) -> str:
    """A Markdown row per teacher, and one for the mean of their answers: agreement on PublicTest, uncalibrated."""
    rows = [
        [row["name"], f"{row['label']['accuracy']:.3f}", f"{row['majority']['accuracy']:.3f}", f"{row['nll']:.3f}"]
        for row in read_json(folder / TEACHERS)["rows"]
    ]
    return table(["teacher", "label", "majority of ten people", "NLL of labels"], rows)
