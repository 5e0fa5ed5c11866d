"""The command line: ``python -m emotion_core image | video | publish | bulk``, and what ``training.commands`` adds."""

import argparse
import json
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

from .errors import EmotionError
from .files import unfinished
from .images import RGB, load_image
from .options import frames_a_second
from .recognition.hub import quiet_hub
from .recognition.recognizer import EmotionRecognizer
from .render import annotate, caption
from .results import NO_FACE, FrameResult, as_json
from .video.analysis import analyze_video
from .video.probe import OWN_MACHINE
from .video.results import VideoOptions, VideoSummary


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

    video = commands.add_parser("video", help="analyse videos: every person, over time")
    video.add_argument("clips", nargs="+", type=Path, metavar="CLIP")
    video.add_argument("--out", type=Path, required=True, metavar="DIR", help="write the answers there")
    video.add_argument(
        "--rate", type=frames_a_second, metavar="N", help="analyse N frames a second instead of every one"
    )
    video.add_argument("--json", action="store_true", help="print one JSON list of summaries, an entry per clip")
    video.add_argument("--model", help="a bundle's folder or name, or owner/repo[@revision] on the Hub")
    video.add_argument("--detector", choices=("auto", "yunet", "haar"))
    video.set_defaults(run=run_video)

    publish = commands.add_parser("publish", help="upload a model or the app to the Hugging Face Hub")
    what = publish.add_subparsers(dest="what", required=True)
    model = what.add_parser("model", help="a bundle, and pin it")
    model.add_argument("bundle", type=Path, metavar="BUNDLE", help="a bundle's folder")
    space = what.add_parser("space", help="the app, with the pinned model preloaded")
    space.add_argument("--model", metavar="OWNER/NAME", help="a model on the Hub, instead of the pinned one")
    for command in (model, space):
        command.add_argument("repository", metavar="OWNER/NAME")
        command.add_argument("--private", action="store_true", help="where the repository is new")
        command.add_argument("--dry-run", action="store_true", help="list what would go, and upload and write nothing")
    model.set_defaults(run=run_publish_model)
    space.set_defaults(run=run_publish_space)

    from .bulk.commands import add_bulk
    from .training.commands import add_commands

    add_bulk(commands)
    add_commands(commands)
    return main_parser


def run_image(options: argparse.Namespace) -> int:
    """Analyse each photo; one that cannot be used is reported and the others go on."""
    if options.out:
        _refuse_same_names(options.photos, "photos")
        try:
            options.out.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EmotionError(f"--out {options.out} cannot be made a folder: {error.strerror}.") from error
    recognizer = EmotionRecognizer.load(options.model, options.detector)
    failed = 0
    reports: list[dict[str, Any]] = []
    for photo in options.photos:
        try:
            rgb = load_image(photo)
            result = recognizer.analyze_rgb(rgb)
            if options.out:
                _write_answer(rgb, result, options.out, photo.name)
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
    if options.json:
        print(json.dumps(reports, indent=2))
    return 1 if failed else 0


def _write_answer(rgb: RGB, result: FrameResult, folder: Path, name: str) -> None:
    """The annotated picture and the JSON. The whole name is kept: a.jpg and a.png must not overwrite each other."""
    try:
        with unfinished(folder / f"{name}.annotated.png") as part:
            annotate(rgb, result).save(part)
        with unfinished(folder / f"{name}.json") as part:
            part.write_text(as_json(result) + "\n")
    except OSError as error:
        raise EmotionError(
            f"The answer could not be written into {folder}: {error.strerror or error}. "
            "Make room, or choose another --out."
        ) from error


def run_video(options: argparse.Namespace) -> int:
    """Analyse each clip; one that cannot be used is reported and the others go on."""
    _refuse_same_names(options.clips, "videos")
    recognizer = EmotionRecognizer.load(options.model, options.detector)
    failed = 0
    reports: list[dict[str, Any]] = []
    for clip in options.clips:
        try:
            summary = _analyze_clip(clip, options, recognizer)
        except EmotionError as error:
            failed += 1
            reports.append({"file": str(clip), "error": str(error)})
            print(f"{clip}: {error}", file=sys.stderr)
            continue
        reports.append({"file": str(clip), **summary.to_dict()})
        if not options.json:
            print(f"{clip}: {summary.frames} frames, {summary.seconds:.1f} s -> {summary.files.video}")
            if not summary.people:
                print(f"  {NO_FACE}")
            for person in summary.people:
                shares = sorted(person.shares.items(), key=lambda pair: -pair[1])
                shown = ", ".join(f"{label} {share:.0%}" for label, share in shares if share >= 0.005)
                print(f"  person {person.person}  seen {person.seconds_seen:.1f} s: {shown}")
            for notice in summary.notices:
                print(f"  {notice}")
    if options.json:
        print(json.dumps(reports, indent=2))
    return 1 if failed else 0


def _analyze_clip(clip: Path, options: argparse.Namespace, recognizer: EmotionRecognizer) -> VideoSummary:
    asked = VideoOptions(rate=options.rate, limits=OWN_MACHINE)
    with closing(analyze_video(clip, options.out, recognizer, asked)) as steps:
        for progress in steps:
            if sys.stderr.isatty():
                bar = "#" * round(30 * progress.fraction)
                left = "" if progress.seconds_left is None else f", {progress.seconds_left:.0f} s left"
                line = f"{clip.name} [{bar:30}] {progress.frames} frames, {progress.rate:.1f} a second{left}"
                print(f"\r{line}\x1b[K", end="" if progress.summary is None else "\n", file=sys.stderr, flush=True)
    assert progress.summary is not None  # the last report has it
    return progress.summary


def _refuse_same_names(paths: list[Path], kind: str) -> None:
    """Answers are named after their files and would overwrite each other."""
    repeated = {name for name, count in Counter(path.name for path in paths).items() if count > 1}
    if repeated:
        raise EmotionError(f"Several {kind} are called {', '.join(sorted(repeated))}: write them to separate --out.")


def run_publish_model(options: argparse.Namespace) -> int:
    """Upload a bundle and write the pin file."""
    from .publish import model_upload, publish_model

    upload = model_upload(options.bundle, options.repository)
    print(upload.listing())
    if not options.dry_run:
        pin = publish_model(upload, options.private)
        print(f"Published and pinned: {pin.repo_id}@{pin.revision}. Commit emotion_core/pin.json.")
    return 0


def run_publish_space(options: argparse.Namespace) -> int:
    """Upload the app; its model comes from the Hub."""
    from .publish import publish_space, space_upload

    with space_upload(options.repository, options.model) as upload:
        print(upload.listing())
        if not options.dry_run:
            print(f"Published: {upload.repo_id}@{publish_space(upload, options.private)}.")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run a command; the exit status is 0, 1 when something was refused, 130 after Ctrl-C."""
    options = parser().parse_args(arguments)
    quiet_hub()
    try:
        return int(options.run(options))
    except EmotionError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
