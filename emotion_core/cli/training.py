"""The commands that need the training libraries, which are imported only when a command runs."""

import argparse
import json
from pathlib import Path
from typing import Any

from . import evaluation
from .training_options import (
    DETECT,
    MODEL,
    asked_for,
    bundle_of,
    data_options,
    train_config,
    train_options,
)


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add data, train, evaluate, export and the rest to a parser's commands."""
    evaluation.add_commands(commands)
    data = commands.add_parser("data", help="report what a data set holds and what is wrong with it")
    data_options(data)
    data.add_argument("--detect", action="store_true", help=DETECT)
    data.add_argument(
        "--size", type=int, default=48, help="side that pictures are resized to, in pixels (default %(default)s)"
    )
    data.add_argument("--color", action="store_true", help="keep colours")
    data.add_argument("--json", action="store_true")
    data.add_argument("--out", type=Path, metavar="PNG", help="write a contact sheet of faces there")
    data.set_defaults(run=run_data)

    train = commands.add_parser(
        "train",
        help="train a network and export it as a bundle",
        epilog="With few faces, epochs, batch size and the weights' average follow their number unless they are given, "
        "and networks are also trained on parts of the data, to say how good the network is.",
    )
    data_options(train)
    train.add_argument("--detect", action="store_true", help=DETECT)
    train.add_argument(
        "--whole-picture",
        action="store_true",
        help="the classes are not faces: when it serves, the model is shown whole pictures",
    )
    train.add_argument(
        "--faces", type=int, metavar="N", help="use about N Training faces, and N / 4 of every other split"
    )
    train.add_argument("--out", type=Path, required=True, metavar="BUNDLE", help="the bundle's folder")
    train.add_argument("--from", dest="bundle", metavar="BUNDLE", help="fine-tune this bundle: " + MODEL)
    train.add_argument("--resume", action="store_true", help="resume after the last finished epoch")
    train.add_argument(
        "--flip",
        action=argparse.BooleanOptionalAction,
        help="serve with each face's mirror image, too; by default as the bundle of --from does",
    )
    train.add_argument(
        "--folds",
        action=argparse.BooleanOptionalAction,
        help="train on parts of the data, too, so that every face is unseen once; by default with few faces",
    )
    train.add_argument(
        "--probe",
        action=argparse.BooleanOptionalAction,
        help="with --from: fit a new head to the network's features and train nothing else; by default with few faces",
    )
    train.add_argument(
        "--devices",
        default="one",
        choices=("one", "all"),
        help="all: the JAX backend shares batches (default %(default)s)",
    )
    train_options(train)
    train.set_defaults(run=run_train)

    average = commands.add_parser("average", help="average the weights of bundles that were trained from one another")
    average.add_argument("bundle", nargs="+", metavar="BUNDLE", help=MODEL)
    data_options(average)
    average.add_argument("--out", type=Path, required=True, metavar="BUNDLE", help="the new bundle's folder")
    average.add_argument("--flip", action="store_true", help="serve with each face's mirror image, too")
    average.set_defaults(run=run_average)

    export = commands.add_parser("export", help="write a bundle's network as LiteRT, ONNX and SavedModel")
    export.add_argument("bundle", metavar="BUNDLE", help=MODEL)
    data_options(export)
    export.add_argument("--out", type=Path, required=True, metavar="DIR")
    export.add_argument("--form", action="append", help="one form, repeatable; by default all")
    export.add_argument(
        "--answers",
        action="store_true",
        help="with calibrated probabilities as output, and the labels inside",
    )
    export.set_defaults(run=run_export)

    for name, words, run in (
        ("ablate", "train briefly with each switch alone", run_ablate),
        ("search", "search hyper-parameters with Optuna", run_search),
    ):
        command = commands.add_parser(name, help=words)
        data_options(command)
        command.add_argument("--out", type=Path, required=True, metavar="DIR", help="its runs; resumes old ones")
        command.add_argument("--faces", type=int, default=8000, help="Training faces used (default %(default)s)")
        command.add_argument("--threads", type=int, metavar="N", help="of the processor; by default all")
        if name == "search":
            command.add_argument("--trials", type=int, default=30, help="the first 10 are random (default %(default)s)")
        else:
            command.add_argument(
                "--seeds", type=int, default=3, help="runs of each switch, from --seed on (default %(default)s)"
            )
            command.add_argument("--switch", action="append", help="one beside the plain run, repeatable; default: all")
        train_options(command)
        command.set_defaults(run=run)


