"""Recorded runs: one small JSON file per model, from which every table of figures is made.

A run is a bundle's config, with its training, forms and measurements, but no weights;
``record_run`` writes it, and ``rewrite`` puts the tables into documents, between
``<!-- table: NAME -->`` and ``<!-- /table -->``.
"""

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final

from ..errors import ReportError
from ..recognition.bundle import EMBEDDED, Bundle
from ..recognition.bundle_config import CONFIG, BundleConfig
from ..settings import table as settings_table
from ..training.card import class_table, results_table, table, with_interval
from ..training.recipe import recipe
from ..training.run_folder import RUNS, read_json
from .address import clone_command, notebook_table
from .benchmarks import BENCHMARKS, benchmark_tables
from .experiments import ablation_size, ablation_table, best_settings
from .recipes import teachers_recipe, teachers_table
from .trained_alike import ALIKE, alike_recipes, alike_size, alike_table

#: Networks with fewer epochs than this are listed separately.
FINISHED: Final = 8
ORDER: Final = ("resnet50v2", "resnet50", "vgg16", "mobilenetv2", "custom_cnn", "residual_cnn")


def record_run(bundle: Bundle, folder: Path = RUNS) -> Path:
    """Write ``NAME.json``: the bundle's config without its file hashes; returns the path."""
    content = json.loads(bundle.config.to_json())
    del content["files"]
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{bundle.config.name}.json"
    path.write_text(json.dumps(content, indent=1) + "\n")
    return path


def read_runs(folder: Path = RUNS) -> list[BundleConfig]:
    """All recorded runs, in the order of ``ORDER``; an empty list if there are none."""
    runs = [BundleConfig.from_json(path.read_bytes()) for path in sorted(folder.glob("fer*.json"))]
    return sorted(runs, key=lambda run: (ORDER.index(run.arch) if run.arch in ORDER else len(ORDER), run.name))


def epochs_of(run: BundleConfig) -> int:
    """The epochs of a run, over all stages."""
    return sum(len(stage["history"]) for stage in run.training["stages"])


def comparison_table(runs: list[BundleConfig]) -> str:
    """A Markdown row per run: size, training, and figures on the test split, as served."""
    header = ["network", "labels", "parameters", "MB", "epochs", "hours", "accuracy (95%)", "macro-F1", "ROC AUC"]
    header += ["ECE", "without twins"]
    rows = []
    for run in runs:
        m, form = run.metrics["private"], run.export["forms"][run.export["form"]]
        auc = "" if m["roc_auc"] is None else f"{m['roc_auc']:.3f}"
        rows.append(
            [
                run.name,
                len(run.labels),
                f"{run.training['parameters']:,}",
                f"{form['megabytes']:.1f}",
                epochs_of(run),
                round(run.training["hours"], 2),
                with_interval(m["accuracy"], m["interval"]["accuracy"], 4),
                f"{m['macro_f1']:.4f}",
                auc,
                f"{m['ece']:.4f}",
                f"{m['without_twins']['accuracy']:.4f}",
            ]
        )
    return table(header, rows)


def shipped_table(runs: list[BundleConfig], folder: Path = RUNS, benchmarks: Path = BENCHMARKS) -> str:
    """A Markdown row per network in the clone, as served: both truths and found photos, where measured."""
    rows, took = [], read_json(benchmarks / "graphs.json")["milliseconds"]
    photos = {row["name"]: f"{row['photos']['accuracy']:.3f}" for row in read_json(folder / "two-truths-public.json")}
    for run in runs:
        if (EMBEDDED / run.name / CONFIG).is_file():
            m, form = run.metrics["private"], run.export["forms"][run.export["form"]]
            people = f"**{m['majority']['accuracy']:.3f}**" if "majority" in m else "not measured"
            low, high = m["interval"]["accuracy"]
            name = f"[{run.name}](emotion_core/bundles/{run.name}/README.md)"
            elsewhere = photos.get(run.name, "not measured")
            cells = [name, len(run.labels), people, elsewhere, f"{m['accuracy']:.3f} ({low:.3f} to {high:.3f})"]
            rows.append([*cells, f"{m['macro_f1']:.3f}", f"{form['megabytes']:.1f}", took[run.name]])
    header = ["network", "labels", "majority of ten", "found photos", "accuracy (95%)"]
    return table([*header, "macro-F1", "MB", "ms a face"], rows)


def truths_rows(folder: Path = RUNS, split: str = "private") -> str:
    """A Markdown row per network, and for the peer: both truths, and the hard faces."""
    rows = []
    for run in read_json(folder / f"two-truths-{split}.json"):
        majority, label = run["majority"], run["label"]
        literature = run.get("label_calibration", run)["label"]["accuracy"]
        cells = [run["name"], with_interval(majority["accuracy"], majority["interval"]), f"{label['accuracy']:.3f}"]
        cells += [f"{literature:.3f}", f"{run['nll_of_votes']:.3f}", f"{run['ece_of_votes']:.3f}"]
        cells += [f"{part['majority']['accuracy']:.3f}" for part in run.get("subsets", {}).values()]
        rows.append(cells)
    names = list(read_json(folder / f"two-truths-{split}.json")[0].get("subsets", {}))
    header = ["network", "majority of ten people (95%)", "label", "label, by the labels' own calibration"]
    return table([*header, "NLL of votes", "ECE by votes", *(f"majority, {name}" for name in names)], rows)


