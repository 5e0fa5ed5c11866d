"""The command line: ``python -m emotion_core image | train | evaluate | publish``."""

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

    train = commands.add_parser("train", help="train a network and export it as a bundle")
    train.add_argument("--data", type=Path, required=True, help="fer2013.csv, or a folder with train/ and test/")
    train.add_argument("--out", type=Path, required=True, metavar="BUNDLE", help="the bundle's folder")
    train.add_argument("--votes", type=Path, help="fer2013new.csv, the FER+ votes, to soften the targets")
    train.add_argument("--resume", action="store_true", help="go on after the last finished epoch")
    train.add_argument("--arch", default="resnet50v2")
    train.add_argument("--epochs", type=int)
    train.add_argument("--batch-size", type=int)
    train.add_argument("--learning-rate", type=float)
    train.add_argument("--dropout", type=float)
    train.add_argument("--label-smoothing", type=float)
    train.add_argument("--votes-share", type=float, help="share of the targets that the votes get")
    train.add_argument("--class-weight-power", type=float, help="0: no class weights, 1: balanced")
    train.add_argument("--ema", type=float, help="momentum of the averaged weights, per step")
    train.add_argument("--augmentation-start", type=float, help="strength at first, 0 to 1")
    train.add_argument("--augmentation-end", type=float, help="strength in the second half, 0 to 1")
    train.add_argument("--precision", help="mixed_bfloat16 (default) or float32")
    train.add_argument("--weights", choices=("imagenet",), help="start from Keras's download")
    train.add_argument("--init", help="start from an .npz of weights, or a run's best.weights.h5")
    train.add_argument("--seed", type=int)
    train.set_defaults(run=run_train)

    evaluate = commands.add_parser("evaluate", help="measure a bundle on a split of FER-2013")
    evaluate.add_argument("bundle", metavar="BUNDLE", help="a bundle's folder or name, or owner/repo[@revision]")
    evaluate.add_argument("--data", type=Path, required=True)
    evaluate.add_argument("--split", choices=("public", "private"), required=True)
    evaluate.add_argument("--json", action="store_true")
    evaluate.set_defaults(run=run_evaluate)

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


def run_train(options: argparse.Namespace) -> int:
    """Train, then export to a bundle; the run's own files are kept in BUNDLE/run."""
    from .training.run import TrainConfig, train_bundle

    names = TrainConfig.__dataclass_fields__
    given = {name: value for name, value in vars(options).items() if name in names and value is not None}
    bundle = train_bundle(options.data, options.votes, TrainConfig(**given), options.out, options.resume)
    print(f"Bundle written to {bundle.folder}. Try it: EMOTION_MODEL={bundle.folder} python app.py")
    return 0


def run_evaluate(options: argparse.Namespace) -> int:
    """Measure a bundle as it serves and print the figures."""
    from .classifier import Classifier
    from .resolve import resolve_bundle
    from .training.data import load
    from .training.evaluate import evaluate

    bundle = resolve_bundle(options.bundle).bundle
    figures = evaluate(Classifier.from_bundle(bundle), load(options.data), options.split)
    if options.json:
        print(json.dumps(figures, indent=1))
        return 0
    print(f"{bundle.origin} on {options.split}: {figures['faces']} faces")
    for name in ("accuracy", "balanced_accuracy", "macro_f1", "nll", "ece", "uncertain_share"):
        print(f"  {name:18} {figures[name]:.4f}")
    twins = figures["without_twins"]
    print(f"  without twins      accuracy {twins['accuracy']:.4f}, macro-F1 {twins['macro_f1']:.4f}")
    for label, row in figures["per_class"].items():
        print(
            f"  {label:10} precision {row['precision']:.3f}  recall {row['recall']:.3f}  "
            f"F1 {row['f1']:.3f}  faces {row['faces']}"
        )
    return 0


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
    """Run a command; the exit status is 0, or 1 when something was refused."""
    options = parser().parse_args(arguments)
    quiet_hub()
    try:
        return int(options.run(options))
    except EmotionError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