def run_data(options: argparse.Namespace) -> int:
    """Print the report, and write the contact sheet if asked."""
    from ..datasets.faces import as_ferplus, load
    from ..datasets.sought import FaceSeeker
    from ..reports.data_report import as_text, contact_sheet, describe

    seek = FaceSeeker() if options.detect else None
    data = load(options.data, options.votes, options.size, 3 if options.color else 1, seek)
    data = as_ferplus(data) if options.ferplus else data
    report = describe(data)
    print(json.dumps(report, indent=1) if options.json else as_text(report))
    if options.out:
        contact_sheet(data).save(options.out)
    return 0


def run_train(options: argparse.Namespace) -> int:
    """Train, then export to a bundle; the run's files are kept in BUNDLE/run."""
    from ..training.quiet import start_quietly

    start_quietly()
    from ..datasets.classes import expression
    from ..datasets.sought import FaceSeeker
    from ..datasets.sources import fewer
    from ..training.devices import use_devices
    from ..training.pipeline import continued, load_for, train_bundle
    from ..training.small import FEW_UNSEEN, LARGE, WHOLE_NETWORK, outcome, suited

    config, flip = train_config(options), bool(options.flip)
    use_devices(options.devices, config.batch_size)
    if options.bundle:
        base = bundle_of(options.bundle)
        config = continued(config, base)
        flip = base.config.flip if options.flip is None else flip
    data = load_for(options.data, options.votes, config, options.ferplus, FaceSeeker() if options.detect else None)
    data = fewer(data, options.faces) if options.faces else data
    asked = asked_for(options)
    config = suited(config, len(data.of("train")), asked)
    few = len(data.of("train")) < LARGE and len(data.of("public")) < FEW_UNSEEN
    folds = few if options.folds is None else options.folds
    head = few and bool(options.bundle) and not asked & WHOLE_NETWORK if options.probe is None else options.probe
    learns: Any = "head" if head else "crossed" if folds else "whole"
    sees: Any = "picture" if options.whole_picture else "face"
    if few and not (options.bundle or options.init or options.weights):
        print("So few faces teach a new network little: --from fer2013-resnet50v2 begins with one that knows faces.")
    bundle = train_bundle(data, config, options.out, options.resume, flip, sees, learns)
    print(outcome(bundle.config))
    if sees == "face" and not options.detect and not any(map(expression, data.labels)):
        print(
            "When it serves, it is shown the faces found in a picture. If its classes are not faces, "
            "train it with --whole-picture."
        )
    print(f"Bundle written to {bundle.folder}. What it can do is in its README.md.")
    print(f"Try it: python -m emotion_core image PHOTO --model {bundle.folder}")
    return 0


def run_average(options: argparse.Namespace) -> int:
    """Average, calibrate and measure."""
    from ..training.quiet import start_quietly

    start_quietly()
    from ..datasets.faces import load
    from ..training.evaluate import matching
    from ..training.weight_average import average_bundles

    bundles = [bundle_of(name) for name in options.bundle]
    config = bundles[0].config
    data = matching(load(options.data, options.votes, config.height, config.channels), config.labels)
    print(f"Bundle written to {average_bundles(bundles, data, options.out, options.flip).folder}.")
    return 0


def run_export(options: argparse.Namespace) -> int:
    """Write the export formats, and how each compares with float32 on PublicTest."""
    from ..training.quiet import start_quietly

    start_quietly()
    from ..datasets.faces import load
    from ..training.answers import export_answers
    from ..training.evaluate import matching
    from ..training.export import export_forms
    from ..training.forms import FORMS

    bundle = bundle_of(options.bundle)
    config = bundle.config
    data = matching(load(options.data, options.votes, config.height, config.channels), config.labels)
    if options.answers:
        export_answers(bundle, data, options.out, tuple(options.form or ()))
    else:
        export_forms(bundle, data, options.out, tuple(options.form or FORMS))
    return 0


def run_ablate(options: argparse.Namespace) -> int:
    """Train with each switch, and print its effect."""
    _start(options)
    from ..reports.experiments import ablation_table
    from ..training.experiments import ablate, chosen
    from ..training.pipeline import load_for

    config, switches = train_config(options), chosen(options.switch or ())
    data = load_for(options.data, options.votes, config, options.ferplus)
    ablate(data, config, options.out, options.faces, switches, options.seeds)
    print(ablation_table(options.out))
    return 0


def run_search(options: argparse.Namespace) -> int:
    """Search, and print the best settings."""
    _start(options)
    from ..training.experiments import search
    from ..training.pipeline import load_for

    config = train_config(options)
    data = load_for(options.data, options.votes, config, options.ferplus)
    print(json.dumps(search(data, config, options.out, options.trials, options.faces)["best"], indent=1))
    return 0


def _start(options: argparse.Namespace) -> None:
    """Start the training libraries, on the threads that were asked for."""
    from ..training.quiet import start_quietly

    start_quietly()
    if options.threads is not None:
        from ..training.devices import use_threads

        use_threads(options.threads)
