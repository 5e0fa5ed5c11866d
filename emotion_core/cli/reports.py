"""The commands that make documents from recorded figures: runs, tables, notebooks, slides."""

import argparse
from functools import partial
from pathlib import Path

from .training_options import MODEL, bundle_of


def add_reports(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add record, tables, notebook, screenshots and slides to a parser's commands."""
    record = commands.add_parser("record", help="keep a bundle's figures as a run")
    record.add_argument("bundle", nargs="+", metavar="BUNDLE", help=MODEL)
    record.add_argument("--out", type=Path, metavar="DIR", help="write it there; by default, to the project's runs")
    record.set_defaults(run=run_record)

    tables = commands.add_parser("tables", help="put the recorded figures into Markdown documents")
    tables.add_argument("document", nargs="*", type=Path, default=[Path("README.md")])
    tables.set_defaults(run=run_tables)

    notebook = commands.add_parser("notebook", help="run notebooks top to bottom, and keep their outputs")
    notebook.add_argument("notebook", nargs="+", type=Path)
    notebook.add_argument("--out", type=Path, metavar="DIR", help="write them there; by default, in their place")
    notebook.add_argument("--set", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help="a parameter")
    notebook.set_defaults(run=run_notebook)

    screenshots = commands.add_parser("screenshots", help="photograph the page, in light and dark, for the README")
    screenshots.add_argument("out", nargs="?", type=Path, default=Path("docs/images"), metavar="DIR")
    screenshots.set_defaults(run=run_screenshots)

    slides = commands.add_parser("slides", help="make the presentation from the recorded runs")
    slides.add_argument("out", type=Path, metavar="OUT.pptx")
    slides.add_argument("--runs", type=Path, metavar="DIR", help="recorded runs; by default, the project's")
    slides.add_argument("--model", help="answers on the demo's page: " + MODEL)
    slides.set_defaults(run=run_slides)


def run_record(options: argparse.Namespace) -> int:
    """Record bundles' figures as runs."""
    from ..reports.records import record_run
    from ..training.run_folder import RUNS

    for name in options.bundle:
        print(record_run(bundle_of(name), options.out or RUNS))
    return 0


def run_tables(options: argparse.Namespace) -> int:
    """Update the tables in documents."""
    from ..reports.records import rewrite

    for document in options.document:
        print(f"{document}: {'renewed' if rewrite(document) else 'as recorded'}")
    return 0


def run_notebook(options: argparse.Namespace) -> int:
    """Run each notebook with the given parameters, parsed as Python values where possible."""
    from ..reports.execute import execute, value_of

    parameters = {name: value_of(text) for name, text in options.set}
    for notebook in options.notebook:
        print(execute(notebook, options.out / notebook.name if options.out else notebook, parameters))
    return 0


def run_screenshots(options: argparse.Namespace) -> int:
    """Start the application and take screenshots; returns 1 without a browser."""
    from ..reports.screenshots import write_screenshots

    written = write_screenshots(options.out)
    for path in written:
        print(path)
    return 0 if written else 1


def run_slides(options: argparse.Namespace) -> int:
    """Make the presentation, with the demo analysed and the page's screenshots taken now."""
    from ..recognition.recognizer import EmotionRecognizer
    from ..reports.screenshots import photograph_page
    from ..reports.slides import make_slides
    from ..training.run_folder import RUNS

    recognizer = EmotionRecognizer.load(options.model)
    print(make_slides(options.out, options.runs or RUNS, recognizer, partial(photograph_page, model=options.model)))
    return 0
