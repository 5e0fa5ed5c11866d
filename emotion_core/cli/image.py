"""The command ``image``: analyses photos."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from ..as_text import as_json
from ..errors import OutputError, in_words
from ..files import fitting, unfinished
from ..images import RGB, load_image
from ..picture_kinds import ENDINGS
from ..recognition.recognizer import EmotionRecognizer
from ..render import annotate, caption
from ..results import NO_FACE, FrameResult
from .given import given_files
from .options import add_recognizer


def add_image(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's commands."""
    image = commands.add_parser("image", help="analyse photos")
    image.add_argument("photos", nargs="+", type=Path, metavar="PHOTO", help="a file, a pattern or a folder")
    image.add_argument("--json", action="store_true", help="print one JSON list, an entry per photo")
    image.add_argument("--out", type=Path, metavar="DIR", help="write annotated photos and their JSON there")
    add_recognizer(image)
    image.set_defaults(run=run_image)


def run_image(options: argparse.Namespace) -> int:
    """Analyse each photo; one that cannot be used is reported and the others go on."""
    if options.out:
        try:
            options.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(f"--out {options.out} cannot be made: {error.strerror}.", options.out) from error
    photos = given_files(options.photos, ENDINGS, options.out, "photos")
    recognizer = EmotionRecognizer.load(options.model, options.detector)
    failed = 0
    reports: list[dict[str, Any]] = []
    for given in photos:
        photo = given.path
        try:
            rgb = load_image(photo)
            result = recognizer.analyze_rgb(rgb)
            if options.out:
                _write_answer(rgb, result, options.out / given.place)
        except Exception as error:  # whatever a bad file causes, the others go on
            failed += 1
            problem = in_words(error)
            reports.append({"file": str(photo), "error": problem})
            print(f"{photo}: {problem}", file=sys.stderr)
            continue
        reports.append({"file": str(photo), **result.to_dict()})
        if not options.json:
            turned = f"Turned by {result.rotation} degrees, the picture shows faces." if result.rotation else ""
            print(" ".join([f"{photo}:", *([] if result.predictions else [NO_FACE]), turned, *result.notes]).rstrip())
            for number, prediction in enumerate(result.predictions, 1):
                box = prediction.face.box
                print(f"  {caption(prediction, number)}  at {box.x},{box.y} size {box.width}x{box.height}")
    if options.json:
        print(json.dumps(reports, indent=2))
    return 1 if failed or not photos else 0


def _write_answer(rgb: RGB, result: FrameResult, path: Path) -> None:
    """Write the annotated picture and the JSON. The name keeps its ending, as a.jpg and a.png must not clash."""
    folder = path.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with unfinished(folder / fitting("", path.name, ".annotated.png")) as part:
            annotate(rgb, result).save(part, "PNG")
        with unfinished(folder / fitting("", path.name, ".json")) as part:
            part.write_text(as_json(result) + "\n")
    except OSError as error:
        raise OutputError(
            f"The answer could not be written into {folder}: {error.strerror or error}. "
            "Make room, or choose another --out.",
            folder,
        ) from error
