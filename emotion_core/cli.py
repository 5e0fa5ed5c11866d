"""The command line: ``python -m emotion_core image``, and what ``training.commands`` adds."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from .errors import EmotionError
from .hub import quiet_hub
from .images import load_image
from .recognizer import EmotionRecognizer
from .render import annotate, caption
from .report import NO_FACE, as_json


def parser() -> argparse.ArgumentParser:
    """All commands and their options; nothing here imports a training library."""
    main_parser = argparse.ArgumentParser(
        prog="python -m emotion_core", description="The perceived expression of every face."
    )
    commands = main_parser.add_subparsers(dest="command", required=True)

    image = commands.add_parser("image", help="analyse photos")
    image.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    image.add_argument("--json", action="store_true", help="print one JSON list, an entry per photo")
    image.add_argument("--out", type=Path, metavar="DIR", help="write annotated photos and their JSON there")
    image.add_argument("--model", help="a bundle's folder or name, or owner/repo[@revision] on the Hub")
    image.add_argument("--detector", choices=("auto", "yunet", "haar"))
    image.set_defaults(run=run_image)

    from .training.commands import add_commands

    add_commands(commands)
    return main_parser


def run_image(options: argparse.Namespace) -> int:
    """Analyse each photo; one that cannot be used is reported and the others go on."""
    recognizer = EmotionRecognizer.load(options.model, options.detector)
    if options.out:
        repeated = {photo.name for photo in options.photos if [p.name for p in options.photos].count(photo.name) > 1}
        if repeated:
            raise EmotionError(
                f"Several photos are called {', '.join(sorted(repeated))}: write them to separate --out."
            )
        try:
            options.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmotionError(f"--out {options.out} cannot be made a folder: {error.strerror}.") from error
    failed = 0
    reports: list[dict[str, Any]] = []
    for photo in options.photos:
        try:
            rgb = load_image(photo)
            result = recognizer.analyze_rgb(rgb)
        except EmotionError as error:
            failed += 1
            reports.append({"file": str(photo), "error": str(error)})
            print(f"{photo}: {error}", file=sys.stderr)
            continue
        reports.append({"file": str(photo), **result.to_dict()})
        if not options.json:
            print(f"{photo}: {'' if result.predictions else NO_FACE}")
            for number, prediction in enumerate(result.predictions, 1):
                box = prediction.face.box
                print(f"  {caption(prediction, number)}  at {box.x},{box.y} size {box.width}x{box.height}")
        if options.out:
            # The whole name is kept, so that a.jpg and a.png do not overwrite each other.
            annotate(rgb, result).save(options.out / f"{photo.name}.annotated.png")
            (options.out / f"{photo.name}.json").write_text(as_json(result) + "\n")
    if options.json:
        print(json.dumps(reports, indent=2))
    return 1 if failed else 0


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status is 0, or 1 when something was refused."""
    options = parser().parse_args(arguments)
    quiet_hub()
    try:
        return int(options.run(options))
    except EmotionError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