def label_calibrations(folder: Path = RUNS) -> str:
    """A Markdown row per network: the labels' own calibration in each form, cross-fitted on PublicTest."""
    rows: list[list[str]] = []
    forms: dict[str, None] = {}
    runs = read_json(folder / "two-truths-public.json")
    reached = {run["name"]: run.get("label_calibration", {}).get("cross_fitted", {}) for run in runs}
    for found in reached.values():
        forms |= dict.fromkeys(found)
    for run in runs:
        cells = []
        for form in forms:
            one = reached[run["name"]].get(form)
            cell = f"{one['accuracy']:.4f}, {one['nll']:.4f}" if one else "-"
            cells.append(f"**{cell}**" if one and form == run["label_calibration"]["form"] else cell)
        rows.append([run["name"], *cells])
    return table(["network", *(f"{form}: label, NLL" for form in forms)], rows)


def photos_table(folder: Path = RUNS) -> str:
    """A Markdown row per network: accuracy on found photos through the whole pipeline."""
    rows = []
    for run in read_json(folder / "two-truths-public.json"):
        seen = run["photos"]
        rows.append(
            [
                run["name"],
                with_interval(seen["accuracy"], seen["interval"]),
                f"{seen['balanced_accuracy']:.3f}",
                f"{seen['missed']} of {seen['photos']}",
                seen["detector"],
            ]
        )
    return table(["network", "accuracy (95%)", "balanced", "without a face, counted as wrong", "detector"], rows)


def corruptions_table(folder: Path = RUNS) -> str:
    """A Markdown row per corruption, a column per network: agreement with the majority, PublicTest."""
    runs = read_json(folder / "two-truths-public.json")
    rows: list[list[str]] = [["as they are", *(f"{run['majority']['accuracy']:.3f}" for run in runs)]]
    for kind in runs[0]["corruptions"]["rows"]:
        found = [run["corruptions"]["rows"][kind]["majority"] for run in runs]
        rows.append(
            [kind, *(f"{one['accuracy']:.3f} ± {(one['interval'][1] - one['interval'][0]) / 2:.3f}" for one in found)]
        )
    rows.append(["**mean of the kinds**", *(f"**{run['corruptions']['mean']['majority']:.3f}**" for run in runs)])
    return table(["faces", *(run["name"] for run in runs)], rows)


def tables(folder: Path = RUNS) -> dict[str, Callable[[], str]]:
    """By name: ``comparison``, ``ablation``, the benchmarks, and ``results``, ``classes``, ``recipe`` of each run."""
    runs = read_runs(folder)
    made: dict[str, Callable[[], str]] = {
        "comparison": partial(comparison_table, [run for run in runs if epochs_of(run) >= FINISHED]),
        "unfinished": partial(comparison_table, [run for run in runs if epochs_of(run) < FINISHED]),
        "shipped": partial(shipped_table, runs),
        "ablation": partial(ablation_table, folder),
        "ablation size": partial(ablation_size, folder),
        "search": lambda: best_settings(read_json(folder / "search.json")),
        "two truths": partial(truths_rows, folder),
        "label calibrations": partial(label_calibrations, folder),
        "found photos": partial(photos_table, folder),
        "corruptions": partial(corruptions_table, folder),
        "teachers": partial(teachers_table, folder),
        "recipe teachers": partial(teachers_recipe, folder),
        "alike": partial(alike_table, folder / ALIKE),
        "alike size": partial(alike_size, folder / ALIKE),
        "recipe alike": partial(alike_recipes, folder / ALIKE),
    }
    for run in runs:
        made[f"results {run.name}"] = partial(results_table, run)
        made[f"recipe {run.name}"] = partial(recipe, run)
        made[f"classes {run.name}"] = partial(class_table, run, "private")
    made |= {"notebooks": notebook_table, "clone": clone_command, "settings": settings_table}
    return {**made, **benchmark_tables()}


def rewrite(document: Path, folder: Path = RUNS) -> bool:
    """Put the recorded figures into a Markdown document; returns whether it changed.

    Raises ReportError for an unknown table, or one that is not recorded.
    """
    made = tables(folder)

    def fresh(match: re.Match[str]) -> str:
        if match[1] not in made:
            raise ReportError(f"{document.name} asks for the table {match[1]!r}; there are {', '.join(made)}.")
        return f"<!-- table: {match[1]} -->\n{made[match[1]]()}<!-- /table -->"

    text = document.read_text()
    renewed = re.sub(r"<!-- table: (.+?) -->\n.*?<!-- /table -->", fresh, text, flags=re.DOTALL)
    if renewed != text:
        document.write_text(renewed)
    return renewed != text
