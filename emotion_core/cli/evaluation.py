"""The commands ``evaluate``, ``calibrate`` and ``compare``."""

import argparse
import json
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from .training_options import MODEL, bundle_of, data_options

CORRUPTIONS = "measure on faces turned, small, dark, blurred..."
SUBSET = "arrays of row numbers: measure on each alone, too"
PHOTOS = "class folders or labels.csv, through the whole pipeline"


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the three commands to a parser's commands."""
    evaluate = commands.add_parser("evaluate", help="measure a bundle by the labels and by the voters' majority")
    evaluate.add_argument("bundle", metavar="BUNDLE", help=MODEL)
    data_options(evaluate)
    evaluate.add_argument("--split", choices=("public", "private"), required=True)
    evaluate.add_argument("--views", choices=("one", "flip", "ten"), help="by default, as the bundle serves")
    evaluate.add_argument("--calibration", metavar="NAME", help="one other than the one that serves, such as labels")
    evaluate.add_argument("--corruptions", action="store_true", help=CORRUPTIONS)
    evaluate.add_argument("--subset", type=Path, metavar="NPZ", help=SUBSET)
    evaluate.add_argument("--photos", type=Path, metavar="FOLDER", help=PHOTOS)
    evaluate.add_argument("--json", action="store_true")
    evaluate.add_argument("--out", type=Path, metavar="DIR", help="write the figures as JSON and pictures there")
    evaluate.set_defaults(run=run_evaluate)

    calibrate = commands.add_parser("calibrate", help="recalibrate a bundle on PublicTest, in place")
    calibrate.add_argument("bundle", type=Path, metavar="BUNDLE", help="the bundle's folder")
    data_options(calibrate)
    calibrate.add_argument("--photos", type=Path, metavar="FOLDER", help="labelled photos that count as well")
    calibrate.add_argument("--one-look", action="store_true", help="serve without each face's mirror image")
    calibrate.add_argument(
        "--labels-only", action="store_true", help="fit the labels' own calibration anew, and leave what serves"
    )
    calibrate.set_defaults(run=run_calibrate)

    compare = commands.add_parser(
        "compare", help="measure bundles, and a peer's network, side by side; keep it as a run"
    )
    compare.add_argument("bundle", nargs="+", metavar="BUNDLE", help=MODEL)
    data_options(compare)
    compare.add_argument("--split", choices=("public", "private"), required=True)
    compare.add_argument("--peer", type=Path, metavar="HDF5", help="fer2013_mini_XCEPTION.hdf5")
    compare.add_argument("--subset", type=Path, metavar="NPZ", help=SUBSET)
    compare.add_argument("--photos", type=Path, metavar="FOLDER", help=PHOTOS)
    compare.add_argument("--corruptions", action="store_true", help=CORRUPTIONS)
    compare.add_argument("--mean", action="store_true", help="measure the mean of the networks' answers, too")
    compare.add_argument(
        "--labels-only",
        action="store_true",
        help="in a finished record, measure the labels' own calibration again, nothing else",
    )
    compare.add_argument("--out", type=Path, metavar="JSON", help="by default, the project's recorded runs")
    compare.set_defaults(run=run_compare)


def data_of(options: argparse.Namespace, config: Any) -> Any:
    """The data for this bundle's labels and crops."""
    from ..datasets.faces import load
    from ..training.evaluate import matching

    return matching(load(options.data, options.votes, config.height, config.channels), config.labels)


def run_evaluate(options: argparse.Namespace) -> int:
    """Measure a bundle as it is served, and print the figures."""
    from ..errors import TrainingError
    from ..recognition.classifier import Classifier
    from ..training.comparison import measure
    from ..training.evaluate import evaluate, seen

    bundle = bundle_of(options.bundle)
    config, classifier = bundle.config, Classifier.from_bundle(bundle)
    if options.calibration:
        if options.calibration not in config.calibrations:
            known = ", ".join(config.calibrations) or "none"
            raise TrainingError(
                f"{bundle.origin} has no calibration {options.calibration!r} beside the one that serves: {known}."
            )
        classifier = classifier.calibrated_by(config.calibrations[options.calibration])
    data = data_of(options, config)
    figures = evaluate(classifier, data, options.split, options.views)
    views = options.views or ("flip" if config.flip else "one")
    more = measure(lambda faces: seen(classifier, faces, views), data, options, config)
    if options.out:
        from ..reports.charts import save_all

        save_all(config, figures, options.split, options.out)
        (options.out / f"metrics-{options.split}.json").write_text(json.dumps({**figures, **more}, indent=1) + "\n")
    if options.json:
        print(json.dumps({**figures, **more}, indent=1))
        return 0
    print(f"{bundle.origin} on {options.split}: {figures['faces']} faces, {figures['views']} view")
    _print_figures(figures)
    _print_more(more)
    return 0


