"""The commands that repeat a recorded run, beginning at what anybody can have, and what nobody can have any more."""

import shlex
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any, Final

from ..files import sha256_of
from ..labels import FERPLUS
from ..recognition.bundle import WEIGHTS, embedded
from ..recognition.bundle_config import BundleConfig
from ..recognition.origin import data_name, is_fer, origin_of
from .config import TrainConfig
from .targets import asked_weights

_GLUE: Final = "\0"
#: Files that recorded runs began from, and that are not published: what anybody can begin from instead.
_UNPUBLISHED: Final = {
    "resnet50v2_imagenet_partial.npz": "--weights imagenet",
    "mobilenetv2_imagenet.npz": "--weights imagenet",
}


def recipe(run: BundleConfig) -> str:
    """The commands that repeat a run, one per stage, as a fenced block with the non-default options.

    A stage that began from a published bundle is the first: those before it made that bundle.
    """
    lines, stages = [], run.training["stages"]
    votes = any(stage["votes_sha256"] for stage in stages)
    first = _first(run)
    for number, stage in enumerate(stages, 1):
        if number < first:
            continue
        averaged = stage.get("averaged", [])
        last = number == len(stages) and not averaged
        out = run.name if last else _raw(run.name, number)
        words = ["python -m emotion_core train", *_data(run, stage, votes), f"--arch {stage['config']['arch']}"]
        asked = origin_of(run, stage).asked
        words += [f"--faces {asked}"] if asked else []
        words += ["--probe"] if stage.get("probe") else []
        words += flags(stage["config"], run.name, _starts(run, number), _published(stage, run.name))
        words += ["--flip"] if last and run.flip else []
        words += ["--whole-picture"] if last and run.sees == "picture" else []
        done, planned = len(stage["history"]), stage["config"]["epochs"]
        lines += [f"# stopped after epoch {done}"] if done < planned else []
        lines += replaced(stage, run.name)
        lines.append(wrapped([*words, f"--out {shlex.quote(out)}"]))
        if averaged:
            final = number == len(stages)
            members = [_after(run, member["stages"], below=number) for member in averaged]
            words = ["python -m emotion_core average", *members, *_data(run, stage, votes)]
            words += ["--flip"] if final and run.flip else []
            lines.append(wrapped([*words, f"--out {run.name if final else _after(run, number)}"]))
    return fenced(lines)


def not_published(run: BundleConfig) -> list[str]:
    """Sentences on what the run began with or learnt from, and nobody can download."""
    stages = run.training["stages"][_first(run) - 1 :]
    told = [
        f"The file `{start}`{_by_hash(stage)} that it began with is not published: its weights came from Keras, and "
        f"`{_UNPUBLISHED[start]}`, which downloads all of them, stands in for it."
        for stage in stages
        if (start := stage["config"]["init"]) in _UNPUBLISHED
    ]
    teachers = dict.fromkeys(name for stage in stages for name in stage["config"]["teachers"])
    own = [f"`{name}`" for name in teachers if name != run.name and not embedded(name)]
    if own:
        told.append(
            f"The weights of its teachers ({', '.join(own)}) are not published: train teachers first, for networks of "
            "the project by the commands in its `docs/training.md`."
        )
    return told


def fenced(lines: Sequence[str]) -> str:
    """Commands as a block of Markdown."""
    return "```bash\n" + "\n".join(lines) + "\n```\n"


def replaced(stage: Mapping[str, Any], name_of_run: str) -> list[str]:
    """Comments on what a stage was trained with and what stands in for it, since it is not published."""
    told, start = [], stage["config"]["init"]
    if start in _UNPUBLISHED:
        told.append(f"# began with {start}, weights from Keras that {_UNPUBLISHED[start]} downloads whole")
    began = [(start, stage.get("init_sha256"), WEIGHTS)]
    taught = zip(stage["config"]["teachers"], stage.get("teachers_sha256", ()), strict=False)
    for name, digest, file in [*began, *((name, digest, None) for name, digest in dict.fromkeys(taught))]:
        local = embedded(name) if name and name != name_of_run else None
        if local and digest and sha256_of(local.folder / file if file else asked_weights(local)) != digest:
            told.append(f"# {name} was another then (SHA-256 {digest[:12]}...); the one in the clone stands in for it")
    return told


