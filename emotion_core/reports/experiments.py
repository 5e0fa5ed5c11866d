"""The recorded ablation and search, as tables and sentences."""

from pathlib import Path
from typing import Any

from ..training.card import table
from ..training.run_folder import RUNS, read_json


def ablation_table(folder: Path = RUNS) -> str:
    """A Markdown row per switch: the plain run's figures on PublicTest, and the others' differences to them.

    Means over the seeds, with the half width of their 95% interval where there are two or more.
    """
    plain, *others = read_json(folder / "ablation.json")["switches"]
    others = [row for row in others if row["seeds"] == plain["seeds"]]  # an ablation under way has fewer of some
    own = plain["figures"]
    shares = [name for name in ("accuracy", "cross_fitted_accuracy", "majority") if name in own]
    losses = ["nll", "cross_fitted_nll"]
    words = {"cross_fitted_accuracy": "cross-fitted", "nll": "NLL", "cross_fitted_nll": "NLL, cross-fitted"}
    header = ["switch", *(words.get(name, name) for name in [*shares, *losses])]
    cells = [*(_spread(own[name], 100, "{:.1f}%") for name in shares), *(_spread(own[name], 1) for name in losses)]
    rows = [[plain["switch"], *cells]]
    for row in others:
        found = row["differences"]
        cells = [_spread(found[name], 100, "{:+.1f}") for name in shares]
        cells += [_spread(found[name], 1, "{:+.3f}") for name in losses]
        rows.append([row["switch"], *cells])
    return table(header, rows)


def gains(record: dict[str, Any], figure: str = "accuracy") -> dict[str, tuple[float, float]]:
    """By switch, its points of raw accuracy over the plain run, and the half width of their interval (0 of one run).

    figure: ``accuracy``, by the labels, or ``majority``; a switch without it is left out.
    """
    found = {}
    for row in record["switches"][1:]:
        if figure not in row["differences"]:
            continue
        told = row["differences"][figure]
        low, high = told["interval"] or (told["mean"], told["mean"])
        found[row["switch"]] = (round(100 * told["mean"], 1), round(50 * (high - low), 1))
    return found


def ablation_size(folder: Path = RUNS) -> str:
    """A sentence: on how much, and how long, the recorded ablation trained."""
    record = read_json(folder / "ablation.json")
    config, seeds = record["config"], record["switches"][0]["seeds"]
    options = "".join(f", {name.replace('_', ' ')} {value}" for name, value in config["arch_options"].items())
    return (
        f"{len(record['runs'])} runs of `{config['arch']}`{options}: {record['training_faces']:,} Training faces, "
        f"{config['epochs']} epochs, {seeds} seeds of each switch, judged on the {record['public_faces']:,} faces of "
        "PublicTest.\n"
    )


def best_settings(record: dict[str, Any]) -> str:
    """Markdown: the best trial of a record from ``experiments.search``, beside what the search began with."""
    trials, random = record["trials"], record["random_trials"]
    best = record["best"]
    figures = ("number", "seconds", "accuracy", "nll", "cross_fitted_accuracy", "cross_fitted_nll", "majority")
    settings = ", ".join(f"{name.replace('_', ' ')} {value:.2g}" for name, value in best.items() if name not in figures)
    early = min(trial["cross_fitted_nll"] for trial in trials[:random])
    later = (
        f"; the best of the first {random}, which are the given settings and random ones, reached {early:.3f}"
        if len(trials) > random
        else f"; so few trials are random ones: TPE begins after the first {random}"
    )
    return (
        f"Best of {len(trials)} trials: cross-fitted NLL {best['cross_fitted_nll']:.3f} on PublicTest, accuracy "
        f"{best['accuracy']:.3f}, with {settings}. The given settings reached {trials[0]['cross_fitted_nll']:.3f} and "
        f"{trials[0]['accuracy']:.3f}{later}.\n"
    )


def _spread(told: dict[str, Any], times: float, form: str = "{:.3f}") -> str:
    """A mean with the half width of its interval."""
    text = form.format(times * told["mean"])
    if told["interval"] is None:
        return text
    low, high = told["interval"]
    return f"{text} ± {form.replace('+', '').replace('%', '').format(times * (high - low) / 2)}"