def _print_figures(figures: dict[str, Any]) -> None:
    names = ("accuracy", "balanced_accuracy", "macro_precision", "macro_f1", "roc_auc", "nll", "nll_of_votes", "ece")
    for name in (*names, "ece_of_votes", "uncertain_share"):
        if figures.get(name) is not None:
            print(f"  {name:18} {figures[name]:.4f}")
    low, high = figures["interval"]["accuracy"]
    twins = figures["without_twins"]
    print(f"  95% interval       accuracy {low:.4f} to {high:.4f}")
    print(f"  without twins      accuracy {twins['accuracy']:.4f}, macro-F1 {twins['macro_f1']:.4f}")
    if "majority" in figures:
        print(f"  majority           {_agreement(figures['majority'])}")
        kept = figures["coverage"]
        print(
            f"  uncertain          {kept['marked']:.3f} marked; {kept['agreement_unmarked']:.4f} of the others agree "
            "with the majority"
        )
    for label, row in figures["per_class"].items():
        print(
            f"  {label:10} precision {row['precision']:.3f}  recall {row['recall']:.3f}  "
            f"F1 {row['f1']:.3f}  faces {row['faces']}"
        )


def _print_more(more: dict[str, Any]) -> None:
    for name, part in more.get("subsets", {}).items():
        print(f"  {name}: label {_agreement(part['label'])}; majority {_agreement(part['majority'])}")
    if table := more.get("corruptions"):
        for name, row in table["rows"].items():
            print(f"  {name:30} " + "; ".join(f"{truth} {_agreement(one)}" for truth, one in row.items()))
        print("  mean of the kinds              " + "; ".join(f"{t} {v:.4f}" for t, v in table["mean"].items()))
    if seen := more.get("photos"):
        print(
            f"  photos             accuracy {seen['accuracy']:.4f}, balanced {seen['balanced_accuracy']:.4f}; "
            f"{seen['missed']} of {seen['photos']} without a face ({seen['detector']}), counted as wrong"
        )


def _agreement(row: dict[str, Any]) -> str:
    low, high = row["interval"]
    return f"{row['accuracy']:.4f} ({low:.4f} to {high:.4f}) of {row['faces']}"


def run_calibrate(options: argparse.Namespace) -> int:
    """Fit, choose by the documented rule, measure, and write config and card."""
    from ..training.quiet import start_quietly

    start_quietly()
    from ..errors import TrainingError
    from ..recognition.bundle import Bundle
    from ..training.recalibration import recalibrate, refit_labels

    bundle = Bundle.open(options.bundle)
    if options.labels_only:
        if options.photos or options.one_look:
            raise TrainingError("--labels-only leaves what serves: give it no --photos and no --one-look.")
        refit_labels(bundle, data_of(options, bundle.config))
        return 0
    if options.one_look:
        bundle = replace(bundle, config=replace(bundle.config, flip=False))
    recalibrate(bundle, data_of(options, bundle.config), options.photos)
    return 0


def run_compare(options: argparse.Namespace) -> int:
    """Measure each bundle, and write one JSON file."""
    from ..errors import TrainingError
    from ..training.comparison import compare, renewed
    from ..training.run_folder import RUNS

    if options.labels_only and (options.subset or options.photos or options.corruptions):
        raise TrainingError("--labels-only renews one figure: give it no --subset, no --photos and no --corruptions.")
    out = options.out or RUNS / f"two-truths-{options.split}.json"
    bundles = [bundle_of(name) for name in options.bundle]
    peer = None
    if options.peer:
        from ..training.quiet import start_quietly

        start_quietly()
        from ..reports.peers import load_mini_xception, peer_probabilities

        peer = partial(peer_probabilities, load_mini_xception(options.peer))
    data = data_of(options, bundles[0].config)
    if options.labels_only:
        rows = renewed(json.loads(out.read_text()), bundles, data, options, peer)
    else:
        rows = compare(bundles, data, options, peer)
    out.write_text(json.dumps(rows, indent=1) + "\n")
    print(out)
    return 0
