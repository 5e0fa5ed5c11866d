"""The command ``face-weights``: what training ``face_resnet`` starts from."""

import argparse
from pathlib import Path


def add_face_weights(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to a parser's commands."""
    command = commands.add_parser(
        "face-weights", help="make initial weights for face_resnet (train --init) of dlib's face recognition network"
    )
    command.add_argument("dlib", type=Path, metavar="DAT", help="dlib_face_recognition_resnet_model_v1.dat")
    command.add_argument("--data", type=Path, required=True, help="whose Training faces the network will be trained on")
    command.add_argument("--color", action="store_true", help="keep their colours")
    command.add_argument("--size", type=int, default=48, help="side that pictures are resized to, in pixels")
    command.add_argument("--image-size", type=int, default=112, help="side to which the network will enlarge them")
    command.add_argument("--out", type=Path, required=True, metavar="NPZ", help="write the weights there, some 9 MB")
    command.set_defaults(run=run_face_weights)


def run_face_weights(options: argparse.Namespace) -> int:
    """Read, re-normalise and write."""
    from ..training.quiet import start_quietly

    start_quietly()
    from ..datasets.faces import load
    from ..training.face_weights import initial_weights, write_npz

    faces = load(options.data, side=options.size, channels=3 if options.color else 1).of("train").faces
    arrays = initial_weights(options.dlib, faces, options.image_size)
    write_npz(arrays, options.out)
    print(f"{options.out}: {len(arrays)} arrays. Train: --arch face_resnet --init {options.out}")
    return 0
