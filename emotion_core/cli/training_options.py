"""Options that several training commands take: the data, and everything that decides a run."""

import argparse
from pathlib import Path
from typing import Any, Final

MODEL: Final = "a bundle's folder or name, or owner/repo[@revision]"
DETECT: Final = "DATA holds photos: find the face in each, as serving does"
_DATA: Final = "fer2013.csv, a folder of classes, or a zip file of either"


def bundle_of(name: str) -> Any:
    """The bundle that an option names; raises BundleError as ``resolve_bundle`` does."""
    from ..recognition.resolve import resolve_bundle

    return resolve_bundle(name).bundle


class TrainingHelp(argparse.HelpFormatter):
    """Tells the defaults of what decides a run, which are looked up only when help is asked for."""

    def _get_help_string(self, action: argparse.Action) -> str | None:
        from ..training.config import TrainConfig

        field = TrainConfig.__dataclass_fields__.get(action.dest)
        words = [action.help or ""]
        if field is not None and isinstance(field.default, int | float | str) and action.option_strings:
            words.append(f"(default {field.default})")
        return " ".join(word for word in words if word) or None


def data_options(command: argparse.ArgumentParser) -> None:
    """Add where the data and the votes are, and whose labels count."""
    command.add_argument("--data", type=Path, required=True, help=_DATA)
    command.add_argument("--votes", type=Path, help="fer2013new.csv, the FER+ votes")
    command.add_argument("--ferplus", action="store_true", help="take the eight labels of FER+ from the votes")


def train_options(train: argparse.ArgumentParser) -> None:
    """Add what ``train_config`` reads; an option that is not given keeps TrainConfig's default."""
    train.add_argument("--arch", help="custom_cnn, mobilenetv2, residual_cnn, resnet50, resnet50v2 or vgg16")
    train.add_argument("--crop-size", type=int, help="side of the crops that the network takes")
    train.add_argument("--color", action="store_true", help="the network takes RGB")
    train.add_argument("--image-size", type=int, help="side to which crops are enlarged in the network")
    train.add_argument("--width", type=int, help="filters of the custom CNN's first stage")
    train.add_argument("--stride", type=int, help="of the custom CNN's first convolution; 2: four times as fast")
    train.add_argument("--epochs", type=int, help="times that all faces are gone through")
    train.add_argument("--batch-size", type=int, help="faces in a step")
    train.add_argument("--learning-rate", type=float, help="its peak, after a warm-up")
    train.add_argument("--weight-decay", type=float, help="AdamW's")
    train.add_argument("--dropout", type=float, help="before the last layer")
    train.add_argument("--label-smoothing", type=float, help="share of the targets that all labels get")
    train.add_argument("--votes-share", type=float, help="share of the targets that the votes get")
    train.add_argument("--teachers", nargs="+", metavar="BUNDLE", help="bundles to learn the answers of")
    train.add_argument("--distil-share", type=float, help="share of the targets that the teachers get")
    train.add_argument("--distil-temperature", type=float, help="divides the teachers' logits")
    train.add_argument(
        "--teacher-views", type=int, help="augmented pictures of each face that teachers see; 0: the face as it is"
    )
    train.add_argument("--class-weight-power", type=float, help="0: no class weights, 1: balanced")
    train.add_argument("--balanced-sampling", type=float, help="0: each face once an epoch, 1: classes equally")
    train.add_argument("--mixup", type=float, help="alpha of the Beta distribution; 0: none")
    train.add_argument("--ema", type=float, help="momentum of the averaged weights, per step")
    train.add_argument("--augmentation-start", type=float, help="strength at first, 0 to 1")
    train.add_argument("--augmentation-end", type=float, help="strength in the second half, 0 to 1")
    train.add_argument("--precision", help="mixed_bfloat16 or float32; by default what the machine is fast at")
    train.add_argument("--weights", choices=("imagenet",), help="start from Keras's download")
    train.add_argument("--init", help="start from a bundle, an .npz of weights, or a run's best.weights.h5")
    train.add_argument("--train-from", metavar="LAYER", help="keep the layers before it; logits: the head alone")
    train.add_argument("--seed", type=int, help="of weights, batches and augmentation")


def asked_for(options: argparse.Namespace) -> set[str]:
    """The names of TrainConfig's settings that were given on the command line."""
    from ..training.config import TrainConfig

    return {name for name in TrainConfig.__dataclass_fields__ if getattr(options, name, None) is not None}


def train_config(options: argparse.Namespace) -> Any:
    """The TrainConfig that the options describe."""
    from ..training.config import TrainConfig

    shape = {"crop_size": options.crop_size, "image_size": options.image_size, "width": options.width}
    shape["stride"] = options.stride
    shape["channels"] = 3 if options.color else None
    names = TrainConfig.__dataclass_fields__
    given = {name: value for name, value in vars(options).items() if name in names and value is not None}
    given["teachers"] = tuple(str(bundle_of(teacher).folder) for teacher in options.teachers or ())
    given["arch_options"] = {name: value for name, value in shape.items() if value is not None}
    return TrainConfig(**given)
