"""The command ``publish``: uploads a model or the app to the Hugging Face Hub."""

import argparse
from pathlib import Path


def add_publish(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's commands."""
    publish = commands.add_parser("publish", help="upload a model or the app to the Hugging Face Hub")
    what = publish.add_subparsers(dest="what", required=True)
    model = what.add_parser("model", help="a bundle, and pin it")
    model.add_argument("bundle", type=Path, metavar="BUNDLE", help="a bundle's folder")
    space = what.add_parser("space", help="the app, with the pinned model preloaded")
    space.add_argument("--model", metavar="OWNER/NAME", help="a model on the Hub, instead of the pinned one")
    space.add_argument(
        "--browser-runtime", type=Path, metavar="FOLDER", help="made by `browser-runtime`: visitors' browsers answer"
    )
    address = what.add_parser("address", help="write where the project is published into everything that links there")
    address.add_argument("address", metavar="URL", help="https://github.com/OWNER/NAME, or none")
    address.set_defaults(run=run_publish_address)
    for command in (model, space):
        command.add_argument("repository", metavar="OWNER/NAME")
        command.add_argument("--private", action="store_true", help="where the repository is new")
        command.add_argument("--dry-run", action="store_true", help="list what would go, and upload and write nothing")
    model.set_defaults(run=run_publish_model)
    space.set_defaults(run=run_publish_space)


def run_publish_address(options: argparse.Namespace) -> int:
    """Write the project's URL, and update the documents."""
    from ..reports.address import ROOT, write_address
    from ..reports.records import rewrite

    changed = write_address(None if options.address == "none" else options.address)
    changed += [path for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))) if rewrite(path)]
    print("\n".join(str(path.relative_to(ROOT)) for path in changed) or "Nothing to change.")
    return 0


def run_publish_model(options: argparse.Namespace) -> int:
    """Upload a bundle and write the pin file."""
    from ..publish import model_upload, publish_model

    upload = model_upload(options.bundle, options.repository)
    print(upload.listing())
    if not options.dry_run:
        pin = publish_model(upload, options.private)
        print(f"Published and pinned: {pin.repo_id}@{pin.revision}. Commit emotion_core/pin.json.")
    return 0


def run_publish_space(options: argparse.Namespace) -> int:
    """Upload the app; its model comes from the Hub."""
    from ..publish import publish_space, space_upload
    from ..serving.browser_runtime import open_runtime

    runtime = open_runtime(options.browser_runtime).folder if options.browser_runtime else None
    with space_upload(options.repository, options.model, browser_runtime=runtime) as upload:
        print(upload.listing())
        if not options.dry_run:
            print(f"Published: {upload.repo_id}@{publish_space(upload, options.private)}.")
    return 0
