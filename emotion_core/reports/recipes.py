"""The commands that repeat recorded runs, and the networks that only taught others."""

import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ..files import sha256_of
from ..labels import FERPLUS
from ..recognition.bundle import embedded
from ..recognition.bundle_config import BundleConfig
from ..training.card import table
from ..training.config import TrainConfig
from ..training.run_folder import RUNS, read_json
from ..training.targets import asked_weights

_GLUE: Final = "\0"
#: The teachers' configurations and their figures on PublicTest; their weights are not kept.
TEACHERS: Final = "teachers.json"
#: Files that recorded runs began from, and that nobody has any more: what anybody can begin from instead.
_HAD: Final = {
    "resnet50v2_imagenet_partial.npz": "--weights imagenet",
    "mobilenetv2_imagenet.npz": "--weights imagenet",
}


def recipe(run: BundleConfig) -> str:
    """The commands that repeat a run, one per stage, as a fenced block with the non-default options."""
    votes = any(stage["votes_sha256"] for stage in run.training["stages"])
    data = ["--data fer2013.csv", *(["--votes fer2013new.csv"] if votes else [])]
    data += ["--ferplus"] if run.labels == FERPLUS else []
    lines, stages, averaged = [], run.training["stages"], run.training.get("averaged", [])
    for number, stage in enumerate(stages, 1):
        last = number == len(stages) and not averaged
        out = run.name if last else f"{run.name}-stage-{number}"
        words = ["python -m emotion_core train", *data, f"--arch {stage['config']['arch']}"]
        words += ["--probe"] if stage.get("probe") else []
        words += _flags(stage["config"], run.name, number)
        words += ["--flip"] if last and run.flip else []
        done, planned = len(stage["history"]), stage["config"]["epochs"]
        lines += [f"# stopped after epoch {done}"] if done < planned else []
        lines += _replaced(stage, run.name, number)
        lines.append(_wrapped([*words, f"--out {out}"]))
    if averaged:
        members = [f"{run.name}-stage-{member['stages']}" for member in averaged]
        words = ["python -m emotion_core average", *members, *data, *(["--flip"] if run.flip else [])]
        lines.append(_wrapped([*words, f"--out {run.name}"]))
    return "```bash\n" + "\n".join(lines) + "\n```\n"


def _replaced(stage: dict[str, Any], name_of_run: str, number: int) -> list[str]:
    """Comments on what a stage was trained with and what stands in for it, since nobody has it any more."""
    told, start = [], stage["config"]["init"]
    if number == 1 and start in _HAD:
        told.append(f"# began with {start}, weights from Keras that {_HAD[start]} downloads whole")
    for name, digest in zip(stage["config"]["teachers"], stage.get("teachers_sha256", ()), strict=False):
        if name != name_of_run and (local := embedded(name)) and sha256_of(asked_weights(local)) != digest:
            told.append(f"# {name} was another then (SHA-256 {digest[:12]}...); the one in the clone stands in for it")
    return told


def _wrapped(words: Sequence[str]) -> str:
    """A command wrapped over several lines; an option and its value stay on the same line."""
    glued = " ".join(word.replace(" ", _GLUE) for word in words)
    filled = textwrap.wrap(glued, 96, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return " \\\n".join(filled).replace(_GLUE, " ")


def _flags(config: dict[str, Any], name_of_run: str, number: int) -> list[str]:
    """The options that turn the defaults into the recorded configuration of a run's stage, but for lost files.

    A stage starts from the previous one, and if it names its own run as a teacher, that means the previous stage.
    """
    defaults, flags, earlier = TrainConfig().as_json(), [], f"{name_of_run}-stage-{number - 1}"
    for name, value in config.items():
        if name in ("arch", "augmentation", "precision") or value == defaults[name]:
            continue
        if name == "init" and number == 1 and value in _HAD:
            flags.append(_HAD[value])
        elif name == "init":
            kept = f"{earlier}/run/{value}" if value.endswith(".h5") else earlier  # a run's weights, or its bundle
            flags.append(f"--init {kept if number > 1 else value}")
        elif name == "teachers":
            flags.append(" ".join(["--teachers", *(earlier if one == name_of_run else one for one in value)]))
        elif name == "arch_options":
            flags += [f"--{key.replace('_', '-')} {size}" for key, size in value.items() if key != "channels"]
            flags += ["--color"] if value.get("channels") == 3 else []
        else:
            flags.append(f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}"))
    return flags


def teachers_recipe(folder: Path = RUNS) -> str:
    """The commands that train the teachers, as a fenced block."""
    lines = []
    for run in read_json(folder / TEACHERS)["runs"]:
        lines += _replaced(run, run["name"], 1)
        words = ["python -m emotion_core train --data fer2013.csv --votes fer2013new.csv"]
        words += [f"--arch {run['config']['arch']}", *_flags(run["config"], run["name"], 1), f"--out {run['name']}"]
        lines.append(_wrapped(words))
    return "```bash\n" + "\n".join(lines) + "\n```\n"


def teachers_table(folder: Path = RUNS) -> str:
    """A Markdown row per teacher, and one for the mean of their answers: agreement on PublicTest, uncalibrated."""
    rows = [
        [row["name"], f"{row['label']['accuracy']:.3f}", f"{row['majority']['accuracy']:.3f}", f"{row['nll']:.3f}"]
        for row in read_json(folder / TEACHERS)["rows"]
    ]
    return table(["teacher", "label", "majority of ten people", "NLL of labels"], rows)
