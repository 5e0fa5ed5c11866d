"""The commands that need the training libraries, which are imported only when one runs."""

import argparse
import json
from functools import partial
from pathlib import Path

from . import evaluation
from .training_options import MODEL, bundle_of, data_options, train_config, train_options


def add_commands(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add data, train, evaluate, export, notebook, slides and the rest to a parser's commands."""
    evaluation.add_commands(commands)
    data = commands.add_parser("data", help="report what a data set holds and what is wrong with it")
    data_options(data)
    data.add_argument("--size", type=int, default=48, help="side that pictures are made into, in pixels")
    data.add_argument("--color", action="store_true", help="keep colours")
    data.add_argument("--json", action="store_true")
    data.add_argument("--out", type=Path, metavar="PNG", help="write a contact sheet of faces there")
    data.set_defaults(run=run_data)

    train = commands.add_parser("train", help="train a network and export it as a bundle")
    data_options(train)
    train.add_argument("--out", type=Path, required=True, metavar="BUNDLE", help="the bundle's folder")
    train.add_argument("--from", dest="bundle", metavar="BUNDLE", help="fine-tune this bundle: " + MODEL)
    train.add_argument("--resume", action="store_true", help="go on after the last finished epoch")
    train.add_argument("--flip", action="store_true", help="serve with each face's mirror image, too")
    train.add_argument("--devices", default="one", choices=("one", "all"), help="all: the JAX backend shares batches")
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
    export.set_defaults(run=run_export)

    for name, words, run in (
        ("ablate", "train briefly with each switch alone", run_ablate),
        ("search", "search hyper-parameters with Optuna", run_search),
    ):
        command = commands.add_parser(name, help=words)
        data_options(command)
        command.add_argument("--out", type=Path, required=True, metavar="DIR", help="its runs; goes on if begun")
        command.add_argument("--faces", type=int, default=8000, help="Training faces used")
        if name == "search":
            command.add_argument("--trials", type=int, default=20)
        train_options(command)
        command.set_defaults(run=run)

    record = commands.add_parser("record", help="keep a bundle's figures as a run")
    record.add_argument("bundle", nargs="+", metavar="BUNDLE", help=MODEL)
    record.set_defaults(run=run_record)

    tables = commands.add_parser("tables", help="put the recorded figures into Markdown documents")
    tables.add_argument("document", nargs="*", type=Path, default=[Path("README.md")])
    tables.set_defaults(run=run_tables)

    notebook = commands.add_parser("notebook", help="run notebooks top to bottom, and keep their outputs")
    notebook.add_argument("notebook", nargs="+", type=Path)
    notebook.add_argument("--out", type=Path, metavar="DIR", help="write them there; by default, in their place")
    notebook.add_argument("--set", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="a parameter")
    notebook.set_defaults(run=run_notebook)

    slides = commands.add_parser("slides", help="make the presentation from the recorded runs")
    slides.add_argument("out", type=Path, metavar="OUT.pptx")
    slides.add_argument("--runs", type=Path, metavar="DIR", help="recorded runs; by default, the project's")
    slides.add_argument("--model", help="answers on the demo's page: " + MODEL)
    slides.set_defaults(run=run_slides)


def run_data(options: argparse.Namespace) -> int:
    """Print the report, and write the contact sheet where asked."""
    from ..reports.data_report import as_text, contact_sheet, describe
    from ..training.data.faces import as_ferplus, load

    data = load(options.data, options.votes, options.size, 3 if options.color else 1)
    data = as_ferplus(data) if options.ferplus else data
    report = describe(data)
    print(json.dumps(report, indent=1) if options.json else as_text(report))
    if options.out:
        contact_sheet(data).save(options.out)
    return 0


def run_train(options: argparse.Namespace) -> int:
    """Train, then export to a bundle; the run's own files are kept in BUNDLE/run."""
    from ..training.devices import use_devices
    from ..training.pipeline import continued, load_for, train_bundle

    config = train_config(options)
    use_devices(options.devices, config.batch_size)
    if options.bundle:
        config = continued(config, bundle_of(options.bundle))
    data = load_for(options.data, options.votes, config, options.ferplus)
    bundle = train_bundle(data, config, options.out, options.resume, options.flip)
    print(f"Bundle written to {bundle.folder}. Try it: EMOTION_MODEL={bundle.folder} python app.py")
    return 0


def run_average(options: argparse.Namespace) -> int:
    """Average, calibrate and measure."""
    from ..training.data.faces import load
    from ..training.evaluate import matching
    from ..training.weight_average import average_bundles

    bundles = [bundle_of(name) for name in options.bundle]
    config = bundles[0].config
    data = matching(load(options.data, options.votes, config.height, config.channels), config.labels)
    print(f"Bundle written to {average_bundles(bundles, data, options.out, options.flip).folder}.")
    return 0


def run_export(options: argparse.Namespace) -> int:
    """Write the forms and how each compares with float32 on PublicTest."""
    from ..training.data.faces import load
    from ..training.evaluate import matching
    from ..training.export import export_forms
    from ..training.forms import FORMS

    bundle = bundle_of(options.bundle)
    config = bundle.config
    data = matching(load(options.data, options.votes, config.height, config.channels), config.labels)
    export_forms(bundle, data, options.out, tuple(options.form or FORMS))
    return 0


def run_ablate(options: argparse.Namespace) -> int:
    """Train with each switch and print what it brought."""
    from ..reports.records import ablation_table
    from ..training.experiments import ablate
    from ..training.pipeline import load_for

    config = train_config(options)
    ablate(load_for(options.data, options.votes, config, options.ferplus), config, options.out, options.faces)
    print(ablation_table(options.out))
    return 0


def run_search(options: argparse.Namespace) -> int:
    """Search, and print the best settings."""
    from ..training.experiments import search
    from ..training.pipeline import load_for

    config = train_config(options)
    data = load_for(options.data, options.votes, config, options.ferplus)
    print(json.dumps(search(data, config, options.out, options.trials, options.faces)["best"], indent=1))
    return 0


def run_record(options: argparse.Namespace) -> int:
    """Keep bundles' figures as runs."""
    from ..reports.records import record_run

    for name in options.bundle:
        print(record_run(bundle_of(name)))
    return 0


def run_tables(options: argparse.Namespace) -> int:
    """Renew the tables of documents."""
    from ..reports.records import rewrite

    for document in options.document:
        print(f"{document}: {'renewed' if rewrite(document) else 'as recorded'}")
    return 0


def run_notebook(options: argparse.Namespace) -> int:
    """Run each notebook with the given parameters, which are read as Python values where they are some."""
    from ..reports.execute import execute, value_of

    parameters = {name: value_of(text) for name, text in options.set}
    for notebook in options.notebook:
        print(execute(notebook, options.out / notebook.name if options.out else notebook, parameters))
    return 0


def run_slides(options: argparse.Namespace) -> int:
    """Make the presentation; the demo is answered, and the page photographed, now."""
    from ..recognition.recognizer import EmotionRecognizer
    from ..reports.screenshots import photograph_page
    from ..reports.slides import make_slides
    from ..training.run_folder import RUNS

    recognizer = EmotionRecognizer.load(options.model)
    print(make_slides(options.out, options.runs or RUNS, recognizer, partial(photograph_page, model=options.model)))
    return 0
