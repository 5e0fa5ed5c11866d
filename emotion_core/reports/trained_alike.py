"""The fair comparison: networks trained alike, as a table and as the commands that repeat it.

Alike are the faces, their number, the size, the random start, the teacher, the epochs and the augmentation: what
differs is the network, and the rate that suits it. It is a small budget, so it says what each learns soon, not what
each can reach.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from ..errors import ReportError
from ..recognition.bundle_config import BundleConfig
from ..recognition.origin import origin_of
from ..training.card import table, with_interval
from ..training.recipe import fenced, recipe
from ..training.run_folder import RUNS, read_json

#: Their folder in that of all runs.
ALIKE: Final = "alike"
#: Milliseconds a face, of every graph in one run: ``tests/benchmarks/graphs.py``.
GRAPHS: Final = "graphs.json"
#: What may differ between runs that are compared; everything else is the same.
_OWN: Final = ("arch", "arch_options", "precision", "learning_rate")


def read_alike(folder: Path = RUNS / ALIKE) -> list[BundleConfig]:
    """The runs, best first, by PublicTest's majority of ten people; an empty list if none is recorded.

    Raises ReportError where they were not trained alike.
    """
    runs = [BundleConfig.from_json(path.read_bytes()) for path in sorted(folder.glob("alike-*.json"))]
    for run in runs[1:]:
        if different := _different(_told(runs[0]), _told(run)):
            raise ReportError(f"{run.name} and {runs[0].name} were not trained alike: {', '.join(different)} differ.")
    return sorted(runs, key=lambda run: float(run.metrics["public"]["majority"]["accuracy"]), reverse=True)


def alike_table(folder: Path = RUNS / ALIKE) -> str:
    """A Markdown row per network: size, speed, and both truths on PrivateTest, as served, each with its interval."""
    runs = read_alike(folder)
    took = read_json(folder / GRAPHS)["milliseconds"] if runs else {}
    rows = []
    for run in runs:
        private, form = run.metrics["private"], run.export["forms"][run.export["form"]]
        majority = private["majority"]
        rows.append(
            [
                run.arch,
                f"{run.training['parameters']:,}",
                f"{form['megabytes']:.1f}",
                took[run.name],
                f"{run.training['stages'][0]['config']['learning_rate']:g}",
                with_interval(majority["accuracy"], majority["interval"]),
                with_interval(private["accuracy"], private["interval"]["accuracy"]),
                f"{private['macro_f1']:.3f}",
                f"{private['nll_of_votes']:.3f}",
            ]
        )
    header = ["network", "parameters", "MB", "ms a face", "peak rate", "majority of ten people (95%)"]
    return table([*header, "label (95%)", "macro-F1", "NLL of votes"], rows)


def alike_size(folder: Path = RUNS / ALIKE) -> str:
    """Sentences: on how much, and how long, each was trained, and on how much measured."""
    runs = read_alike(folder)
    if not runs:
        return "Nothing is recorded.\n"
    [stage] = runs[0].training["stages"]
    config, faces = stage["config"], origin_of(runs[0], stage).asked
    return (
        f"Each network began with random weights and had {config['epochs']} epochs of {faces:,} Training faces at "
        f"{runs[0].image_size} pixels, in batches of {config['batch_size']}, with the same "
        f"augmentation and the same teacher, {' and '.join(config['teachers'])}. They were measured on "
        f"{runs[0].metrics['private']['faces']:,} faces of PrivateTest.\n"
    )


def alike_recipes(folder: Path = RUNS / ALIKE) -> str:
    """The commands that repeat the runs, one block."""
    lines = [line for run in read_alike(folder) for line in recipe(run).splitlines()[1:-1]]
    return fenced(lines)


def _told(run: BundleConfig) -> dict[str, Any]:
    """What must be the same in every run; a second stage counts as a difference, too."""
    stages: Sequence[dict[str, Any]] = run.training["stages"]
    config = {name: value for name, value in stages[0]["config"].items() if name not in _OWN}
    return {
        **config,
        "image size": run.image_size,
        "stages": len(stages),
        "epochs trained": len(stages[0]["history"]),
        "faces": stages[0]["data_sha256"],
        "votes": stages[0]["votes_sha256"],
        "teachers' weights": stages[0]["teachers_sha256"],
        "mirror image": run.flip,
    }


def _different(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    return [name for name in one if one[name] != other[name]]