def wrapped(words: Sequence[str]) -> str:
    """A command wrapped over several lines; an option and its value stay on the same line."""
    glued = " ".join(word.replace(" ", _GLUE) for word in words)
    filled = textwrap.wrap(glued, 96, subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)
    return " \\\n".join(filled).replace(_GLUE, " ")


def flags(
    config: Mapping[str, Any], name_of_run: str, before: tuple[str, str] | None = None, published: str | None = None
) -> list[str]:
    """The options that turn the defaults into the recorded configuration of a run's stage.

    before: the folders of the previous stage, as it was trained and as it was left: averaged, perhaps. A stage starts
    from the published bundle, if there is one, else from the previous stage, and if it names its own run as a teacher,
    that means the previous stage.
    """
    defaults, found = TrainConfig(precision="").as_json(), []
    trained, left = before or ("", "")
    for name, value in config.items():
        if name in ("arch", "augmentation", "precision") or value == defaults[name]:
            continue
        if name == "init" and published:
            found.append(f"--init {published}")
        elif name == "init" and value in _UNPUBLISHED:
            found.append(_UNPUBLISHED[value])
        elif name == "init":
            kept = f"{trained}/run/{value}" if value.endswith(".h5") else left  # a run's weights, or its bundle
            found.append(f"--init {kept if before else value}")
        elif name == "teachers":
            found.append(" ".join(["--teachers", *(left if one == name_of_run and left else one for one in value)]))
        elif name == "arch_options":
            found += [f"--{key.replace('_', '-')} {size}" for key, size in value.items() if key != "channels"]
            found += ["--color"] if value.get("channels") == 3 else []
        else:
            found.append(f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}"))
    return found


def _raw(name_of_run: str, number: int) -> str:
    """The folder of a stage as it was trained."""
    return f"{name_of_run}-stage-{number}"


def _after(run: BundleConfig, number: int, below: int | None = None) -> str:
    """The folder of a stage as it was left: its mean with others, if it is below ``below`` and was averaged."""
    folder = _raw(run.name, number)
    mean = run.training["stages"][number - 1].get("averaged") and (below is None or number < below)
    return f"{folder}-mean" if mean else folder


def _starts(run: BundleConfig, number: int) -> tuple[str, str] | None:
    return (_raw(run.name, number - 1), _after(run, number - 1)) if number > 1 else None


def _by_hash(stage: Mapping[str, Any]) -> str:
    return f" (SHA-256 `{stage['init_sha256'][:16]}`)" if stage.get("init_sha256") else ""


def _first(run: BundleConfig) -> int:
    """The stage, counted from 1, with which a recipe begins: the last that began from a published bundle."""
    begun = [number for number, stage in enumerate(run.training["stages"], 1) if _published(stage, run.name)]
    return max(begun, default=1)


def _published(stage: Mapping[str, Any], name_of_run: str) -> str | None:
    """The bundle, of the Hub or of the clone, that a stage began from."""
    start = stage["config"]["init"]
    if not start or PurePath(start).suffix in (".h5", ".npz"):
        return None
    if stage.get("base_model"):
        return str(stage["base_model"])
    return str(start) if start != name_of_run and embedded(start) else None


def _data(run: BundleConfig, stage: Mapping[str, Any], votes: bool) -> list[str]:
    """The options that name a stage's data; ``votes``: the run had FER-2013's."""
    origin = origin_of(run, stage)
    if not is_fer(origin):
        return [f"--data {shlex.quote(data_name(origin))}", *(["--detect"] if origin.sought else [])]
    told = ["--data fer2013.csv", *(["--votes fer2013new.csv"] if votes else [])]
    return [*told, *(["--ferplus"] if run.labels == FERPLUS else [])]
